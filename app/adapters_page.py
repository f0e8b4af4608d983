"""What the commands of ``vetset adapters`` print for people."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from ..curate.masking import mask
from ..curate.wording import counted
from .lines import cells, clipped, columns, say, show, tell

if TYPE_CHECKING:
    from ..train.adapters.listing import Library, Listed
    from ..train.adapters.merging import Merged
    from ..train.adapters.remembering import Loss
    from ..train.adapters.shipping import Serving

_NAME, _TASK, _BASE = 28, 24, 28  # columns


def print_list(library: Library) -> None:
    """Print a line an adapter, and why some are due."""
    if not library.adapters:
        tell(f"{library.place} holds no adapter; `vetset train RECIPE.toml` makes one.")
        return
    table = columns("adapter", "task", "base", "data", "rows", "rank", "verdict", "age", "", right=(4, 5, 7))
    for one in library.adapters:
        adapter, lineage = one.adapter, one.adapter.lineage
        data = lineage.data.sha256 if lineage else None
        table.add_row(
            *cells(
                _short(adapter.name, _NAME), _short(adapter.task, _TASK), _short(_last(adapter.base), _BASE), (data or "?")[:8],
                lineage.data.rows if lineage else "?", "whole" if adapter.whole else adapter.rank, one.word or "none yet",
                _age(one.days), "re-tune" if one.due else "",
            )
        )  # fmt: skip
    show(table)
    for one in library.adapters:
        for sentence in one.moved:
            tell(f"{_short(one.adapter.name, _NAME)}: {sentence}")


def print_one(one: Listed) -> None:
    """Print what is known of one adapter."""
    adapter, lineage = one.adapter, one.adapter.lineage
    say(f"{adapter.name}: {'whole model' if adapter.whole else f'rank {adapter.rank}'} over {_short(adapter.base, 80)}")
    tell(f"digest {adapter.digest}; {_age(one.days)} old; verdict: {one.word or 'none yet'}")
    if one.verdict is not None:
        tell(f"  {_short(one.verdict.get('reason'), 300)} ({one.verdict.get('run')})")
    for sentence in one.moved:
        tell(sentence)
    if lineage is None:
        tell(adapter.fault or "")
        return
    licences = ", ".join(f"{_short(name, 40)} {count:,}" for name, count in lineage.data.licenses.items())
    digest = (lineage.data.sha256 or "unknown")[:16]
    tell(f"data: {counted(lineage.data.rows, 'row')} of {lineage.data.path or 'several parents'}, sha256 {digest}")
    tell(f"licences of the data: {licences or 'unknown'}; of the base: {lineage.base.license or 'unknown'}")
    if lineage.general:
        tell(f"general rows: {lineage.general.rows:,} of {lineage.general.path}")
    for parent in lineage.parents:
        say(f"merged from {_short(parent.name, _NAME)} by {parent.weight:g}, {parent.digest}")
    curves = lineage.curves
    early = ", stopped early" if curves.stopped_early else ""
    loss = f"loss {_figure(curves.first_loss)} to {_figure(curves.last_loss)}"
    valid = f"{_figure(curves.first_valid_loss)} to {_figure(curves.best_valid_loss)} at step {curves.best_step}"
    if curves.steps:
        looked = f", valid loss {valid}" if curves.best_step is not None else ""
        tell(f"{lineage.method}: {counted(curves.steps, 'step')}{early}, {loss}{looked}")
    dials = [
        f"{name.replace('_', ' ')} {_figure(of)}"
        for name in ("learning_rate", "batch", "epochs")
        if (of := lineage.recipe.get(name))
    ]
    if dials:
        tell(
            f"recipe: {', '.join(dials)}, {_short(lineage.recipe.get('lora', {}).get('targets', ''), 60)}".rstrip(", ")
        )
    took = {
        "tokens": lineage.tokens, "seconds": lineage.seconds, "cost": lineage.cost,
        "joules": lineage.energy_joules, "device": lineage.device, "seed": lineage.seed,
    }  # fmt: skip
    tell(", ".join(f"{name} {_figure(value)}" for name, value in took.items() if value is not None))
    tell("versions: " + ", ".join(f"{name} {version}" for name, version in lineage.versions.items()))


def print_compared(told: dict[str, Any]) -> None:
    """Print what differs between two adapters."""
    names = [_short(name, _NAME) for name in told["names"]]
    table = columns("", *names)
    table.add_row(*cells("verdict", *(word or "none yet" for word in told["verdicts"])))
    for key, pair in told["recipe"].items():
        table.add_row(*cells(_short(key, 40), *(_short(value, 40) for value in pair)))
    for key in ("first_loss", "last_loss", "best_valid_loss", "best_step"):
        table.add_row(*cells(key.replace("_", " "), *(_figure(curves[key]) for curves in told["curves"])))
    for key in ("tokens", "seconds", "cost", "energy_joules"):
        if any(value is not None for value in told[key]):
            table.add_row(*cells(key.replace("_", " "), *(_figure(value) for value in told[key])))
    for name, pair in told["versions"].items():
        table.add_row(*cells(_short(name, 40), *(version or "not there" for version in pair)))
    show(table)
    data = told["data"]
    tell(
        f"data: {data['both']:,} rows in both, {data['only'][0]:,} only in the first, {data['only'][1]:,} only in the second"
    )
    if not told["same_base"]:
        tell("they were trained on other bases, or nobody knows")


def print_merged(result: Merged) -> None:
    """Print what a merge came to."""
    say(
        f"{result.folder}: {'a whole model' if result.kind == 'model' else 'an adapter'} of {' + '.join(result.parents)}"
    )
    model = "rounding to the file's numbers moves logits by at most {:.2g} of the largest"
    tell(
        (model if result.kind == "model" else "the worst layer is off by {:.2g} of the weighted sum").format(
            result.error
        )
    )
    for note in result.notes:
        tell(f"note: {note}")


def print_serving(result: Serving) -> None:
    """Print the line alone, so that it can be copied or piped into a shell."""
    say(" ".join(shlex.quote(word) for word in result.words))


def print_forgotten(found: list[Loss]) -> None:
    """Print a line a comparison."""
    table = columns(
        "before",
        "after",
        "items right",
        "lost, points",
        "at most",
        "nats a token",
        "at most",
        "",
        right=(2, 3, 4, 5, 6),
    )
    for one in found:
        right = f"{one.right[0]:.0%} to {one.right[1]:.0%}"
        table.add_row(
            *cells(
                _short(one.before, _NAME), _short(one.after, _NAME), right, f"{100 * one.items:.1f}",
                f"{100 * one.items_at_most:.1f}", f"{one.nats:+.2f}", f"{one.nats_at_most:+.2f}", _word(one),
            )
        )  # fmt: skip
    show(table)


def _word(one: Loss) -> str:
    from ..evaluate.verdicts.gates import FLOOR

    return "" if one.holds else "nothing to lose" if one.right[0] < FLOOR else "FORGOT"


def _short(text: object, width: int) -> str:
    return clipped(mask(str(text)[:2_000]), width)


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2] or name


def _figure(value: float | str | None) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _age(days: float | None) -> str:
    if days is None:
        return "unknown"
    return f"{days:.0f} d" if days >= 1 else f"{max(days, 0) * 24:.0f} h"
