"""``provenance.json`` and what stands beside the data files: sealed when they are written, verified ever after."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from hashlib import file_digest
from hashlib import sha256 as sha256_of
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from .. import disk
from ..errors import UsageError, quote
from ..manifest import PROVENANCE
from .synthetic import told_of

LINEAGE, DECISIONS, CARD = "lineage.parquet", "decisions.jsonl", "README.md"
"""What stands beside the data files."""

FORMAT = 1  # of provenance.json

FATES = ("written", "dropped", "held", "unsplit", "left_out")
"""What becomes of a row that was read: exactly one of these."""


@dataclass(frozen=True)
class FileWritten:
    """One data file. ``ids_sha256`` is the digest of its rows' ids, sorted, one a line."""

    name: str
    split: str | None
    rows: int
    bytes: int
    sha256: str
    ids_sha256: str
    licenses: dict[str, int]
    """Licence to rows, the most first; rows without one are ``unknown``."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def digest_ids(ids: pl.Series) -> str:
    """Return the SHA-256 of ids, sorted, one a line: the same for the same rows in any order."""
    return sha256_of("\n".join(ids.sort()).encode()).hexdigest()


def digest_rows(rows: pl.DataFrame) -> str:
    """Return the SHA-256 of what rows teach, in any order: texts, tools, label and the worse answer, with the id.

    An id stays where a decision changes a label or a text, so that ids alone (``digest_ids``) would not tell.
    """
    told = sha256_of()
    taught = rows.select("id", "messages", "label", "tools", "rejected").sort("id", maintain_order=True)
    for row in taught.iter_rows():
        told.update(msgspec.json.encode(row) + b"\n")
    return told.hexdigest()


def licenses_of(rows: pl.DataFrame) -> dict[str, int]:
    """Return how many rows have each licence, the most first; those without one are ``unknown``.

    >>> licenses_of(pl.DataFrame({"license": ["MIT", None, "MIT"]}))
    {'MIT': 2, 'unknown': 1}
    """
    counts = rows["license"].fill_null("unknown").value_counts().sort("count", "license", descending=[True, False])
    return dict(counts.iter_rows())


def seal(document: dict[str, Any]) -> bytes:
    """Return the account as it stands in ``provenance.json``, with the digest of itself as its last entry."""
    body = {key: value for key, value in document.items() if key != "seal"}
    return _text({**body, "seal": seal_of(body)})


def seal_of(body: dict[str, Any]) -> str:
    """Return the SHA-256 of an account without its seal."""
    return sha256_of(_text({key: value for key, value in body.items() if key != "seal"})).hexdigest()


def _text(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def our_files(folder: Path) -> set[str]:
    """Return the names of the files that the export in ``folder`` wrote; empty where there is no account of one."""
    try:
        document = json.loads((folder / PROVENANCE).read_bytes())
        if document["seal"] != seal_of(document):
            return set()  # somebody else's file of that name, or one that was changed by hand
        names = {file["name"] for file in document["files"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
    return {PROVENANCE, LINEAGE, DECISIONS, CARD, *(name for name in names if isinstance(name, str))}


# ---- verify ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One thing that was recomputed."""

    ok: bool
    what: str
    sentence: str


@dataclass(frozen=True)
class Verification:
    """Everything that was recomputed, in a fixed order."""

    folder: Path
    checks: list[Check]

    @property
    def ok(self) -> bool:
        """Whether every digest and count is as recorded."""
        return all(check.ok for check in self.checks)

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {"folder": str(self.folder), "ok": self.ok, "checks": [asdict(check) for check in self.checks]}


