"""`vetset review` used wrongly: exit code 64, one sentence, and no server; and how the server is started."""

import contextlib
import importlib.util
import json
import os
import socket
import sys

import pytest
from vetset.app.cli import run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set of ten rows; a server that starts after all fails the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"text {i},{i % 2}\n" for i in range(10)))
    assert run(["read", "a.csv"]) == 0

    def started(*_):
        raise AssertionError("a server was started")

    monkeypatch.setattr(os, "execv", started)
    return tmp_path


def refused(capsys, *arguments):
    """Return the one sentence that `review` says no by."""
    capsys.readouterr()
    assert run(["review", "--no-browser", *arguments]) == 64
    told = capsys.readouterr()
    assert told.out == ""
    said = " ".join(told.err.split())
    assert said.endswith((".", "'vetset[app]'"))  # a command to copy ends in no full stop
    assert "Traceback" not in said
    return said


def test_a_set_that_is_not_there(folder, capsys):
    assert "gone.vet" in refused(capsys, "gone.vet")
    assert not (folder / "gone.vet").exists()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7"])
def test_another_address_without_sign_in(folder, capsys, address):
    said = refused(capsys, "a.vet", "--address", address)
    assert address in said
    assert "--insecure-anyone-may-decide" in said


def test_a_port_that_is_taken(folder, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(capsys, "a.vet", "--port", str(port))
    assert str(port) in said
    assert "in use" in said
    assert "--port" in said


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_port_that_is_none(folder, capsys, port):
    assert "--port" in refused(capsys, "a.vet", f"--port={port}")


@pytest.mark.parametrize("name", ["", "policy", " ", "a\nb"])
def test_a_reviewer_who_can_be_none(folder, capsys, name):
    assert "reviewer" in refused(capsys, "a.vet", "--reviewer", name)


def test_without_streamlit(folder, capsys, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "streamlit" else found(name, *rest)
    )
    assert "pip install 'vetset[app]'" in refused(capsys, "a.vet")


@pytest.mark.parametrize(
    ("arguments", "sign_in"),
    [
        ((), False), (("--address", "0.0.0.0"), True), (("--address", "0.0.0.0", "--insecure-anyone-may-decide"), False),
    ],
)  # fmt: skip
def test_the_server_is_told_that_nobody_comes_in_unnamed_and_takes_no_module_from_here(
    folder, monkeypatch, arguments, sign_in
):
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text('[auth]\nclient_id = "x"\n')
    started = []

    def start(_, command):
        started.append(command)
        raise SystemExit

    monkeypatch.setattr(os, "execv", start)
    with contextlib.suppress(SystemExit):
        run(["review", "--no-browser", "a.vet", *arguments])
    ((python, safe, *command),) = started
    assert (python, safe) == (sys.executable, "-P")
    assert json.loads(command[-1])["sign_in"] is sign_in


@pytest.mark.parametrize(
    ("address", "where"),
    [("::", "http://[::]:8765"), ("::1", "http://localhost:8765"), ("0.0.0.0", "http://0.0.0.0:8765")],
)
def test_the_address_that_is_told_can_be_opened(folder, monkeypatch, capsys, address, where):
    monkeypatch.setattr("vetset.app.review_command._free", lambda port, _: port)

    def start(*_):
        raise SystemExit

    monkeypatch.setattr(os, "execv", start)
    with contextlib.suppress(SystemExit):
        run(["review", "--no-browser", "a.vet", "--port=8765", "--insecure-anyone-may-decide", "--address", address])
    assert f"{where} " in capsys.readouterr().err


def shown(monkeypatch, folder, **told):
    """Return the first page as the server draws it, for one of two reviewers."""
    testing = pytest.importorskip("streamlit.testing.v1")
    given = {"folder": str(folder / "a.vet"), "reviewers": ["ann.lee-1@x.org", "ben"], **told}
    monkeypatch.setattr(sys, "argv", ["main.py", json.dumps(given)])
    return testing.AppTest.from_string("from vetset.app.dashboard.shell import run\n\nrun()", default_timeout=60).run()


def test_a_server_that_asks_for_sign_in_shows_nothing_where_none_is_set_up(folder, monkeypatch):
    page = shown(monkeypatch, folder, sign_in=True)
    assert [title.value for title in page.title] == ["vetset"]
    assert "not set up" in page.error[0].value
    assert not page.sidebar.selectbox


def test_a_name_with_marks_of_markdown_is_chosen_as_it_was_given(folder, monkeypatch):
    assert shown(monkeypatch, folder).sidebar.selectbox[0].options == ["ann.lee-1@x.org", "ben"]
