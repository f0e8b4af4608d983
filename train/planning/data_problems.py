"""What is wrong with the data: what it repeats, gives away or must not hold, what is still open of it, what its licences ask."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from ...curate import text
from ...curate.dataset import Dataset, is_set
from ...curate.duplicates.near import THRESHOLD
from ...curate.errors import quote
from ...curate.exports.provenance import licenses_of
from ...curate.leakage.answers import find_answer
from ...curate.licence_terms import Class, terms
from ...curate.near import joining
from ...curate.near.keepers import keeping_order
from ...curate.near.row_texts import row_pieces
from ...curate.near.shingles import shingled
from ...curate.wording import counted
from ...evaluate.evalsets.evalset import EvalSet
from ..recipe import Recipe
from ..rows.examples import Examples
from .problem import Problem, refused, warned

REPEATED, NEARLY = 0.05, 0.2
"""Shares of rows from which repeats, and near copies, are warned of: support chats that were cleaned have under a fiftieth."""
_GIVEN = 0.5
"""Share of rows from which a label that stands in its question is suspicious: words of a question often are its label's."""
_MEASURED = 5
"""General rows that may hold questions of the general suite by chance: one in 150 of it each."""
_MEANS: dict[Class, str] = {
    "share-alike": "what is passed on of it stays under this licence, and it is unsettled whether a model does so as "
    "well: ask before you publish the adapter",
    "read": "it has terms of its own that forbid some uses: read them",
    "no-derivatives": "no changed copies may be passed on, and a model that can say it again may be one: don't publish "
    "the adapter before you asked",
    "no-commercial": "no commercial use: an adapter that earns money may break it",
    "unknown": "nobody can say what it allows: find out, and name it (of data with `vetset read --license SPDX`)",
}


def data_problems(recipe: Recipe, of: Examples, rows: pl.DataFrame, base_licence: str | None) -> Iterator[Problem]:
    """Yield what is wrong with the data.

    Args:
        recipe: as it was read.
        of: the rows.
        rows: the same as ``measured.MEASURED``; empty where nothing could be rendered.
        base_licence: of the base, as its card has it.
    """
    own = of.train.filter(~pl.col("general")).drop("general")
    yield from _eval_rows(recipe, of)
    yield from _valid_rows(of)
    yield from _labels(recipe, own, rows)
    yield from _repeats(own)
    yield from _open_findings(of, own)
    mixed = of.train.filter("general")
    yield from _measured_by(recipe, mixed)
    for source, licences in ((of.source, of.licenses), (recipe.general, licenses_of(mixed))):
        for name, count in licences.items():
            yield from _licence("data", name, f"{counted(count, 'row')} of {source}: {_named(name)}")
    yield from _licence("base", base_licence, f"{recipe.base}: {_named(base_licence)}")


def known_evalsets(recipe: Recipe, of: Examples) -> list[EvalSet]:
    """Return the eval sets that no row of may be trained on: those of the recipe, and those that the set gave rows to.

    Raises:
        UsageError: there is none where the recipe says.
    """
    found = {Path(one).resolve(): EvalSet.open(one) for one in recipe.evalsets}
    if is_set(of.source):
        told = Dataset.open(of.source).manifest.get("evalsets")
        ways = [one.get("path") for one in told.values() if isinstance(one, dict)] if isinstance(told, dict) else []
        for folder in {(of.source / way).resolve() for way in ways if isinstance(way, str)} - found.keys():
            if (folder / "evalset.json").is_file():
                found[folder] = EvalSet.open(folder)
    return [found[folder] for folder in sorted(found)]


