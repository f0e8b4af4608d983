"""The gates of a verdict: each says in one sentence whether it holds, and by what it was judged. What is missing holds back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from ...curate.wording import counted
from ..stats.gain import Gain, gain
from .budgets import Budgets
from .evidence import Evidence
from .pairing import Pairs
from .slices import Sliced

State = Literal["holds", "fails", "unsettled", "missing", "none"]
"""``unsettled``: more rows could tell; ``missing``: nobody measured it, which counts as failed; ``none``: no question here."""


@dataclass(frozen=True)
class Gate:
    """One question of a verdict."""

    name: str
    state: State
    said: str
    """One sentence."""
    next: str | None = None
    """What to do where it does not hold."""
    figures: dict[str, Any] = field(default_factory=dict)
    waived: str | None = None
    """Why somebody let it pass."""

    @property
    def passes(self) -> bool:
        """Whether it stands in no one's way."""
        return self.state in ("holds", "none") or self.waived is not None

    @property
    def mark(self) -> str:
        """The state as a word in a table."""
        return "waived" if self.waived is not None else _MARKS[self.state]

    @property
    def told(self) -> str:
        """What was found, and before it why somebody let it pass."""
        return self.said if self.waived is None else f"waived: {self.waived}; {self.said}"

    def summary(self) -> dict[str, Any]:
        """Return the gate as JSON values."""
        return dict(self.__dict__)


FLOOR = 0.1  # of the general items: below, a base shows no loss whatever it loses

_MARKS = {"holds": "yes", "fails": "NO", "unsettled": "open", "missing": "not measured", "none": "-"}

NAMES = (
    "answers", "results", "gain", "margin", "slices", "cheaper", "forgetting", "format", "refusals", "latency", "cost",
    "contamination", "looks", "training rows",
)  # fmt: skip
"""The gates, in the order in which they are told."""


def answers(pairs: Pairs, *, written: Collection[str] = ()) -> Gate:
    """Whether every row was answered: rows whose call failed are not missing at random.

    Args:
        pairs: the rows.
        written: of ``baseline`` and ``candidate`` those whose answers come from a file, of which asking again gets no more.
    """
    lost = sum(pairs.errors.values())
    if not lost:
        return Gate("answers", "holds", f"both answered all {counted(pairs.rows.height, 'row')}")
    said = " and ".join(
        f"{counted(errors, 'answer')} of the {which}" for which, errors in pairs.errors.items() if errors
    )
    step = "run `vetset eval` again: only these are asked for"
    if lacking := [which for which, errors in pairs.errors.items() if errors and which in written]:
        step = (
            f"the file that the {' and the '.join(lacking)} was read from lacks them: add them there, and read it again"
        )
    return Gate("answers", "missing", f"{said} never came", step)


def as_scored(evidence: Evidence) -> Gate:
    """Whether the results are those that were scored, by the digest in the eval set's ledger: files can be edited."""
    if evidence.unseen is None:
        return Gate("results", "holds", "both runs hold the results that the eval set's ledger saw")
    step = "run `vetset eval` on both again, and name the eval set with --on where it has moved: no answer is paid for twice"
    return Gate("results", "missing", evidence.unseen, step)


def better(of: Gain, budgets: Budgets, *, looked: int, more: int | None) -> Gate:
    """Whether the gain is more than noise: the lower end of its interval, widened for all looks, lies above 0."""
    share = f"{100 * of.confidence:.4g}%"
    said = f"gain {_points(of.gain)}, {share} interval {_points(of.low)} to {_points(of.high)}"
    figures = {"gain": of.gain, "low": of.low, "high": of.high, "looks": looked, "more_rows": more}
    if of.low > 0:
        return Gate("gain", "holds", said, figures=figures)
    look = "look at what was lost with `vetset failures`; more rows would not help"
    if of.high <= 0:
        return Gate("gain", "fails", f"{said}: it is worse", look, figures)
    if of.high < budgets.margin:
        return Gate("gain", "fails", f"{said}: a gain of {_points(budgets.margin)} is ruled out", look, figures)
    ask = f"about {counted(more, 'more row')} would settle it" if more else "more rows would settle it"
    total = f" (`vetset evalset build --rows {of.rows + more:,}`)".replace(",", "") if more else ""
    return Gate("gain", "unsettled", f"{said}: it holds 0", f"{ask}{total}", figures)


