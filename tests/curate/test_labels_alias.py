"""Two labels that are one."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.embed.tfidf import tfidf_vectors
from vetset.curate.findings import SCHEMA
from vetset.curate.labels.alias import aliases, find_alias
from vetset.curate.labels.labelled import from_arrays, labelled
from vetset.curate.labels.names import alike_names, likeness
from vetset.curate.labels.separation import separation

TOPICS = {
    "card_arrival": "card arrive wait post mail week delivery tracked",
    "exchange_rate": "exchange rate currency euro dollar convert market",
    "lost_phone": "phone lost stolen number app device new",
    "top_up_failed": "top up fail reject bank money add account",
}


def topical(count=80, seed=0):
    draw = np.random.default_rng(seed)
    return [
        (" ".join(draw.choice(words.split(), 5)) + f" {n}", label)
        for label, words in TOPICS.items()
        for n in range(count)
    ]


def made(pairs, **more):
    rows = frame([{"messages": text, "label": label} for text, label in pairs]).with_columns(**more)
    return labelled(rows, encoder=tfidf_vectors), rows


def renamed(pairs, label, name, rows):
    return [(text, name if own == label and at in rows else own) for at, (text, own) in enumerate(pairs)]


def places(pairs, label, share=2):
    return {at for at, (_, own) in enumerate(pairs) if own == label and at % share == 0}


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("Refund", "refund", "same"), ("card arrival", "card-arrival", "same"), ("cardArrival", "card_arrival", "same"),
        ("straße", "STRASSE", "same"), ("positive", "positve", "misspelt"), ("from_bank", "form_bank", "misspelt"),
        ("policy", "policies", "reworded"), ("card_arrival", "v2_card_arrival", "reworded"),
        ("card_to_bank", "bank_to_card", "reworded"), ("transfer_into", "transfer_nto", "misspelt"),
        ("NUM", "HUM", None), ("legal", "illegal", None), ("typical", "atypical", None), ("a+", "a-", None),
        ("1", "-1", None), ("C", "C++", None), ("level_1", "level_2", None), ("2023_sales", "2024_sales", None),
        ("1.0", "10", None), ("new", "old", None), ("退款", "退貨", None), ("日本語ラベル一", "日本語ラベル二", None),
    ],
)  # fmt: skip
def test_names_are_alike_as_a_person_would_say(one, other, how):
    assert likeness(one, other) == how
    assert likeness(other, one) == how
    names = sorted([one, other])
    assert alike_names(names) == ({} if how is None else {(0, 1): how})


def test_two_thousand_numbered_names_are_no_aliases_and_cost_little():
    assert alike_names([f"intent of kind {n}" for n in range(2_000)]) == {}


def test_a_name_that_differs_in_case_and_separators_is_to_be_relabelled():
    of, rows = made(renamed(topical(), "card_arrival", "Card Arrival", places(topical(), "card_arrival", 4)))
    found = find_alias(of, rows)
    assert found.height == 20
    assert set(found["suggest"]) == {"relabel"}
    assert set(found["value"]) == {"card_arrival"}
    assert found["note"][0] == (
        "Label 'Card Arrival' (20 rows) is 'card_arrival' (60 rows) but for case, separators or signs."
    )
    assert found["cluster"].n_unique() == 1
    assert rows.filter(pl.col("id").is_in(found["peer"].to_list()))["label"].unique().to_list() == ["card_arrival"]
    assert found.schema == SCHEMA


def test_three_misspelt_rows_are_found_where_their_texts_fit():
    pairs = topical()
    of, rows = made(renamed(pairs, "exchange_rate", "exchange_rte", {81, 90, 101}))
    found = find_alias(of, rows)
    assert found["id"].to_list() == rows["id"].gather([81, 90, 101]).to_list()
    assert set(found["value"]) == {"exchange_rate"}
    other = [(text, "exchange_rte" if at in {1, 2, 3} else own) for at, (text, own) in enumerate(pairs)]
    assert find_alias(*made(other)).is_empty()  # texts of card_arrival speak against it


def test_a_half_under_a_wholly_other_name_is_found_by_its_texts():
    pairs = topical()
    of, rows = made(renamed(pairs, "lost_phone", "zzz", places(pairs, "lost_phone")))
    found = aliases(of, rows)
    assert [(of.names[alias.rare], of.names[alias.other], alias.kind) for alias in found] == [
        ("zzz", "lost_phone", "content")
    ]
    assert set(find_alias(of, rows, found)["suggest"]) == {"review"}


def test_a_label_that_ends_where_another_begins_is_said_with_the_day():
    pairs = topical()
    draw = np.random.default_rng(0)
    days = draw.permutation(len(pairs))
    late = {at for at, (_, own) in enumerate(pairs) if own == "lost_phone" and days[at] > 160}
    time = pl.Series([datetime(2024, 1, 1) + timedelta(days=int(day)) for day in days])
    of, rows = made(renamed(pairs, "lost_phone", "zzz", late), time=time)
    found = aliases(of, rows)
    assert [alias.kind for alias in found] == ["by time"]
    assert "'lost_phone' ends where 'zzz' begins (2024-06-" in find_alias(of, rows, found)["note"][0]


def test_labels_that_sources_have_for_themselves_are_found():
    pairs = topical()
    draw = np.random.default_rng(0)
    source = draw.integers(0, 4, len(pairs))
    theirs = {at for at, (_, own) in enumerate(pairs) if own == "lost_phone" and source[at] < 2}
    of, rows = made(renamed(pairs, "lost_phone", "zzz", theirs), source=pl.Series([f"team {at}" for at in source]))
    found = aliases(of, rows)
    assert [alias.kind for alias in found] == ["by source"]
    assert "stands in sources such as 'team" in find_alias(of, rows, found)["note"][0]


def test_labels_of_their_own_and_labels_drawn_by_lot_are_no_aliases():
    assert find_alias(*made(topical())).is_empty()
    draw = np.random.default_rng(0)
    lot = [(text, f"label {'abcd'[draw.integers(4)]}x") for text, _ in topical()]
    assert find_alias(*made(lot)).is_empty()  # no label can be told from any other: that says nothing of two of them


@pytest.mark.parametrize(
    "pairs",
    [
        [], [("t", "a")], [("t", None)] * 5, [("t", "aaaaaa"), ("u", "aaaaab")], [(f"t{n}", f"row {n}") for n in range(60)],
        [("the same text", "abc"[n % 3]) for n in range(200)], [(f"word{n} here", "abc"[n % 3]) for n in range(12)],
    ],
)  # fmt: skip
def test_sets_in_which_nothing_can_be_said_have_no_alias(pairs):
    assert find_alias(*made(pairs)).is_empty()


def test_vectors_that_are_all_the_same_have_no_alias():
    labels = [f"{n % 3} label" for n in range(150)]
    rows = frame([{"messages": f"t{n}", "label": label} for n, label in enumerate(labels)])
    assert find_alias(from_arrays(np.ones((150, 8)), labels), rows).is_empty()


def test_an_auc_is_near_a_half_for_halves_and_near_one_for_topics():
    pairs = topical()
    of, _ = made(renamed(pairs, "lost_phone", "zzz", places(pairs, "lost_phone")))
    seen = separation(of)
    half, phone, card = of.names.index("zzz"), of.names.index("lost_phone"), of.names.index("card_arrival")
    assert abs(seen.auc([half], [phone]) - 0.5) < 0.2
    assert seen.auc([half], [card]) > 0.95
    assert seen.neighbour_auc(half, card) > 0.95


def test_any_order_of_rows_and_a_second_run_find_the_same():
    pairs = renamed(topical(), "card_arrival", "Card Arrival", places(topical(), "card_arrival", 4))
    one = find_alias(*made(pairs)).drop("cluster", "peer").sort("id")
    assert one.equals(find_alias(*made(pairs[::-1])).drop("cluster", "peer").sort("id"))
    assert find_alias(*made(pairs)).equals(find_alias(*made(pairs)))


@pytest.mark.slow
def test_bank_intents_have_no_alias_and_each_that_is_planted_is_found(bank):
    from dataclasses import replace

    of, rows = made(bank.rows())
    assert aliases(of, rows) == []
    names = np.array(of.names, object)[of.code]
    planted_names = [("card_arrival", "zzz"), ("top_up_failed", "TopUp failed"), ("exchange_rate", "exchnge_rate")]
    for seed, (base, name) in enumerate(planted_names):
        draw = np.random.default_rng(seed)
        own = np.flatnonzero(names == base)
        some = draw.permutation(own)[: 3 if name.startswith("exch") else own.size // 2]
        planted = names.copy()
        planted[some] = name
        distinct, code = np.unique(planted.astype(str), return_inverse=True)
        found = aliases(replace(of, code=code.astype(np.int64), names=distinct.tolist()), rows)
        assert [{str(distinct[alias.rare]), str(distinct[alias.other])} for alias in found] == [{base, name}]