def _eval_rows(recipe: Recipe, of: Examples) -> Iterator[Problem]:
    rows = of.train.drop("general")
    if of.valid is not None:  # which chose the checkpoint by them
        rows = pl.concat([rows, of.valid.select(rows.columns)])
    places = rows.select(peer="id", file="file", line="line").unique("peer", keep="first", maintain_order=True)
    for evalset in known_evalsets(recipe, of):
        from ...curate.leakage.closeness import COPIES, spoilt  # its rules take a quarter of a second to import

        if evalset.digest is None:
            yield warned(
                "evalset.unfrozen",
                f"{evalset.folder} is not frozen, so its rows may change; freeze it before training.",
            )
        close = spoilt(evalset.rows, rows).join(places, on="peer", how="left", maintain_order="left")
        listed = close.select("rule", "note", "file", "line", id="peer", eval_row="id")
        copies = listed.filter(pl.col("rule").is_in(COPIES))
        if copies.height:
            yield refused(
                "eval.in_train",
                f"the training data hold {counted(copies.height, 'row')} of {evalset.folder}, word for word or nearly, so a "
                "score would say what was learnt by heart; take the rows that are listed out of it, or split the set anew.",
                copies, "eval_row", "rule", "note",
            )  # fmt: skip
        if (others := listed.filter(~pl.col("rule").is_in(COPIES))).height:
            yield warned(
                "eval.close",
                f"training rows are too close to {counted(others.height, 'row')} of {evalset.folder} by other rules on "
                "leaks, so `vetset compare` won't ship on it; take the rows that are listed out.",
                others, "eval_row", "rule", "note",
            )  # fmt: skip


def _valid_rows(of: Examples) -> Iterator[Problem]:
    if of.valid is None:
        return
    keys = text.keys(pl.concat([of.train.drop("general"), of.valid.select(of.train.drop("general").columns)]))
    trained, valid = keys[: of.train.height], keys[of.train.height :]
    same = (
        valid["input_folded"].is_in(trained["input_folded"].drop_nulls().implode())
        & valid["input_folded"].is_not_null()
    )
    if (bad := of.valid.filter(same)).height:
        yield warned(
            "valid.in_train",
            f"of {of.valid.height:,} rows that pick the checkpoint {bad.height:,} would be trained on, too, so the "
            "checkpoint that learnt most by heart would win; split with `vetset split --by near`.",
            bad,
        )


def _measured_by(recipe: Recipe, mixed: pl.DataFrame) -> Iterator[Problem]:
    """Rows that hold what forgetting is measured by: learnt by heart, they would say that nothing was forgotten."""
    if mixed.is_empty():
        return
    from ...evaluate.verdicts.general import general_items, general_text

    suite = [*(item.ask for item in general_items()), *(passage.text for passage in general_text())]
    known = [text.fold(one) for one in suite]
    turns = text.turns(mixed).filter(pl.col("content").is_not_null())
    held = turns.filter(text.fold_all(turns["content"]).str.contains_any(known))["row"]
    if (bad := mixed[held.unique().sort()].unique("id", maintain_order=True)).height:
        say = refused if bad.height > _MEASURED else warned
        yield say(
            "general.measured",
            f"{counted(bad.height, 'row')} of {recipe.general} hold what `--forgetting` measures by, so that it would find "
            "less forgotten than was; take them out.",
            bad,
        )