def large_enough(of: Gain, budgets: Budgets) -> Gate:
    """Whether the gain is worth it: at or over the margin, in absolute points."""
    said = f"gain {_points(of.gain)} against a margin of {_points(budgets.margin)}, absolute"
    if of.gain >= budgets.margin:
        return Gate("margin", "holds", said)
    if of.high >= budgets.margin and of.low <= 0:
        return Gate("margin", "unsettled", f"{said}: the interval holds the margin")
    return Gate("margin", "fails", said, "a cheaper way (a better prompt, examples, retrieval) gives as much")


def no_slice_worse(sliced: Sliced, budgets: Budgets) -> Gate:
    """Whether some part of the users pays for the mean."""
    worse = [one for one in sliced.slices if one.worse]
    tested = counted(len(sliced.slices), "slice")
    figures = {"tested": len(sliced.slices), "small": sliced.small, "worse": [one.summary() for one in worse]}
    small = f"; {counted(sliced.small, 'slice')} too small to tell" if sliced.small else ""
    small += f"; {counted(sliced.left, 'slice')} beyond the largest not tested" if sliced.left else ""
    if not sliced.slices:
        return Gate("slices", "none", f"there is no slice of ten rows{small}", figures=figures)
    if not worse:
        return Gate(
            "slices",
            "holds",
            f"none of {tested} is significantly worse (Holm, {budgets.slice_alpha:g}){small}",
            figures=figures,
        )
    first = worse[0]
    most = f"{first.column} = {first.value}, {_points(first.gain.gain)}"
    said = f"{len(worse)} of {tested} significantly worse; most: {most}"
    return Gate(
        "slices",
        "fails",
        f"{said}{small}",
        "look at its lost rows below, and add such rows to the training data",
        figures,
    )


def cheaper_way(evidence: Evidence) -> Gate:
    """Whether the baseline is the best cheaper way: to beat the bare model proves nothing."""
    if evidence.best_cheaper is None:
        step = "run `vetset eval MODEL --on EVALSET --ladder` on this part, and compare with its best rung"
        return Gate("cheaper", "missing", evidence.no_ladder, step)
    name, value, here = evidence.best_cheaper
    if here:
        return Gate("cheaper", "holds", f"the baseline is the best cheaper way, or as good ({value:.1%}): {name}")
    return Gate(
        "cheaper", "fails", f"the best cheaper way is {name} ({value:.1%}), and the baseline is another",
        f"compare with {evidence.best_folder}",
    )  # fmt: skip


def not_forgotten(evidence: Evidence, budgets: Budgets) -> Gate:
    """Whether the candidate can still what its base could: paired non-inferiority on general items, and on general text."""
    if not evidence.trained:
        return Gate("forgetting", "none", _untrained(evidence))
    found = evidence.forgetting
    if found is None:
        return Gate(
            "forgetting", "missing", "nobody measured what the training made it forget",
            "run `vetset eval` on the candidate again with --forgetting",
        )  # fmt: skip
    lost, worst, nats, most = found.items, found.items_at_most, found.nats, found.nats_at_most
    figures = {"items_lost": lost, "items_lost_at_most": worst, "nats": nats, "nats_at_most": most}
    said = f"general items lose {_points(lost)} (at most {_points(worst)}; allowed {_points(budgets.forgetting)})"
    if found.base < FLOOR:
        floor = f"the base gets {found.base:.0%} of the general items right, so nothing could be seen to be lost"
        return Gate(
            "forgetting", "missing", floor, "measure a model that answers questions, or waive the gate", figures
        )
    if nats is not None:
        said += (
            f", general text costs {nats:+.2f} nats a token (at most {most:+.2f}; allowed {budgets.perplexity:+.2f})"
        )
    if worst > budgets.forgetting or (most is not None and most > budgets.perplexity):
        return Gate("forgetting", "fails", said, "mix general rows into the training data, or train for less", figures)
    if most is None:
        said += "; general text was not read, since a model behind a server can't say how likely it finds one"
        return Gate("forgetting", "missing", said, "load both models on this machine, or waive the gate", figures)
    return Gate("forgetting", "holds", said, figures=figures)


