"""The rule duplicates.near: what it finds, whom it keeps, what it says."""

import random
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate import findings, read
from vetset.curate.dataset import frame
from vetset.curate.duplicates.near import find_near
from vetset.curate.errors import UsageError
from vetset.curate.near.explain import align, in_short
from vetset.curate.near.shingles import Shingle
from vetset.curate.splits.near import near_clusters

TEXT = " ".join(f"word{i}" for i in range(100))


def edited(*changed):
    return " ".join(f"other{i}" if i in changed else f"word{i}" for i in range(100))


def test_a_near_copy_is_found_with_its_keeper_its_score_and_what_differs():
    rows = frame([{"messages": TEXT}, {"messages": "quite another text of a few words"}, {"messages": edited(0)}])
    found = find_near(rows)
    assert found.height == 1
    one = found.row(0, named=True)
    assert {one["id"], one["peer"]} == {rows["id"][0], rows["id"][2]}
    assert one["cluster"] == rows["id"][0]
    assert one["score"] == pytest.approx(95 / 97)
    assert "'other0'" in one["note"]
    assert "'word0'" in one["note"]
    assert one["suggest"] == "drop"


def test_a_source_that_no_row_has_is_refused():
    with pytest.raises(UsageError, match="no row has such a source; sources are 'web'"):
        find_near(frame([{"messages": TEXT, "source": "web"}, {"messages": TEXT}]), keep="source:Wbe")
    with pytest.raises(UsageError, match="no row has a source"):
        find_near(frame([{"messages": TEXT}, {"messages": TEXT}]), keep="source:web")


def test_a_clean_set_is_left_alone():
    assert find_near(frame([{"messages": TEXT}, {"messages": TEXT[::-1]}])).is_empty()


@pytest.mark.parametrize("records", [[], [{"messages": TEXT}], [{"messages": ""}] * 3, [{"messages": " \u200b"}] * 3])
def test_nothing_one_row_and_empty_rows(records):
    found = find_near(frame(records))
    assert found.is_empty()
    assert found.schema == findings.SCHEMA


def test_a_removed_row_is_alike_to_its_keeper_even_in_a_chain():
    chain = [edited(*range(0, start, 10)) for start in (0, 20, 40, 60, 80)]  # each near the next, the ends far apart
    rows = frame([{"messages": text} for text in chain])
    star = find_near(rows, threshold=0.75)
    assert (star["score"] >= 0.75).all()
    assert not set(star["peer"]) & set(star["id"])
    connected = find_near(rows, threshold=0.75, clusters="connected")
    assert connected.height == 4
    assert (connected["score"] >= 0.75).all()
    assert set(connected["suggest"]) == {"review"}
    assert connected["cluster"].n_unique() == star["cluster"].n_unique() == 1


@pytest.mark.parametrize(
    ("keep", "kept"),
    [("longest", 2), ("first", 0), ("newest", 1), ("majority", 3), ("source:b,a", 4), ("column:score", 3), ("column:-score", 0)],
)  # fmt: skip
def test_the_keeper_is_the_one_that_the_policy_names(keep, kept):
    records = [
        {
            "messages": edited(1),
            "label": "x",
            "time": datetime(2020, 1, 1, tzinfo=UTC),
            "source": "a",
            "extra": '{"score": 1}',
        },
        {
            "messages": edited(1),
            "label": "y",
            "time": datetime(2024, 1, 1, tzinfo=UTC),
            "source": "a",
            "extra": '{"score": 2}',
        },
        {
            "messages": edited(1) + " and a longer end",
            "label": "x",
            "time": datetime(2021, 1, 1, tzinfo=UTC),
            "source": "c",
            "extra": '{"score": 3}',
        },
        {
            "messages": edited(1) + " end",
            "label": "z",
            "time": datetime(2022, 1, 1, tzinfo=UTC),
            "source": "c",
            "extra": '{"score": 9}',
        },
        {
            "messages": edited(1),
            "label": "z",
            "time": datetime(2023, 1, 1, tzinfo=UTC),
            "source": "b",
            "extra": '{"score": "-"}',
        },
        {
            "messages": edited(1),
            "label": "z",
            "time": datetime(2019, 1, 1, tzinfo=UTC),
            "source": "c",
            "extra": '{"score": 4}',
        },
    ]
    rows = frame(records)
    found = find_near(rows, keep=keep)
    assert found.height == 5
    assert set(found["peer"]) == {rows["id"][kept]}