def _labels(recipe: Recipe, own: pl.DataFrame, rows: pl.DataFrame) -> Iterator[Problem]:
    if recipe.method not in ("sft", "grpo", "distil") or rows.is_empty():
        return
    frame = own.with_columns(
        rows.filter(~pl.col("general")).select(pl.coalesce(own["label"], "target").alias("answer"), "prompt")
    ).filter(pl.col("answer").is_not_null())
    names = frame["answer"].unique().sort()
    if frame.height >= 20 and len(names) == 1:
        yield warned(
            "label.one",
            f"every row has the same answer, {quote(names[0], 40)}: the model would learn to say it whatever it is asked; "
            "add rows of the other answers.",
        )
    if not 2 <= len(names) <= max(2, frame.height // 5) or (names.str.len_chars().max() or 0) > 100:  # type: ignore[operator]
        return  # these are texts and no labels
    said = set(_literal(frame, names)["id"])
    bare = frame.with_columns(label="answer", extra=pl.lit("{}"), messages=_before_answer(), **{
        column: pl.lit(None, own.schema[column]) for column in ("group", "time", "annotator", "source", "license")
    })  # fmt: skip
    shown = find_answer(bare.select(own.columns), text.turns(bare))
    said |= set(shown["id"]) if shown.height >= max(3, frame.height / 100) else set()
    if said:
        bad = frame.filter(pl.col("id").is_in(list(said)))
        yield warned(
            "label.in_prompt",
            f"in {counted(bad.height, 'row')} of {frame.height:,} the label stands in the question already, and no other "
            "one beside it: the model would learn to copy what nobody will give it in use; see whether a label column got "
            "into the prompt.",
            bad, "label",
        )  # fmt: skip


def _literal(frame: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
    """Rows that hold their label as it is written, and no other label: in a list of all to choose from it gives nothing away."""
    long = [name for name in names if len(name) > 2]  # "A" or "1" stands everywhere
    if not long:
        return frame.clear()
    found = frame.with_columns(
        found=pl.col("prompt").str.extract_many(long, overlapping=True).list.unique(),
    ).filter(pl.col("found").list.contains(pl.col("answer")))
    # Of labels of which one is in the other ("card", "card_lost") the longer one holds both.
    alone = [
        all(one in answer for one in there) and re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", prompt) is not None
        for answer, there, prompt in found.select("answer", "found", "prompt").rows()
    ]
    found = found.filter(pl.Series(alone, dtype=pl.Boolean))
    return found if found.height >= max(5, _GIVEN * frame.height) else frame.clear()


def _before_answer() -> pl.Expr:
    messages = pl.col("messages")
    answers = messages.list.last().struct.field("role") == "assistant"
    return messages.list.slice(0, messages.list.len() - answers.cast(pl.UInt32))


def _repeats(own: pl.DataFrame) -> Iterator[Problem]:
    keys = text.keys(own).select("input_folded", "target_folded")
    again = own.filter(~keys.select(pl.struct("input_folded", "target_folded").is_first_distinct()).to_series())
    if again.height > REPEATED * own.height:
        yield warned(
            "rows.repeated",
            f"of {own.height:,} rows {again.height:,} ({again.height / own.height:.0%}) say again what another one says, "
            "and count twice in every epoch; `vetset check --select duplicates` finds them, and a decision drops them.",
            again,
        )
    near = own.filter(_near(own))
    if near.height > NEARLY * own.height:
        yield warned(
            "rows.near",
            f"of {own.height:,} rows {near.height:,} ({near.height / own.height:.0%}) are near copies of another one: the "
            "run learns fewer things than it has rows; `vetset check --select duplicates` finds them.",
            near,
        )


def _near(own: pl.DataFrame) -> pl.Series:
    """Which rows `duplicates.near` would find, without its notes: what differs in each pair takes longer than all pairs."""
    sets = shingled(*row_pieces(own, "text"))
    ready = joining.prepare(sets, THRESHOLD)
    component = joining.components(sets, ready)
    rank = keeping_order(own, "longest", sizes=sets.sizes, component=component, train="train")
    keeper, _ = joining.stars(sets, ready, component, rank)
    return pl.Series((keeper >= 0) & (keeper != np.arange(own.height)), dtype=pl.Boolean)


def _open_findings(of: Examples, own: pl.DataFrame) -> Iterator[Problem]:
    counts: dict[str, int] = {}
    where, place = str(of.source), None
    if is_set(of.source):
        from ...curate.listing import list_findings

        dataset = Dataset.open(of.source)
        if dataset.findings is None:
            yield warned(
                "findings.none",
                f"{where} was never checked, so nobody knows how many labels are wrong; run `vetset check`.",
            )
            return
        found = list_findings(dataset).frame.filter(pl.col("id").is_in(own["id"].implode()))
        counts = dict(found.group_by("rule", maintain_order=True).len().iter_rows())
        place = found.join(own.select("id"), on="id", how="semi").select("id", "file", "line", "rule")
    elif of.provenance is not None:
        where = str(of.provenance)
        account = json.loads(of.provenance.read_text(encoding="utf-8"))
        counts = {rule: int(told.get("standing") or 0) for rule, told in (account.get("rules") or {}).items()}
    if counts := {rule: count for rule, count in counts.items() if count}:
        labels = sum(count for rule, count in counts.items() if rule.startswith("labels."))
        told = ", ".join(f"{rule} {count:,}" for rule, count in counts.items())
        yield warned(
            "findings.open",
            f"{counted(sum(counts.values()), 'finding')} without a decision in {where} ({told}), {labels:,} of them on "
            "labels: what is wrong of them is learnt; settle them with `vetset review` or `vetset decide`.",
            place, *(["rule"] if place is not None else []),
        )  # fmt: skip


def _licence(whose: str, name: str | None, stands: str) -> Iterator[Problem]:
    kind = terms(name).kind
    if kind in _MEANS:
        yield warned(f"licence.{whose}", f"{stands}, and {_MEANS[kind]}.")


def _named(licence: str | None) -> str:
    return "no licence is named" if licence in (None, "unknown") else quote(licence, 60)