def _untrained(evidence: Evidence) -> str:
    return (
        "nobody trained it, as was said (--untrained)"
        if evidence.untrained
        else "the weights are those of the baseline"
    )


def format_kept(pairs: Pairs, budgets: Budgets, *, confidence: float = 0.95) -> Gate:
    """Whether answers can be read: a baseline that was cut off is beaten by whoever may finish.

    Where it was, each of its answers that did not end is taken for a right one, which is the most that more tokens could bring:
    a gain that is left then is no work of the limit.

    Args:
        pairs: the rows.
        budgets: what is allowed.
        confidence: of the gain's interval.
    """
    cut = pairs.share("baseline", "truncated")
    if cut <= budgets.unparsed:
        return _share(pairs, "format", ("unparsed", "truncated"), budgets.unparsed, "can't be read or are cut off")
    most = np.minimum(1.0, pairs.baseline + pairs.rows["baseline_truncated"].to_numpy())
    left = gain(most, pairs.candidate, weights=pairs.weights, clusters=pairs.clusters, confidence=confidence)
    said = f"{cut:.1%} of the baseline's answers were cut off"
    figures = {"cut": cut, "gain_at_least": left.gain, "low": left.low}
    if left.low <= 0 or left.gain < budgets.margin:
        said += f"; with these taken for right the gain is {_points(left.gain)} ({_points(left.low)} or more): nothing is told"
        return Gate("format", "missing", said, "run the baseline again with more --max-tokens", figures)
    kept = _share(pairs, "format", ("unparsed", "truncated"), budgets.unparsed, "can't be read or are cut off")
    said = f"{kept.said}; {_points(left.gain)} are left with the baseline's {cut:.1%} of cut ones taken for right"
    return replace(kept, said=said, figures=figures | kept.figures)


def refusals_kept(pairs: Pairs, budgets: Budgets) -> Gate:
    """Whether the candidate declines more."""
    return _share(pairs, "refusals", ("refused",), budgets.refused, "decline")


def _share(pairs: Pairs, name: str, statuses: tuple[str, ...], budget: float, what: str) -> Gate:
    before, now = pairs.share("baseline", *statuses), pairs.share("candidate", *statuses)
    allowed = max(budget, before)
    most = f", allowed {allowed:.1%}" if allowed > before else ""
    said = f"{now:.1%} of the candidate's answers {what} (baseline {before:.1%}{most})"
    state: State = "holds" if now <= allowed else "fails"
    step = None if state == "holds" else "look at them with `vetset failures`; a JSON schema or more tokens may mend it"
    return Gate(name, state, said, step, {"baseline": before, "candidate": now, "allowed": allowed})


def fast_enough(pairs: Pairs, budgets: Budgets) -> Gate:
    """Whether the slowest answers are fast enough, where somebody says what that is."""
    if budgets.seconds is None:
        return Gate("latency", "none", "no budget was said")
    told = pairs.rows["candidate_seconds"]
    if told.null_count():
        some = f"the candidate's run tells no times of {counted(told.null_count(), 'row')}"
        return Gate("latency", "missing", some, "run it live, and not from recorded answers")
    slow = float(np.quantile(told.to_numpy(), 0.95))
    said = f"p95 {slow:.2f} s, allowed {budgets.seconds:.2f} s"
    step = None if slow <= budgets.seconds else "serve it on faster hardware, or allow fewer tokens"
    return Gate("latency", "fails" if step else "holds", said, step, {"p95": slow})


