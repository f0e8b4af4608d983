"""A real teacher, small as it is, on real rows: SmolLM2-135M-Instruct writes, rewrites and labels messages to a bank."""

import json

import polars as pl
import pytest
from vetset.curate.calls import Answer, Parameters
from vetset.curate.distill.draft import Draft, Made
from vetset.curate.distill.kinds import KINDS
from vetset.curate.distill.seeds import Seed, blocks
from vetset.curate.distill.task import Task
from vetset.curate.labels.targets import kind_of_labels, likeliest
from vetset.curate.messages import Said
from vetset.evaluate.models.local import open_local
from vetset.tests.small_models import smollm2

LABELS = ("card_arrival", "lost_or_stolen_card", "request_refund")


@pytest.fixture(scope="module")
def teacher():
    """SmolLM2, loaded once."""
    return open_local(smollm2())


@pytest.fixture(scope="module")
def rows(shared):
    """Twenty real rows of each of three labels."""
    read = pl.read_csv(shared / "bank_intents" / "train.csv").with_row_index("line")
    few = pl.concat([read.filter(pl.col("category") == label).head(20) for label in LABELS])
    return {f"r{line}": Seed(f"r{line}", (Said("user", text),), label) for line, text, label in few.iter_rows()}


def task_of(rows, **options):
    instruction = "A message that a customer sends to a bank's support"
    parameters = Parameters(temperature=0.7, max_tokens=48, seed=1)
    return Task(instruction, rows, LABELS, form="plain", parameters=parameters, options=options)


def drive(kind, task, drafts, teacher):
    """Step all drafts at once, a wave a batch."""
    step, replies, ended = KINDS[kind].make(task), [() for _ in drafts], {}
    while len(ended) < len(drafts):
        said = {place: step(draft, replies[place]) for place, draft in enumerate(drafts) if place not in ended}
        wanted = {place: one for place, one in said.items() if isinstance(one, list)}
        ended |= {place: one for place, one in said.items() if place not in wanted}
        flat = [request for requests in wanted.values() for request in requests]
        answers = [Answer()] * len(flat)
        teacher.answer(flat, lambda place, answer, kept=answers: kept.__setitem__(place, answer))
        came = iter(answers)
        for place, requests in wanted.items():
            replies[place] += (tuple(next(came) for _ in requests),)
    return [ended[place] for place in range(len(drafts))]


@pytest.mark.slow
def test_a_model_of_135_million_parameters_writes_rows_of_a_label(rows, teacher):
    ids = {label: [one for one, row in rows.items() if row.label == label] for label in LABELS}
    drafts = [
        Draft({"label": label}, index, parents)
        for label in LABELS
        for index, parents in enumerate(blocks(ids[label], 5, seed=0, name=label)[:3])
    ]
    found = drive("labelled", task_of(rows), drafts, teacher)
    made = [one for one in found if isinstance(one, Made)]
    assert len(made) >= 6
    assert {one.label for one in made} == set(LABELS)
    assert not any("<example" in one.messages[0].content for one in made)


@pytest.mark.slow
def test_its_probabilities_make_shares_of_real_rows(rows, teacher):
    drafts = [Draft({}, index, (one,)) for index, one in enumerate(list(rows)[::6])]
    found = drive("soft_labels", task_of(rows, orders=3, mass=0.2), drafts, teacher)
    assert all(isinstance(one, Made) for one in found)
    assert all(one.extra["soft"]["way"] == "logprobs" and 0 <= one.extra["soft"]["outside"] < 0.8 for one in found)
    assert sum("review" in one.extra for one in found) > 5, "it leans to a letter, and its rows don't say so"
    labels = pl.Series("label", [one.label for one in found])
    assert kind_of_labels(labels) == "shares"
    assert all(abs(sum(json.loads(label).values()) - 1) < 0.001 for label in labels)
    assert set(likeliest(labels)) <= set(LABELS)


@pytest.mark.slow
def test_it_says_real_rows_in_other_words_or_the_fault_says_why(rows, teacher):
    drafts = [Draft({}, index, (one,)) for index, one in enumerate(list(rows)[::10])]
    found = drive("paraphrase", task_of(rows), drafts, teacher)
    for draft, one in zip(drafts, found, strict=True):
        seed = rows[draft.parents[0]]
        if isinstance(one, Made):
            assert (one.label, len(one.messages)) == (seed.label, 1)
            assert one.messages[0].content != seed.text
        else:
            assert one.gate in ("distill.copy", "distill.truncated", "distill.schema")
    assert any(isinstance(one, Made) for one in found)
