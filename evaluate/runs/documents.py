"""The user's documents, cut into pieces that can be set before a question."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ...curate.errors import DataError, UsageError, quote

WORDS = 160
"""Words of a piece at most: about 220 tokens, which the default encoder reads whole (it cuts at 256)."""
OVERLAP = 30
"""Words that a piece repeats of the one before where a paragraph had to be cut: a sentence or two, so that none is torn apart."""

_KINDS = (".md", ".txt", ".jsonl")
_TEXT_KEYS = ("text", "content", "body", "contents")
_ID_KEYS = ("id", "_id", "doc_id", "name", "title", "path")


@dataclass(frozen=True)
class Document:
    """One document."""

    name: str
    """What a row calls it: its id in a JSONL file, else its path below the folder."""
    text: str
    title: str | None = None


@dataclass(frozen=True)
class Piece:
    """A part of a document."""

    document: str
    text: str


def read_documents(folder: str | Path) -> list[Document]:
    """Return the documents of a folder (.md, .txt, and .jsonl with a document a line), or of one such file, in order of name.

    Raises:
        UsageError: there is no such folder, or no document in it.
        DataError: a file can't be read as text, or a line of JSONL is no document.
    """
    folder = Path(folder)
    if not folder.exists():
        raise UsageError(f"{folder}: no such folder of documents; give one that holds .md, .txt or .jsonl files.")
    paths = (
        [folder]
        if folder.is_file()
        else sorted(path for path in folder.rglob("*") if path.suffix.lower() in _KINDS and _seen(path, folder))
    )
    documents = [document for path in paths for document in _of_file(path, folder)]
    if not documents:
        raise UsageError(
            f"{folder} holds no document; put .md, .txt or .jsonl files there (the last with a `text` each)."
        )
    names: set[str] = set()
    for document in documents:
        if document.name in names:
            raise DataError(f"{folder} holds two documents called {quote(document.name)}; give each an id of its own.")
        names.add(document.name)
    return documents


def digest_of(documents: list[Document]) -> str:
    """Return the SHA-256 of names and texts."""
    whole = json.dumps([[of.name, of.title, of.text] for of in documents], ensure_ascii=False)
    return sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def cut(document: Document, *, words: int = WORDS, overlap: int = OVERLAP) -> list[Piece]:
    r"""Return a document in pieces: whole paragraphs while they fit, longer ones cut between words.

    The nearest heading (Markdown's ``#``) is set before each piece, as a paragraph alone seldom says what it is about.

    >>> [piece.text for piece in cut(Document("a", "# Cards\n\nThey expire.\n\n# Fees\n\nThere are none."))]
    ['# Cards\n\nThey expire.', '# Fees\n\nThere are none.']
    """
    heading, parts, pieces = document.title or "", [], []

    def close() -> None:
        if parts:
            pieces.append(Piece(document.name, "\n\n".join([*([heading] if heading else []), *parts])))
            parts.clear()

    for paragraph in re.split(r"\n\s*\n", document.text.strip()):
        first, _, rest = paragraph.strip().partition("\n")
        if re.match(r"#{1,6} ", first):
            close()
            heading, paragraph = first, rest  # noqa: PLW2901 - the heading is taken off
        for part in _folded(paragraph.strip(), words, overlap):
            if parts and sum(len(one.split()) for one in parts) + len(part.split()) > words:
                close()
            parts.append(part)
    close()
    return pieces


def _folded(paragraph: str, words: int, overlap: int) -> Iterator[str]:
    starts = [found.start() for found in re.finditer(r"\S+", paragraph)]
    if len(starts) <= words:
        if paragraph:
            yield paragraph
        return
    for low in range(0, max(len(starts) - overlap, 1), words - overlap):
        end = starts[low + words] if low + words < len(starts) else len(paragraph)
        yield paragraph[starts[low] : end].strip()


def _seen(path: Path, folder: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)


def _of_file(path: Path, folder: Path) -> Iterator[Document]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} can't be read as UTF-8 text ({type(error).__name__}); mend it or take it away."
        ) from error
    if path.suffix.lower() != ".jsonl":
        if text.strip():
            yield Document(path.name if path == folder else path.relative_to(folder).as_posix(), text)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _of_line(path, number, line)


def _of_line(path: Path, number: int, line: str) -> Document:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} line {number} is no JSON ({quote(error, 80)}); mend that line.") from error
    text = (
        next((found[key] for key in _TEXT_KEYS if isinstance(found.get(key), str)), None)
        if isinstance(found, dict)
        else None
    )
    if text is None:
        raise DataError(f"{path} line {number} holds no text; give an object with `text` (and `id`) on each line.")
    name = next((found[key] for key in _ID_KEYS if isinstance(found.get(key), str | int)), f"{path.name}:{number}")
    title = found.get("title")
    return Document(str(name), text, title if isinstance(title, str) else None)
