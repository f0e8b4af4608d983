"""The agreement on a set's labels as a folder of files that a page maps: another process makes it, once for the same votes."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa

from .. import disk
from ..dataset import Dataset
from ..decisions.ledger import Ledger
from ..embed.encoder import TFIDF, find_encoder
from ..errors import UsageError
from .agreeing import Agreement, agree
from .classifier import View, view
from .reviewers import decided_twice, votes_of
from .vote_sources import VoteLines, Where, find_votes
from .votes import Votes, gathered

Who = Literal["annotators", "reviewers"]

_FILES = ("votes", "members", "views")
_FORM = 1  # of the files; raised when what is in them changes


@dataclass(frozen=True)
class Question:
    """Whose agreement is asked for."""

    who: Who = "annotators"
    columns: tuple[str, ...] = ()
    """That hold one annotator each; none where rows name their annotator."""
    classifier: bool = True
    """A classifier of the texts is one more voter, if it earns its place."""
    state: str = ""
    """Of reviewers: what tells their votes from later ones."""


@dataclass(frozen=True)
class Report:
    """What was found."""

    summary: dict[str, Any]
    """``Agreement.summary()``, and ``guessed``: sentences on where the votes stand."""
    votes: pl.DataFrame
    """``item, annotator, label``, a line a vote that counts."""
    members: pl.DataFrame
    """``item, row``: the rows that each item is, in their order."""
    views: pl.DataFrame
    """``item, label, share``: what the classifier holds for likeliest; empty where it has no say."""


def place_of_report(place: Path, rows_key: str, question: Question) -> Path:
    """Return the folder of a report, among the files of the view.

    Args:
        place: folder of the view's files (``view.place_of``).
        rows_key: digest of the rows (``View.rows_key``).
        question: what is asked.
    """
    told = json.dumps([_FORM, question.columns, question.classifier, question.state])
    return place / f"agreement-{rows_key}-{question.who}-{blake2b(told.encode(), digest_size=8).hexdigest()}"


def read_report(path: Path) -> Report | None:
    """Return the report of a folder, mapped into memory; ``None`` where there is none yet, or a damaged one."""
    try:
        summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
        frames = [
            pl.from_arrow(pa.ipc.open_file(pa.memory_map(str(path / f"{name}.arrow"))).read_all()) for name in _FILES
        ]
    except (OSError, ValueError, pa.ArrowInvalid):
        return None
    votes, members, views = (frame for frame in frames if isinstance(frame, pl.DataFrame))
    return Report(summary, votes, members, views)


def answer(told: dict[str, Any]) -> str:
    """Make a report, in the other process (``review.aside``).

    Args:
        told: ``folder`` of the set, ``path`` of the report, ``question``.

    Raises:
        VetsetError: there are no votes, or no place for the files.
    """
    path = Path(told["path"])
    made = told["question"]
    question = Question(made["who"], tuple(made["columns"]), made["classifier"], made["state"])
    report = make_report(Dataset.open(told["folder"]), question)
    beside = path.with_name(f"{path.name}.part{os.getpid()}")
    try:
        beside.mkdir()
        for name in _FILES:
            getattr(report, name).rechunk().write_ipc(beside / f"{name}.arrow", compression="uncompressed")
        (beside / "summary.json").write_text(json.dumps(report.summary), encoding="utf-8")
        shutil.rmtree(path, ignore_errors=True)  # a damaged one
        beside.rename(path)
    except OSError as error:
        raise UsageError(
            f"{path.parent} can't be written ({error.strerror}), and what the page shows is kept there; free some space."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    _sweep(path)
    return str(path)


def make_report(dataset: Dataset, question: Question) -> Report:
    """Return the agreement on a set's labels, with all that a page needs to show where two differ."""
    lines, members = _lines(dataset, question)
    votes = gathered(lines.frame)
    seen = _seen(dataset, votes, lines) if question.classifier else None
    shares, wrong = (None, None) if seen is None else (seen.shares, seen.wrong)
    result = agree(votes, shares=shares, wrong=wrong)
    told = result.summary() | {"guessed": [*lines.notes, *([] if seen is None else seen.notes)], **_titles(result)}
    names = {"item": votes.items, "annotator": votes.annotators, "label": votes.labels}
    counted = pl.DataFrame(
        {name: pl.Series(of, dtype=pl.String).gather(getattr(votes, name)) for name, of in names.items()}
    )
    return Report(told, counted, members, _views(votes, shares))


def _lines(dataset: Dataset, question: Question) -> tuple[VoteLines, pl.DataFrame]:
    rows = dataset.rows
    if question.who == "reviewers":
        with Ledger.open(dataset.folder) as ledger:
            frame = votes_of(decided_twice(ledger), rows)
        return VoteLines(frame), frame.select("item", row="item").unique(maintain_order=True)
    lines = find_votes(dataset.folder, Where(votes=question.columns))
    if question.columns:
        return lines, pl.DataFrame({"item": rows["id"], "row": rows["id"]})
    return lines, pl.DataFrame({"item": lines.frame["item"], "row": rows["id"]}).drop_nulls()


def _seen(dataset: Dataset, votes: Votes, lines: VoteLines) -> View | None:
    if lines.texts is None:
        return None
    encoder = find_encoder(dataset.manifest.get("options", {}).get("encoder") or TFIDF, download=False)
    return view(
        votes, lines.texts, encoder=encoder.encoder, name="words alone" if encoder.name == TFIDF else encoder.name,
        cache=dataset.folder / "vectors" if disk.writable(dataset.folder) else None,
    )  # fmt: skip


def _views(votes: Votes, shares: Any) -> pl.DataFrame:
    if shares is None:
        return pl.DataFrame(schema={"item": pl.String, "label": pl.String, "share": pl.Float64})
    best = np.asarray(shares).argmax(axis=1)
    share = np.asarray(shares)[np.arange(len(best)), best]
    found = pl.DataFrame({"item": votes.items, "label": [votes.labels[at] for at in best], "share": share})
    return found.filter(pl.col("share") > 0)


def _titles(result: Agreement) -> dict[str, Any]:
    return {"names": result.votes.annotators, "tells_apart": result.tells_apart}


def _sweep(path: Path) -> None:
    """Remove reports of other rows, and of reviewers' earlier votes; who maps one keeps what it sees."""
    _, rows_key, who, _ = path.name.split("-")
    for folder in path.parent.glob("agreement-*"):
        parts = folder.name.split("-")
        other = len(parts) != 4 or parts[1] != rows_key or (who == parts[2] == "reviewers")
        if other and folder != path and ".part" not in folder.name:
            shutil.rmtree(folder, ignore_errors=True)
