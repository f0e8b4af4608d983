"""preference.bias: who chooses by length or by place."""

import json
import random

from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.preferences.bias import bias_figures, find_bias


def rows_of(annotators, seed=0):
    """Pairs; annotators maps a name to (pairs, chance of the longer reply, chance of the first)."""
    rng = random.Random(seed)
    rows = []
    for name, (count, longer, first) in annotators.items():
        for at in range(count):
            chosen, rejected = ("long " * 20, "short") if rng.random() < longer else ("short", "long " * 20)
            place = "a" if rng.random() < first else "b"
            rows.append(
                {
                    "messages": [{"role": "user", "content": f"{name} {at}"}, {"role": "assistant", "content": chosen}],
                    "rejected": rejected, "annotator": name, "extra": json.dumps({"chosen_position": place}),
                }
            )  # fmt: skip
    return frame(rows)


def test_an_annotator_who_chooses_the_longer_one_is_found_in_the_pairs_where_it_was():
    rows = rows_of({"ann": (120, 0.95, 0.5), "ben": (150, 0.5, 0.5), "eve": (150, 0.55, 0.5)})
    found = find_bias(rows)
    hit = rows.filter(rows["id"].is_in(found["id"].implode()))
    assert set(hit["annotator"]) == {"ann"}
    assert all(message[-1]["content"].startswith("long") for message in hit["messages"])
    assert "Annotator 'ann' chose the longer reply in 9" in found["note"][0]
    assert found["cluster"].n_unique() == 1
    assert found.schema == SCHEMA


def test_an_annotator_who_chooses_what_is_shown_second_is_found():
    rows = rows_of({"ann": (120, 0.5, 0.1), "ben": (150, 0.5, 0.5), "eve": (150, 0.5, 0.55)})
    assert "chose the reply shown second" in find_bias(rows)["note"][0]


def test_what_all_do_alike_stands_in_the_figures_only():
    rows = rows_of({"ann": (100, 0.8, 0.5), "ben": (100, 0.8, 0.5)})
    assert find_bias(rows).is_empty()
    told = bias_figures(rows)
    assert told["longer"]["pairs"] == 200
    assert told["longer"]["low"] < told["longer"]["share"] < told["longer"]["high"]
    assert 0.7 < told["longer"]["share"] < 0.9
    assert set(told["longer"]["by_annotator"]) == {"ann", "ben"}
    assert told["first"]["low"] < 0.5 < told["first"]["high"]


def test_unbiased_annotators_are_hardly_ever_found():
    sets = [rows_of({f"n{i}": (40, 0.6, 0.5) for i in range(20)}, seed=seed) for seed in range(20)]
    assert sum(not find_bias(rows).is_empty() for rows in sets) <= 1


def test_few_pairs_no_annotators_one_row_and_none_say_nothing():
    for annotators in ({}, {"ann": (1, 1, 1)}, {"ann": (20, 1, 1), "ben": (200, 0, 0.5)}, {"ann": (300, 1, 1)}):
        rows = rows_of(annotators)
        assert find_bias(rows).is_empty()
        assert find_bias(rows).schema == SCHEMA
    assert bias_figures(frame([])) == {}
    alone = rows_of({"ann": (50, 0.9, 1.0)})
    assert "first" not in bias_figures(alone)  # a field that never changes says nothing of the order shown


def test_any_order_gives_the_same():
    rows = rows_of({"安": (120, 0.95, 0.5), "ben": (150, 0.5, 0.5)})
    one, other = find_bias(rows), find_bias(rows.reverse())
    assert one.drop("cluster").sort("id").equals(other.drop("cluster").sort("id"))


def test_public_pairs_show_how_often_the_longer_reply_is_chosen(shared):
    source = json.loads((shared / "llm_formats" / "dpo_en_demo.json").read_text(encoding="utf-8"))
    rows = frame(
        [
            {
                "messages": [
                    {"role": "user", "content": "q"},
                    {"role": "assistant", "content": one["chosen"]["value"]},
                ],
                "rejected": one["rejected"]["value"],
            }
            for one in source
        ]
    )
    told = bias_figures(rows)["longer"]
    assert told["pairs"] > 200
    assert 0.4 < told["share"] < 0.9