def cheap_enough(pairs: Pairs, budgets: Budgets) -> Gate:
    """Whether an answer is cheap enough, where somebody says what that is."""
    if budgets.cost is None:
        return Gate("cost", "none", "no budget was said")
    told = pairs.rows["candidate_cost"].drop_nulls()
    if told.is_empty() or not pairs.rows["candidate_cost"].is_not_null().all():
        return Gate("cost", "missing", "the candidate's run tells no costs", "run `vetset eval` with --prices FILE")
    mean = float((told.to_numpy() * pairs.weights).sum() / pairs.weights.sum())
    said = f"{mean:.6g} an answer, allowed {budgets.cost:.6g}"
    step = None if mean <= budgets.cost else "shorten the prompt or the answer, or see `vetset payback`"
    return Gate("cost", "fails" if step else "holds", said, step, {"mean": mean})


def clean(evidence: Evidence) -> Gate:
    """Whether no eval row, nor a near copy of one, was trained on."""
    if not evidence.trained:
        return Gate("contamination", "none", _untrained(evidence))
    if evidence.overlap is None:
        return Gate(
            "contamination", "missing", "nobody held the eval set against the training data",
            "name it: `vetset compare A B --train FILE`",
        )  # fmt: skip
    if not evidence.overlap:
        return _none_found(evidence)
    return Gate(
        "contamination", "fails",
        f"training rows are too close to {counted(evidence.overlap, 'eval row')} ({evidence.overlap_said})",
        "take them out (`vetset evalset status EVALSET --train FILE --json` lists them), and train again",
        {"rows": evidence.overlap},
    )  # fmt: skip


def _none_found(evidence: Evidence) -> Gate:
    if evidence.train_changed is not None:
        return Gate(
            "contamination", "missing", f"{evidence.train_changed}, so nobody can see what it was trained on",
            "put the file back, name it where it stands now (--train FILE), or train and run again on what is there",
        )  # fmt: skip
    said = f"no eval row stands in the training data ({evidence.overlap_said})"
    if not evidence.forms:
        return Gate("contamination", "holds", said)
    said, figures = f"{evidence.forms_said}; else {said}", {"forms": evidence.forms}
    if not evidence.doubted:
        return Gate("contamination", "holds", said, figures=figures)
    step = "judge by rows that are none; where forms are the task, build the set with --keep-close masked, or waive the gate"
    return Gate("contamination", "missing", said, step, figures)


def unspent(evidence: Evidence, budgets: Budgets) -> Gate:
    """Whether the part was looked at seldom enough to be believed."""
    if evidence.part != "ship":
        return Gate(
            "looks", "missing", f"this is the part {evidence.part}, on which one chooses; a verdict needs a look at ship",
            "run `vetset eval` on both with --part ship",
        )  # fmt: skip
    if evidence.looks is None:
        return Gate(
            "looks",
            "missing",
            "the eval set is not there, so nobody knows how often it was looked at",
            "name it with --on EVALSET",
        )
    if not evidence.counted:
        return Gate(
            "looks", "missing", "the ledger of looks knows nothing of this candidate, so it may be the best of many",
            "run `vetset eval` on it with --part ship and without --baseline",
        )  # fmt: skip
    said = (
        f"{counted(evidence.looks, 'candidate')} looked at, {budgets.looks} allowed; the interval is widened for them"
    )
    if evidence.looks <= budgets.looks:
        return Gate("looks", "holds", said, figures={"looks": evidence.looks})
    return Gate(
        "looks",
        "fails",
        f"the part is spent: {said}",
        f"take a fresh part with {evidence.fresh}",
        {"looks": evidence.looks},
    )


def enough_rows(evidence: Evidence, budgets: Budgets) -> Gate:
    """Whether there was enough to learn from."""
    if not evidence.trained:
        return Gate("training rows", "none", _untrained(evidence))
    if evidence.train_rows is None:
        return Gate(
            "training rows", "missing", "nobody knows how many rows it was trained on", "name them: --train FILE"
        )
    said = f"{counted(evidence.train_rows, 'training row')}, at least {budgets.rows} asked"
    if evidence.train_rows >= budgets.rows:
        return Gate("training rows", "holds", said)
    return Gate("training rows", "fails", said, "a prompt with examples is the better way below that; or label more")


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"
