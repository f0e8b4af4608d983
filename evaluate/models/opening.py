"""A model by one word, as the command line and a recipe name it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ...curate.errors import UsageError, quote

if TYPE_CHECKING:
    from .openai_client import Limits
    from .protocol import Model

_SERVER = re.compile(r"(?P<model>.+)@(?P<url>https?://.+)", re.DOTALL)
"""The address comes last: names hold slashes, colons and even ``@``; only an address begins with http:// after one."""

SPELLINGS = (
    "openai:MODEL@http://localhost:8000/v1 for a server, recorded:FILE for outputs in a file, canned:FILE for answers written "
    "down beforehand, or a folder or hub name of a transformers model"
)


def open_model(
    spec: str,
    *,
    key_env: str | None = None,
    extra: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    adapter: str | Path | None = None,
    device: str | None = None,
    dtype: str | None = None,
    batch_tokens: int | None = None,
    template: str | None = None,
    download: bool = False,
) -> Model:
    """Return the model that a word names.

    Args:
        spec: ``openai:MODEL@URL``, ``recorded:FILE``, ``canned:FILE``; all else is a folder or a name on the hub. Columns of a
            file are named after it: ``recorded:FILE?key=prompt&output=large.solution``.
        key_env: of a server: the environment variable that holds the API key.
        extra: of a server: further fields of every call.
        limits: of a server: how it is used.
        adapter: of a local model, as all that follows: see ``local.open_local``.
        device: as torch calls it.
        dtype: of the weights.
        batch_tokens: most tokens of a batch.
        template: Jinja source of a chat template in place of the model's own.
        download: what is not on this machine may be fetched from the hub.

    Raises:
        UsageError: the word is none of these, an option does not belong to it, or there is no such file.
        MissingExtra: the model needs a library that is not installed.
    """
    kind, colon, rest = spec.partition(":")
    kind = kind if colon and kind in ("openai", "recorded", "canned") else "local"
    of_servers = {"key_env": key_env, "extra": extra, "limits": limits}
    of_local = {
        "adapter": adapter,
        "device": device,
        "dtype": dtype,
        "batch_tokens": batch_tokens,
        "template": template,
    }
    for owner, what, options in (
        ("openai", "a server", of_servers),
        ("local", "a transformers model", {**of_local, "download": download or None}),
    ):
        named = [name for name, value in options.items() if value is not None]
        if named and kind != owner:
            raise UsageError(f"{named[0]} is an option of {what}, which {quote(spec)} is not; leave it out.")
    if kind == "openai":
        return _server(rest, key_env, extra, limits)
    if kind != "local" and not rest:
        raise UsageError(f"{quote(spec)} names no file; a model is {SPELLINGS}.")
    if kind == "recorded":
        return _recorded(rest)
    if kind == "canned":
        from .canned import open_canned

        return open_canned(rest)
    if not spec.strip() or spec.startswith(("http://", "https://")):
        raise UsageError(f"{quote(spec)} names no model; a model is {SPELLINGS}.")
    from .local import open_local

    return open_local(
        spec,
        adapter=adapter,
        device=device,
        dtype=dtype,
        batch_tokens=batch_tokens,
        template=template,
        download=download,
    )


def _server(rest: str, key_env: str | None, extra: Mapping[str, Any] | None, limits: Limits | None) -> Model:
    found = _SERVER.fullmatch(rest)
    if found is None:
        raise UsageError(
            f"{quote('openai:' + rest.partition('@')[0])} names no server; write openai:MODEL@URL, such as "
            "openai:qwen2.5-7b@http://localhost:8000/v1."
        )
    from .openai_client import OpenAIModel

    return OpenAIModel(found["model"], found["url"], key_env=key_env, extra=extra, limits=limits)


def _recorded(rest: str) -> Model:
    from .recorded import open_recorded

    path, _, named = rest.partition("?") if not Path(rest).exists() else (rest, "", "")
    columns = dict(parse_qsl(named, keep_blank_values=True))
    unknown = sorted(columns.keys() - {"key", "output"})
    if unknown or len(columns) != (named.count("&") + 1 if named else 0):
        raise UsageError(
            f"{quote(rest)} names columns in a way that can't be read; write recorded:FILE?key=COLUMN&output=COLUMN."
        )
    return open_recorded(path, key=columns.get("key"), output=columns.get("output"))
