"""Sets that are empty, unchecked, broken, or read-only: every page says a sentence, and none a traceback."""

import ctypes
import os
import shutil
import sqlite3
from contextlib import closing

import polars as pl
import pytest

pytestmark = pytest.mark.slow

FAULT = "A fault of vetset"
DROP, OVERRIDE = 24, 1  # prctl's PR_CAPBSET_DROP, and CAP_DAC_OVERRIDE: by which root writes where nobody may


def _empty(folder):
    from vetset.curate.dataset import Dataset, digest_of, parquet

    rows = pl.read_parquet(folder / "rows.parquet").clear()
    said = {"rows": 0, "rejects": 0, "inputs": [], "digest": digest_of(rows["id"])}
    Dataset(folder).save({"rows.parquet": parquet(rows)}, step={"verb": "read"}, **said)


def _rows_gone(folder):
    (folder / "rows.parquet").unlink()
    shutil.rmtree(folder / "view", ignore_errors=True)


def _log_damaged(folder):
    for name in ("decisions.db-wal", "decisions.db-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "decisions.db").write_bytes(b"no database at all" * 1000)


def _findings_gone(folder):
    (folder / "findings.parquet").unlink()
    shutil.rmtree(folder / "view", ignore_errors=True)


BREAKS = {"rows gone": _rows_gone, "log damaged": _log_damaged, "findings gone": _findings_gone}


def _all_pages_say_a_sentence(person):
    """Walk all pages; none may be empty or show a fault of ours."""
    faults = {}
    for title in person.walk():
        said = person.page.locator('[data-testid="stMain"]').inner_text()
        if FAULT in said or "Traceback" in said or len(said.split()) < len(title.split()) + 4:
            faults[title] = said
    assert faults == {}


@pytest.mark.parametrize("state", ["empty", "unchecked"])
def test_every_page_of_a_set_without_rows_or_findings_says_what_to_do(serve, person, vetset, tmp_path, state):
    folder = tmp_path / "s.vet"
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"some words {i},{i % 2}\n" for i in range(20)))
    vetset("read", tmp_path / "a.csv", "-o", folder)
    if state == "empty":
        _empty(folder)
    server = serve(folder)
    person.open(server.url)
    _all_pages_say_a_sentence(person)


@pytest.mark.parametrize("state", list(BREAKS))
def test_every_page_of_a_set_that_breaks_while_it_is_looked_at_says_so(served, person, state):
    server = served("pubmedqa")
    person.open(f"{server.url}/audit?a.rule=every+row")
    person.at_row()
    BREAKS[state](server.folder)
    _all_pages_say_a_sentence(person)


@pytest.mark.parametrize("state", list(BREAKS))
def test_a_server_on_a_broken_set_says_so(real, serve, person, tmp_path, state):
    folder = shutil.copytree(real("pubmedqa"), tmp_path / "s.vet")
    BREAKS[state](folder)
    try:
        server = serve(folder)
    except AssertionError as error:
        said = str(error)
        assert "Traceback" not in said
        assert "vetset: " in said
        return
    person.open(server.url)
    _all_pages_say_a_sentence(person)


def _as_one_who_may_not_write():
    if os.getuid() == 0:
        ctypes.CDLL(None).prctl(DROP, OVERRIDE, 0, 0, 0)


def test_a_folder_that_may_not_be_written_is_read_and_says_no_to_decisions(served, person):
    server = served("pubmedqa")  # first, so that its view is made
    server.stop()
    before = sorted(path.name for path in server.folder.iterdir())
    inside = [*server.folder.rglob("*"), server.folder]
    for path in inside:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        server.start(preexec_fn=_as_one_who_may_not_write)
        page = person.open(f"{server.url}/audit?a.rule=every+row")
        row = person.at_row()
        page.keyboard.press("a")
        page.get_by_text("can't be written").or_(page.get_by_text("read-only")).first.wait_for()
        person.settled()
        assert person.row() == row
        _all_pages_say_a_sentence(person)
        person.outage = True
        server.stop()
        if (server.folder / "decisions.db").exists():
            with closing(sqlite3.connect(f"file:{server.folder / 'decisions.db'}?immutable=1", uri=True)) as log:
                assert log.execute("SELECT count(*) FROM decision").fetchone() == (0,)
        assert sorted(path.name for path in server.folder.iterdir()) == before
    finally:
        for path in reversed(inside):
            path.chmod(0o755 if path.is_dir() else 0o644)