def verify(folder: str | Path) -> Verification:
    """Recompute every digest and count of an export; whatever stands in the folder, this never raises.

    Finds a changed or missing file, a file that no export wrote, a count that does not add up. It cannot find a change
    by somebody who seals the account anew: for that, compare ``seal`` with the digest in the set's manifest.

    Raises:
        UsageError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give one that `vetset export` wrote.")
    checks = _tried("folder", lambda: _recovered(folder))
    if checks:
        return Verification(folder, checks)
    document: dict[str, Any] = {}
    checks = _tried(PROVENANCE, lambda: _account(folder, document))
    if document:
        checks += _tried("files", lambda: _no_others(folder, document))
        for entry in document["files"]:
            checks += _tried("a data file", lambda entry=entry: _data_file(folder, entry))
        for name in (LINEAGE, DECISIONS, CARD):
            checks += _tried(name, lambda name=name: _beside(folder, name, document))
        checks += _tried("counts", lambda: _counts(document))
        checks += _tried(LINEAGE, lambda: _lineage(folder, document))
        checks += _tried(DECISIONS, lambda: _log(folder, document))
    return Verification(folder, checks)


def _tried(what: str, test: Callable[[], Iterator[Check]]) -> list[Check]:
    """Run one test; what it raises is an answer, too: the folder may hold anything."""
    try:
        return list(test())
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001
        return [Check(False, what, f"{what} can't be checked ({type(error).__name__}); export again.")]


def _compare(what: str, kind: str, now: object, then: object) -> Check:
    if now == then and type(now) is type(then):
        return Check(True, what, f"{what}: {kind} {_shown(now)}, as recorded.")
    return Check(False, what, f"{what}: {kind} is {_shown(now)}, but {_shown(then)} was recorded.")


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else quote(value, 12) if isinstance(value, str) else quote(value, 40)


def _recovered(folder: Path) -> Iterator[Check]:
    if any((folder / name).exists() for name in (PROVENANCE, ".commit.json")):  # else it is no folder of ours
        disk.recover(folder)
    yield from ()  # nothing to tell where it works


def _account(folder: Path, document: dict[str, Any]) -> Iterator[Check]:
    """Read the account into ``document``, which stays empty where it is no account."""
    path = folder / PROVENANCE
    if not path.is_file():
        yield Check(False, PROVENANCE, f"{folder} holds no {PROVENANCE}, so it is no export; give one that is.")
        return
    found = json.loads(path.read_bytes())
    if not (isinstance(found, dict) and isinstance(found.get("files"), list) and isinstance(found.get("counts"), dict)):
        yield Check(False, PROVENANCE, f"{PROVENANCE} is not an account of an export; export again.")
        return
    document.update(found)
    yield _compare(PROVENANCE, "seal", seal_of(found), found.get("seal"))


def _no_others(folder: Path, document: dict[str, Any]) -> Iterator[Check]:
    known = {PROVENANCE, LINEAGE, DECISIONS, CARD, *(entry["name"] for entry in document["files"])}
    others = sorted(item.name for item in folder.iterdir() if item.name not in known and not item.name.startswith("."))
    for name in others:
        yield Check(False, "files", f"{quote(name)} stands in the folder, but no export wrote it.")
    if not others:
        yield Check(True, "files", f"{len(known):,} files, and no other.")


def _data_file(folder: Path, entry: dict[str, Any]) -> Iterator[Check]:
    name = entry["name"]
    if Path(name).name != name or name.startswith("."):
        yield Check(False, quote(name), f"{quote(name)} is not the name of a file in the folder.")
        return
    path = folder / name
    if not path.is_file():
        yield Check(False, name, f"{quote(name)} is missing.")
        return
    yield _compare(name, "bytes", path.stat().st_size, entry["bytes"])
    yield _compare(name, "sha256", sha256(path), entry["sha256"])
    yield _compare(name, "rows", _rows_in(path), entry["rows"])


def _rows_in(path: Path) -> int:
    if path.suffix == ".parquet":
        return pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
    if path.suffix == ".csv":
        return pl.scan_csv(path, infer_schema=False, glob=False).select(pl.len()).collect().item()
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _beside(folder: Path, name: str, document: dict[str, Any]) -> Iterator[Check]:
    path, entry = folder / name, document["beside"][name]
    if not path.is_file():
        yield Check(False, name, f"{name} is missing.")
        return
    yield _compare(name, "sha256", sha256(path), entry["sha256"])


def _counts(document: dict[str, Any]) -> Iterator[Check]:
    counts = document["counts"]
    total = sum(counts[fate] for fate in FATES)
    parts = " + ".join(f"{counts[fate]:,} {fate.replace('_', ' ')}" for fate in FATES)
    good = total == counts["read"]
    yield Check(good, "sum", f"{counts['read']:,} rows read {'=' if good else 'is not'} {parts}.")
    yield _compare("files", "rows", sum(entry["rows"] for entry in document["files"]), counts["written"])
    yield _compare("inputs", "rows", sum(entry["rows"] for entry in document["inputs"]), counts["read"])
    yield _compare("inputs", "rejects", sum(entry["rejects"] for entry in document["inputs"]), counts["rejects"])
    left_out = sum(loss["rows"] for loss in document["losses"] if loss["kind"] == "row")
    yield _compare("losses", "rows left out", left_out, counts["left_out"])


def _lineage(folder: Path, document: dict[str, Any]) -> Iterator[Check]:
    lineage = pl.read_parquet(folder / LINEAGE, glob=False)
    fates = dict(lineage.group_by("fate").len().iter_rows())
    yield _compare(LINEAGE, "rows", lineage.height, document["counts"]["read"])
    for fate in FATES:
        yield _compare(LINEAGE, f"rows {fate.replace('_', ' ')}", fates.get(fate, 0), document["counts"][fate])
    yield _compare(LINEAGE, "ids that stand twice", lineage.height - lineage["id"].n_unique(), 0)
    for entry in document["files"]:
        part = lineage.filter(pl.col("file") == entry["name"])
        yield _compare(entry["name"], "digest of its rows' ids", digest_ids(part["id"]), entry["ids_sha256"])
    held = lineage.filter(pl.col("fate") == "held")["why"].str.split(", ").explode()
    for rule, of in document["rules"].items():
        yield _compare(rule, "rows held", int((held == rule).sum()), of["held"])
    yield from _teachers(lineage, document.get("synthetic"))


def _teachers(lineage: pl.DataFrame, account: dict[str, Any] | None) -> Iterator[Check]:
    """Compare the rows that each teacher wrote; nothing to say where none did."""
    now, then = told_of(lineage), {"rows": 0, "teachers": []} if account is None else account
    if not now and account is None:
        return
    yield _compare("synthetic", "rows", sum(now.values()), then["rows"])
    told: dict[str, int] = {}
    for one in then["teachers"]:
        told[one["teacher"]] = told.get(one["teacher"], 0) + one["rows"]
    for teacher in sorted(now.keys() | told.keys()):
        yield _compare(quote(teacher, 60), "rows", now.get(teacher, 0), told.get(teacher, 0))


def _log(folder: Path, document: dict[str, Any]) -> Iterator[Check]:
    lines = (folder / DECISIONS).read_bytes().count(b"\n")
    yield _compare(DECISIONS, "lines", lines, document["decisions"]["lines"])
