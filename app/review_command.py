"""The command ``review``: opens the dashboard."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from .answering import SetArgument, announce
from .given import user

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FIRST_PORT = 8501
_TRIED = 20


def review(
    name: SetArgument,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Default: the first free one from 8501 on.")
    ] = None,
    reviewer: Annotated[
        list[str] | None,
        typer.Option(help="Who decides (default: your user name); repeat it and each chooses their name in the page."),
    ] = None,
    address: Annotated[
        str, typer.Option(help="To listen on; another than this machine's needs sign-in.")
    ] = "127.0.0.1",
    anyone_may_decide: Annotated[
        bool,
        typer.Option(
            "--insecure-anyone-may-decide",
            help="Listen on another address without sign-in: whoever reaches it reads every row and decides in your name.",
        ),
    ] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    config: Annotated[
        Path | None, typer.Option(help="vetset.toml (default: the one in this folder, or beside the set).")
    ] = None,
) -> None:
    """Open the dashboard: audit labels, settle duplicates and leaks, export."""
    from ..curate.dataset import Dataset
    from ..curate.decisions.decision import check_reviewer
    from ..curate.review.view import prepare

    _installed()
    names = tuple(dict.fromkeys(reviewer or [user()]))
    for one in names:
        _checked(one)
        check_reviewer(one)
    sign_in = _guard(address, anyone_may_decide)
    dataset = Dataset.open(name)
    port = _free(port, address)
    announce(f"preparing {name} ...")
    prepare(dataset)
    where = f"http://{'localhost' if address in _LOOPBACK else f'[{address}]' if ':' in address else address}:{port}"
    announce(f"vetset review: {where} (stop it with Ctrl-C; decisions are kept as you make them)")
    if browser:
        _open_browser(where, port, address)
    told = {
        "folder": str(name.resolve()), "reviewers": names, "config": None if config is None else str(config.resolve()),
        "sign_in": sign_in, "allowed": reviewer or [], "named": str(name),
    }  # fmt: skip
    raise typer.Exit(_serve(told, port=port, address=address))


def _installed() -> None:
    from importlib.util import find_spec

    from ..curate.errors import MissingExtra

    if find_spec("streamlit") is None:
        raise MissingExtra("the dashboard needs Streamlit; run: pip install 'vetset[app]'")


def _checked(name: str) -> None:
    from ..curate.errors import UsageError

    if name == "policy":
        raise UsageError("the reviewer 'policy' is the policy's own name; give yours with --reviewer.")


def _guard(address: str, anyone_may_decide: bool) -> bool:
    """Refuse to listen where strangers may come by, unless they have to sign in or the user says so by name.

    Returns:
        Whether they have to.
    """
    from ..curate.errors import UsageError, quote

    if address in _LOOPBACK or anyone_may_decide:
        return False
    if _signs_in():
        _sign_in_installed()
        return True
    raise UsageError(
        f"--address {quote(address)} would let whoever reaches this machine read every row and decide in your name; set up "
        "sign-in ([auth] in .streamlit/secrets.toml), or reach it by an SSH tunnel, or say --insecure-anyone-may-decide."
    )


def _sign_in_installed() -> None:
    from importlib.util import find_spec

    from ..curate.errors import MissingExtra

    if find_spec("authlib") is None:
        raise MissingExtra("sign-in needs Authlib; run: pip install 'vetset[app]'")


def _signs_in() -> bool:
    """Say whether OpenID Connect is configured where Streamlit looks for it."""
    import tomllib

    for place in (Path.cwd(), Path.home()):
        try:
            if "auth" in tomllib.loads((place / ".streamlit" / "secrets.toml").read_text(encoding="utf-8")):
                return True
        except (OSError, ValueError):
            continue
    return False


def _free(port: int | None, address: str) -> int:
    """Return the port asked for, or the first free one."""
    from ..curate.errors import UsageError

    tried = [port] if port is not None else range(_FIRST_PORT, _FIRST_PORT + _TRIED)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    reason = "in use"
    for one in tried:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, one))
            except OSError as error:
                reason = (error.strerror or reason).lower()
                continue
        return one
    raise UsageError(
        f"port {tried[0] if port is not None else f'{tried[0]} to {tried[-1]}'} on {address} can't be listened on "
        f"({reason}); give a free one with --port."
    )


def _serve(told: dict[str, object], *, port: int, address: str) -> int:
    import json

    script = Path(__file__).with_name("main.py")
    # -P: a file in the folder that it is started in must not stand for a module.
    command = [
        sys.executable, "-P", "-m", "streamlit", "run", str(script), "--server.port", str(port), "--server.address", address,
        "--logger.hideWelcomeMessage", "true", "--", json.dumps(told),
    ]  # fmt: skip
    # Streamlit draws each page in a thread of its own, and glibc would keep the freed lists of a million rows for each of them.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":  # the server takes this process's place: one to stop, and none of the memory of preparing
        os.execv(sys.executable, command)  # noqa: S606 - our own interpreter
    return subprocess.run(command, check=False).returncode


def _open_browser(url: str, port: int, address: str) -> None:
    wait = (
        "import socket, sys, time, webbrowser\n"
        "for _ in range(300):\n"
        "    try:\n"
        "        socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).close()\n"
        "        webbrowser.open(sys.argv[3])\n"
        "        break\n"
        "    except OSError:\n"
        "        time.sleep(0.1)\n"
    )
    subprocess.Popen(
        [sys.executable, "-P", "-c", wait, address, str(port), url],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
