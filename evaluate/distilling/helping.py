"""What a recipe names besides the teacher: verifiers, a judge with a journal of its own, an encoder, runs to take over from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...curate.calls import Answer, Request
from ...curate.distill.budget import Account
from ...curate.distill.folder import JOURNAL
from ...curate.distill.prepared import Helpers
from ...curate.distill.recipe import JudgeOf
from ...curate.distill.within import within
from ...curate.embed.encoder import find_encoder
from ...curate.errors import UsageError, quote
from ..models.calling import answer_all
from ..models.journal import Journal
from ..models.opening import open_model
from ..models.reuse import Known, elsewhere, open_known
from ..scorers.for_rows import Bench, bench_of, checks_of
from ..scorers.judge import Judge
from ..scorers.judge_prompts import read_rubric
from .opened import Opened

JUDGED = "judge.jsonl"
"""The judge's journal, beside the teacher's."""


def helpers_of(
    opened: Opened, notes: list[str], *, account: Account | None = None, told: Callable[[Answer], None] = lambda _: None
) -> Helpers:
    """Return what the gates ask besides the rows.

    Args:
        opened: the recipe.
        notes: takes what there is to say of the choice.
        account: of the budget, which the judge's calls are counted in, too; without it no judge is asked.
        told: is told each answer of the judge.

    Raises:
        UsageError: a verifier, rubric or model can't be used.
    """
    recipe, prepared = opened.recipe, opened.prepared
    found = find_encoder(recipe.encoder) if recipe.encoder else None
    if found is not None and found.note:
        notes.append(found.note)
    encoder = found.encoder if found else None
    checks = checks_of(recipe.verify, prepared.real, labels=prepared.task.labels or None, encoder=encoder)
    judge = _bench(opened, recipe.judge, account, notes, told) if recipe.judge and account else None
    return Helpers(checks=checks, judge=judge, encoder=encoder, cache=opened.folder / "vectors" if encoder else None)


def known_of(opened: Opened) -> Known | None:
    """Return the answers of other runs that count in this one, as its recipe says.

    Raises:
        UsageError: a run that it names has no journal, or the teacher is behind no address.
    """
    recipe, identity = opened.recipe, opened.teacher.identity()
    if not recipe.reuse and not recipe.teacher.same_as:
        return None
    paths = [f"{place}/{JOURNAL}" if not str(place).endswith(".jsonl") else place for place in recipe.reuse]
    same = []
    for place in recipe.teacher.same_as:
        url = place.rpartition("@")[2]
        if not url.startswith(("http://", "https://")):
            raise UsageError(
                f"teacher.same_as: {quote(place)} is no address; give one such as http://localhost:8001/v1."
            )
        same.append(elsewhere(identity, url))
    return open_known(paths, same_as=same)


def _bench(opened: Opened, said: JudgeOf, account: Account, notes: list[str], told: Callable[[Answer], None]) -> Bench:
    model = open_model(said.model, key_env=said.key_env) if said.key_env else open_model(said.model)
    journal = opened.folder / JUDGED
    price = opened.price_of(model.name)
    with Journal(journal) as kept:
        own = account.beside(
            input_price=price.input / 1e6 if price else None, output_price=price.output / 1e6 if price else None,
            former=kept.former(),
        )  # fmt: skip

    def ask(requests: Sequence[Request]) -> list[Answer]:
        with Journal(journal) as kept:

            def ask_all(requests: Sequence[Request], **hooks: Any) -> list[Answer]:
                return answer_all(model, requests, journal=kept, **hooks)

            return within(ask_all, own, requests, told=lambda _, answer: told(answer))

    judge = Judge(model, read_rubric(said.rubric), ask=ask)
    bench = bench_of([judge], rubric=said.rubric, votes=said.votes, real=opened.prepared.real)
    notes += bench.why
    return bench
