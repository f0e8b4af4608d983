"""A model as the command line names it: errors name the option, and say what was likely meant; a dead server is told apart."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

_TRIED = 2.0  # seconds; a server that listens takes the connection at once


def check_model(option: str, spec: str | None, *, download: bool = False) -> None:
    """Refuse what can't be a model, before anything is loaded.

    Args:
        option: that it was given with, for the sentence.
        spec: as ``models.opening.open_model`` takes it; ``None`` for none.
        download: a model that is not here may be fetched.

    Raises:
        UsageError: there is no such model here.
        VetsetError: see ``models.opening.open_model``.
    """
    from ..curate.errors import UsageError

    if spec is None:
        return
    try:
        _check(spec, download)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from error


def _check(spec: str, download: bool) -> None:
    from ..curate.errors import UsageError, quote
    from ..evaluate.models.model_folder import model_folder
    from ..evaluate.models.opening import open_model

    kind, colon, rest = spec.partition(":")
    if colon and kind == "recorded":  # not opened: it may be large
        place = rest if Path(rest).exists() else rest.partition("?")[0]
        if place and not Path(place).is_file():
            raise UsageError(f"{quote(place)} can't be read (there is no such file); name a file of recorded outputs.")
    elif colon and kind in ("openai", "canned"):
        open_model(spec)
    elif spec.startswith(("http://", "https://")):
        raise UsageError(
            f"{quote(spec)} is an address and names no model; write openai:MODEL@{quote(spec, 200)[1:-1]}."
        )
    elif Path(spec).is_file():
        raise UsageError(f"{quote(spec)} is a file and no model; {_of_a_file(Path(spec))}.")
    elif not download:
        model_folder(spec)


def _of_a_file(path: Path) -> str:
    from ..curate.errors import quote
    from ..curate.wording import shell

    said = shell(quote(path, 200)[1:-1])
    if path.suffix.lower() == ".json":
        return f"give questions with their answers as canned:{said}"
    if path.suffix.lower() in (".jsonl", ".ndjson", ".csv", ".parquet"):
        return f"give a file of outputs as recorded:{said}"
    return "give the folder that holds the model"


@contextmanager
def reachable(*specs: str | None, journal: Path) -> Iterator[None]:
    """Tell a server that is down from a wrong use: where the calls failed, look whether anybody listens there.

    Only then: what a journal knows is asked of nobody, so the same command again needs no server.

    Args:
        specs: the models that are asked; ``None`` for none.
        journal: where answers are kept.

    Raises:
        DataError: nobody listens.
    """
    from ..curate.errors import DataError, UsageError

    try:
        yield
    except UsageError as error:
        for url in _servers(specs):
            if url in str(error) and (why := _silence(url)) is not None:
                raise DataError(
                    f"nobody answers at {url} ({why}); {_to_start(url)}, and give the same command again: what {journal} has "
                    "is not asked anew."
                ) from error
        raise


def _servers(specs: Iterable[str | None]) -> list[str]:
    """Return the addresses of the servers among models; one that can't be an address was the error itself."""
    from ..curate.errors import UsageError
    from ..evaluate.models.openai_address import base_url

    found = []
    for spec in specs:
        if spec is not None and spec.startswith("openai:"):
            with suppress(UsageError):
                found.append(base_url(spec.rpartition("@")[2]))
    return found


def _silence(url: str) -> str | None:
    """Return why no connection to a server is made, or ``None``; a name that is unknown is a wrong address, and no server."""
    from ..evaluate.models.openai_address import proxy_for

    parts = urlsplit(url)
    if parts.hostname is None or proxy_for(url) is not None:
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), _TRIED).close()
    except socket.gaierror:
        return None
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None


def _to_start(url: str) -> str:
    from ..evaluate.models.openai_address import is_loopback

    if not is_loopback(url):
        return "look whether the server runs and the address is right"
    port = urlsplit(url).port or 80
    return f"start the server, such as `vllm serve MODEL --port {port}` or `llama-server -m MODEL.gguf --port {port}`"
