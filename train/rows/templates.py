"""Chat templates: which of a model's is in use, and a sandbox that renders it as transformers does, without transformers.

A template is code from a stranger: it runs in Jinja's sandbox, which keeps it from Python's insides and from large ranges, and
here from large products and endless texts, too. How long it computes can't be limited within a thread.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sized
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, MissingExtra, UsageError, quote

try:
    import jinja2
    from jinja2 import ext, nodes
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.utils import Namespace
except ImportError as error:
    raise MissingExtra("rendering needs jinja2 and tokenizers; run pip install 'vetset[plan]'.") from error

MOST = 50_000_000
"""Characters that a template may write, and items of a product: some 12 million tokens, which no model reads."""


def compile_template(source: str, *, origin: str, now: datetime | None = None) -> jinja2.Template:
    """Return a template that can be rendered.

    Args:
        source: Jinja.
        origin: where it is from, for the error.
        now: what it takes for the time; the time itself for ``None``.

    Raises:
        DataError: it is no Jinja.
    """
    environment = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, ext.loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.globals.update(
        raise_exception=_refuse, strftime_now=lambda form: (now or datetime.now()).strftime(form),  # noqa: PLW0108
        namespace=_PlainNamespace, dict=partial(dict),
    )  # fmt: skip
    try:
        return environment.from_string(source)
    except Exception as error:  # Jinja's own, and what Python's compiler says of a nesting that is too deep
        line = f" line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        raise DataError(
            f"the chat template of {origin}{line} is no Jinja ({quote(error, 120)}); mend it, or give another with "
            "template = FILE."
        ) from error


def render(template: jinja2.Template, **said: Any) -> str:
    """Return the text that a template writes, if it is not endless; whatever the template raises is raised.

    >>> render(compile_template("{{ said | tojson }}", origin="a test"), said={"name": "é"})
    '{"name": "é"}'
    """
    pieces, length = [], 0
    for piece in template.generate(**said):
        pieces.append(piece)
        length += len(piece)
        if length > MOST:
            raise SecurityError(f"it writes more than {MOST:,} characters")
    return "".join(pieces)


def find_templates(folder: Path, settings: Mapping[str, Any], given: str | None) -> dict[str, str]:
    """Return a model's templates by name, as transformers takes them: files before ``tokenizer_config.json``.

    Args:
        folder: of the model.
        settings: its ``tokenizer_config.json``.
        given: a Jinja file that takes the place of all.

    Raises:
        UsageError: the file that was given is not there.
        DataError: one of the model's can't be read.
    """
    try:
        if given is not None:
            return {"default": Path(given).read_text(encoding="utf-8")}
        files = {path.stem: path for path in sorted(folder.glob("additional_chat_templates/*.jinja"))}
        if (folder / "chat_template.jinja").is_file():
            files["default"] = folder / "chat_template.jinja"
        told = settings.get("chat_template")
        if files:
            return {name: path.read_text(encoding="utf-8") for name, path in files.items()}
        if isinstance(told, list):
            told = {one["name"]: one["template"] for one in told}
        return dict(told) if isinstance(told, dict) else {"default": told} if isinstance(told, str) else {}
    except (OSError, UnicodeDecodeError, KeyError, TypeError) as error:
        if given is not None:
            raise UsageError(f"template {given} can't be read ({type(error).__name__}); give a Jinja file.") from error
        raise DataError(f"{folder}: its chat template can't be read ({type(error).__name__}); save it anew.") from error


class _Generation(ext.Extension):
    """``{% generation %}``, with which transformers tells what an assistant said; what it encloses is written as it is."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja declares it

    def parse(self, parser: Any) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class _PlainNamespace(Namespace):
    """A template's own variables, none of which is called as Python's insides are."""

    def __init__(*given: Any, **more: Any) -> None:
        Namespace.__init__(*given, **more)
        _plain_names(dict(*given[1:], **more))

    def __setitem__(self, name: str, value: Any) -> None:
        _plain_names([name])
        super().__setitem__(name, value)


def _plain_names(names: Iterable[str]) -> None:
    if any(name.startswith("_") for name in names):
        raise SecurityError("a namespace holds no name that begins with _")


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("*", "**"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or isinstance(left, Sized) or isinstance(right, Sized):
            low, high = (len(side) if isinstance(side, Sized) else abs(side) for side in (left, right))
            if (low > 1 and high > 64) or low**high > MOST if operator == "**" else low * high > MOST:
                raise SecurityError("a product of that size")
        return super().call_binop(context, operator, left, right)


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """JSON without Jinja's own escapes for HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse(message: str) -> None:
    raise jinja2.TemplateError(message)
