"""Rules of ``vetset check`` as gates: refusals and leftovers, broken-off answers, and whatever the recipe names."""

from __future__ import annotations

import polars as pl

from ...material import Material
from ...options import Options
from ...rules import RULES, named_rules, out_of_reach
from .gate import Batch, Severity, plain, verdicts
from .wanted import Gate, Rules

_HABIT = 0.02  # share of real rows that a rule finds from which it is how this set is, and no fault of the teacher's


def find_leftovers(batch: Batch, _: Gate) -> pl.DataFrame:
    """Find refusals, what models say of themselves, placeholders and markers of chat formats (``quality.template``).

    Control characters, mojibake and left-over HTML, too (``quality.encoding``).
    """
    found = [_by_rule(batch, "quality.template", "reject", spoken=True)]
    return pl.concat([*found, _by_rule(batch, "quality.encoding", "reject", spoken=False)])


def find_truncated(batch: Batch, _: Gate) -> pl.DataFrame:
    """Find texts that break off (``outputs.truncated``)."""
    return _by_rule(batch, "outputs.truncated", "reject", spoken=True)


def find_named(batch: Batch, options: Rules) -> pl.DataFrame:
    """Find what the rules that the recipe names find in made rows, with the real rows beside them."""
    chosen = [name for name in named_rules(options.names) if not out_of_reach(name)]
    return pl.concat([_by_rule(batch, name, "reject", spoken=False) for name in chosen])


def _by_rule(batch: Batch, name: str, severity: Severity, *, spoken: bool) -> pl.DataFrame:
    rows = pl.concat([plain(batch.made), plain(batch.real)])
    options = Options(encoder=getattr(batch.encoder, "name", None))
    material = Material(_as_spoken(rows) if spoken else rows, options=options, cache=batch.cache, notes=batch.notes)
    if batch.encoder is not None:
        material.__dict__.update(
            encoder=batch.encoder, label_encoder=batch.encoder
        )  # the one at hand, in place of a name
    found = RULES[name].find(material)
    mine = found.filter(pl.col("id").is_in(batch.made["id"].implode()))
    others = found.filter(~pl.col("id").is_in(batch.made["id"].implode()))["id"].n_unique()
    if mine.height and batch.real.height and others > _HABIT * batch.real.height:
        batch.say(
            f"{name} finds {others / batch.real.height:.0%} of the real rows, so what it finds in made rows was let pass."
        )
        return verdicts(mine.unique("id", keep="first", maintain_order=True), severity="pass")
    return verdicts(mine.unique("id", keep="first", maintain_order=True), severity=severity)


def _as_spoken(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in which the last turn is the assistant's: the teacher wrote it, whoever is to have said it."""
    ends = pl.col("messages").list
    last = ends.last().struct
    said = [last.field(name) for name in ("content", "tool_calls", "tool_call_id", "extra")]
    turned = pl.struct(pl.lit("assistant").alias("role"), *said)
    spoken = pl.concat_list(ends.head(ends.len().cast(pl.Int64) - 1), turned)
    ours = (ends.len() > 0) & (last.field("role") == "user")
    messages = pl.when(ours).then(spoken).otherwise("messages").cast(rows.schema["messages"])
    return rows.with_columns(messages=messages)
