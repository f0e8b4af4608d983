"""Rows that are laid end to end into one sequence don't see each other, as long as nothing but their positions is told."""

from importlib import import_module

import pytest
from vetset.tests.small_models import smollm2, tiny_model
from vetset.train.rows.rendering import open_renderer

torch, transformers = import_module("torch"), import_module("transformers")

ROWS = [[5, 6, 7, 8, 9], [20, 21], [30, 31, 32, 33], [40], [50, 51, 52, 53, 54, 55, 56, 57]]
TIGHT = 1e-4
"""Of float32 logits up to 32, whose sums are taken in another order (7e-6 and 7e-5 were met; contamination was 9 and 26)."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


def opened(folder, attention):
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation=attention, local_files_only=True
    )
    return model.eval()


def alone(model, rows=ROWS):
    with torch.no_grad():
        return torch.cat([model(input_ids=torch.tensor([row]), use_cache=False).logits[0] for row in rows])


def flattened(model, rows=ROWS, **more):
    """One sequence whose positions begin anew with each row, as TRL's padding-free collator hands it over."""
    ids = torch.tensor([[token for row in rows for token in row]])
    places = torch.tensor([[place for row in rows for place in range(len(row))]])
    with torch.no_grad():
        return model(input_ids=ids, position_ids=places, **more).logits[0]


def apart(one, other):
    return (one - other).abs().max().item()


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_rows_in_one_sequence_have_the_logits_that_each_has_alone(tiny, attention):
    model = opened(tiny, attention)
    assert apart(flattened(model, use_cache=False), alone(model)) < TIGHT


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_an_attention_mask_lets_rows_see_each_other(tiny, attention):
    model = opened(tiny, attention)
    mask = torch.ones(1, sum(map(len, ROWS)), dtype=torch.long)
    got, wanted = flattened(model, use_cache=False, attention_mask=mask), alone(model)
    assert apart(got[: len(ROWS[0])], wanted[: len(ROWS[0])]) < TIGHT  # the first has nobody before it
    assert apart(got, wanted) > 1000 * TIGHT


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_cache_lets_rows_see_each_other(tiny, attention):
    model = opened(tiny, attention)
    assert apart(flattened(model, use_cache=True), alone(model)) > 1000 * TIGHT


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_rendered_rows_of_a_real_model_do_not_see_each_other(attention):
    model, renderer = opened(smollm2(), attention), open_renderer(smollm2())
    asked = [
        ("I lost my card", "lost_or_stolen_card"),
        ("hi", "greeting"),
        ("Where is my refund?", "refund_not_showing_up"),
    ]
    talks = [[{"role": "user", "content": one}, {"role": "assistant", "content": other}] for one, other in asked]
    rows = [one.ids for one in renderer.many([(talk, None) for talk in talks])]
    wanted = alone(model, rows)
    assert apart(flattened(model, rows, use_cache=False), wanted) < 10 * TIGHT
    assert apart(flattened(model, rows, use_cache=True), wanted) > 1000 * TIGHT