def test_the_training_side_goes_and_the_eval_row_stays():
    rows = frame([{"messages": TEXT + " longer", "split": "train"}, {"messages": TEXT, "split": "test"}])
    found = find_near(rows)
    assert found["id"].to_list() == [rows["id"][0]]
    assert found["suggest"].to_list() == ["review"]
    assert found["note"][0].endswith("in another split.")


def test_another_label_is_for_a_person():
    found = find_near(frame([{"messages": TEXT, "label": "a"}, {"messages": edited(0), "label": "b"}]))
    assert found["suggest"].to_list() == ["review"]
    assert "another label" in found["note"][0]


def test_system_prompts_make_no_row_alike():
    prompt = {"role": "system", "content": TEXT}
    rows = frame(
        [{"messages": [prompt, {"role": "user", "content": text}]} for text in ("where is my card", "stop it")]
    )
    assert find_near(rows).is_empty()


@pytest.mark.parametrize(
    ("option", "wrong"), [("keep", "best"), ("keep", "column:nothing"), ("clusters", "ring"), ("threshold", 80)]
)
def test_an_option_that_makes_no_sense_is_wrong_use(option, wrong):
    with pytest.raises(UsageError):
        find_near(frame([{"messages": TEXT}, {"messages": TEXT}]), **{option: wrong})


def test_notes_hold_no_secret_and_little_of_the_text():
    mail = frame([{"messages": TEXT + " ann.example@example.com"}, {"messages": TEXT}])
    assert "ann.example" not in find_near(mail)["note"][0]
    much = find_near(frame([{"messages": TEXT + " " + "x" * 5000}, {"messages": TEXT}]))["note"][0]
    assert len(much) < 300


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([edited(i, j) for i in range(0, 100, 9) for j in range(0, 100, 17)]), max_size=30),
    st.integers(),
)
def test_the_same_rows_are_found_in_any_order(texts, seed):
    def found(order):
        kept = find_near(frame([{"messages": text} for text in order]))
        # Of identical rows the ordinal says which is which, and that follows the order: the content is what is compared.
        return sorted(
            (row.split("-")[0], peer.split("-")[0], score)
            for row, peer, score in kept.select("id", "peer", "score").iter_rows()
        )

    shuffled = random.Random(seed).sample(texts, len(texts))
    assert found(texts) == found(shuffled)


def test_bank_intents_has_the_pairs_that_brute_force_found(shared, tmp_path):
    rows = read([shared / "bank_intents"], tmp_path / "x.vet").dataset.rows
    found = find_near(rows, shingle=Shingle("char", 5))
    assert found["cluster"].n_unique() == 218
    assert find_near(rows, shingle=Shingle("char", 5), clusters="connected").height == 252
    assert near_clusters(rows, shingle=Shingle("char", 5)).value_counts().filter(pl.col("count") > 1).height == 218


def test_smart_contracts_have_sixteen_clusters(shared, tmp_path):
    texts = [path.read_text(encoding="utf-8") for path in sorted((shared / "smart_contracts").rglob("*.sol"))]
    rows = frame([{"messages": text} for text in texts])
    found = find_near(rows, shingle=Shingle("char", 5))
    assert found["cluster"].n_unique() == 16
    assert find_near(rows, shingle=Shingle("char", 5), clusters="connected").height == 37


def test_a_pair_is_explained_by_its_words():
    difference = align("The card was lost in Rome on Monday", "the card was stolen in Rome on monday, again")
    assert (difference.here, difference.there, difference.cut) == (["lost"], ["stolen", ", again"], False)
    assert difference.shared == 7
    assert in_short("same words", "Same words") == ""
