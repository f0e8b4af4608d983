"""``vetset distill``: a recipe's run, from what is kept to what is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ...curate.calls import Answer, Request
from ...curate.distill.budget import Account, unasked
from ...curate.distill.diversity import diversity
from ...curate.distill.folder import write_run
from ...curate.distill.outcome import Outcome
from ...curate.distill.prepared import gates_of, summary_of
from ...curate.distill.report import compose
from ...curate.distill.rounds import Progress, run_rounds
from ...curate.distill.rows import drafts_as_rows
from ...curate.distill.shown import private_in
from ...curate.distill.within import within
from ...curate.embed.encoder import TFIDF, Encoder, find_encoder
from ...curate.embed.encoding import row_texts
from ..models.calling import Sender, answer_all
from ..models.journal import Journal
from ..models.keys import keys
from ..models.reuse import Known
from .alone import alone
from .distilled import Counts, Distilled
from .helping import helpers_of, known_of
from .opened import Opened

Say = Callable[[str], None]
_FILES = ("canned:", "recorded:")
_PORTION = 64  # calls, some minutes of a small model on a CPU


@dataclass
class Asking:
    """The teacher within its budget, over its journal."""

    opened: Opened
    journal: Journal
    account: Account
    called: Callable[[Counts], None]
    known: Known | None = None
    counts: Counts = field(default_factory=Counts)

    def __call__(self, requests: Sequence[Request]) -> list[Answer]:
        """Answer requests: kept ones from the journal, the others as far as the budget goes."""

        def ask_all(requests: Sequence[Request], **hooks: Any) -> list[Answer]:
            return answer_all(self.opened.teacher, requests, journal=self.journal, known=self.known, **hooks)

        # A local model does not say when it sends each call: in portions the cap on seconds is kept to.
        at_once = None if isinstance(self.opened.teacher, Sender) else _PORTION
        return within(ask_all, self.account, requests, told=self._told, at_once=at_once)

    def _told(self, place: int, answer: Answer) -> None:
        self.counts.asked += answer.finish != "error"
        self.take(answer)

    def take(self, answer: Answer) -> None:
        """Count an answer, of the judge's too."""
        self.counts.failed += answer.finish == "error"
        self.counts.tokens += (answer.prompt_tokens or 0) + (answer.completion_tokens or 0)
        self.counts.money = self.account.budget.cost(self.account.settled)
        self.called(self.counts)


def run_recipe(
    opened: Opened, digest: str, *, say: Say, tell: Callable[[Progress], None], called: Callable[[Counts], None]
) -> Distilled:
    """Run a recipe and write its folder, whatever stands there; what is kept is not asked again.

    Args:
        opened: the recipe.
        digest: of what decides the files besides the answers (``Opened.digest``).
        say: is told sentences.
        tell: is told how far it is, round by round.
        called: is told what was asked, answer by answer.

    Raises:
        UsageError: another process works in the folder, or the teacher can't be asked at all.
    """
    if note := getattr(opened.teacher, "note", None):
        say(str(note))
    with alone(opened.folder), Journal(opened.journal) as journal:
        return _run(opened, digest, journal, say=say, tell=tell, called=called)


def _run(
    opened: Opened, digest: str, journal: Journal, *, say: Say, tell: Callable[[Progress], None],
    called: Callable[[Counts], None],
) -> Distilled:  # fmt: skip
    notes: list[str] = []
    if (told := private_in(opened.prepared.seeds)) is not None and not opened.recipe.teacher.model.startswith(_FILES):
        say(told)
    prepared, text = opened.prepared, opened.path.read_text(encoding="utf-8")
    if journal.note:
        say(journal.note)  # and not into the report: it would differ from that of a run that nobody cut off
    account = Account(opened.budget, former=journal.former())
    asking = Asking(opened, journal, account, called=called, known=known_of(opened))
    helpers = helpers_of(opened, notes, account=account, told=asking.take)
    judge = gates_of(prepared, opened.origin, asking, helpers=helpers, notes=notes)
    outcomes = run_rounds(prepared.cells, prepared.step, asking, judge, is_refused=unasked, tell=tell)
    report, spend = report_of(opened, outcomes, notes, helpers.encoder), account.report()
    whole = not asking.counts.failed and all(outcome.fate != "failed" for outcome in outcomes)
    write_run(
        opened.folder, outcomes, origin=opened.origin, parents=prepared.parents,
        keys=lambda requests: keys(opened.teacher.identity(), requests), report=report, spend=spend, recipe=text,
        inputs=digest, complete=whole,
    )  # fmt: skip
    return Distilled(opened.folder, {**report, "spend": spend}, asking.counts.asked)


def report_of(
    opened: Opened, outcomes: Sequence[Outcome], notes: Sequence[str], encoder: Encoder | None
) -> dict[str, Any]:
    """Return the report of a run.

    Args:
        opened: the recipe.
        outcomes: of all drafts.
        notes: sentences.
        encoder: for the diversity; words are compared for ``None``.
    """
    return compose(
        opened.prepared.cells,
        outcomes,
        notes=notes,
        plan=summary_of(opened.prepared),
        teacher={
            "model": opened.teacher.name,
            "url": opened.origin.about.url,
            "revision": opened.origin.about.revision,
        },
        made=opened.origin.made,
        recipe=opened.origin.recipe,
        diversity=_diversity(opened, outcomes, encoder),
    )


def _diversity(opened: Opened, outcomes: Sequence[Outcome], encoder: Encoder | None) -> dict[str, Any] | None:
    """Return how diverse the accepted rows are, beside the real rows of the same labels."""
    prepared = opened.prepared
    accepted = [outcome for outcome in outcomes if outcome.fate == "accepted"]
    if not accepted or prepared.kind.same_text:
        return None
    made = drafts_as_rows(accepted, opened.origin, prepared.parents, split="train")
    real = prepared.seeds.rows
    if made["label"].null_count() == 0:
        real = real.filter(pl.col("label").is_in(made["label"].unique().implode()))
    used = encoder or find_encoder(TFIDF).encoder
    name = opened.recipe.encoder or TFIDF
    return diversity(row_texts(made), row_texts(real), encoder=used, name=name).summary()
