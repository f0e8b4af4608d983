"""Rows inside longer rows."""

import json
import math
import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate import Given, read
from vetset.curate.dataset import frame
from vetset.curate.duplicates.contained import find_contained
from vetset.curate.errors import UsageError
from vetset.curate.findings import SCHEMA
from vetset.curate.near.containing import inside
from vetset.curate.near.shingles import Shingle, shingled


def words(seed, count):
    rng = random.Random(seed)
    return " ".join(f"w{rng.randrange(100_000)}" for _ in range(count))


def texts(*contents):
    return frame([{"messages": content} for content in contents])


INNER = words(1, 40)


@pytest.mark.parametrize(
    ("outer", "where"),
    [
        (f"{INNER} {words(2, 60)}", "at the beginning of"),
        (f"{words(3, 60)} {INNER}", "at the end of"),
        (f"{words(4, 60)} {INNER} {words(5, 60)}", "in the middle of"),
        (f"{' '.join(INNER.split()[:20])} {words(6, 60)} {' '.join(INNER.split()[16:])}", "in pieces in"),
    ],
)
def test_a_text_inside_another_is_found_with_its_place(outer, where):
    rows = texts(words(7, 50), INNER, outer)
    found = find_contained(rows)
    assert found["id"].to_list() == [rows["id"][1]]
    assert found["peer"].to_list() == found["cluster"].to_list() == [rows["id"][2]]
    assert f"of its text stands {where} memory line 3, and is" in found["note"][0]
    assert found["suggest"].to_list() == ["review"]
    assert found["score"][0] >= 0.9


def test_a_near_duplicate_and_a_clean_set_are_left_alone():
    for rows in (
        texts(INNER, INNER + " one more"),
        texts(INNER, words(2, 80)),
        texts(INNER, INNER),
        texts("yes", "yes it is", "yes it is so that I can say it again and again all day long", "thank you"),
        texts(INNER),
        frame([]),
        texts("", "", " "),
    ):
        found = find_contained(rows)
        assert found.is_empty()
        assert found.schema == SCHEMA


def test_an_edit_in_a_long_text_is_borne():
    long = words(8, 120)
    edited = long.replace(long.split()[60], "changed")
    found = find_contained(texts(edited, f"{long} {words(9, 100)}"))
    assert found["note"].to_list() == ["96% of its text stands at the beginning of memory line 2, and is 51% of that."]


def test_rows_of_one_template_with_questions_of_their_own_are_not_inside_one_another():
    prompt = words(10, 80)
    rows = texts(*[f"{prompt} {words(100 + n, 4 + n % 40)}" for n in range(300)])
    assert find_contained(rows).is_empty()


def test_the_beginning_of_a_conversation_is_inside_of_it():
    turns = [{"role": role, "content": words(20 + n, 15)} for n, role in enumerate(["user", "assistant"] * 3)]
    rows = frame([{"messages": turns[:2]}, {"messages": turns}, {"messages": turns[:4]}])
    found = find_contained(rows)
    assert found["id"].to_list() == [rows["id"][0], rows["id"][2]]
    assert found["peer"].to_list() == [rows["id"][2], rows["id"][1]]
    assert found["cluster"].to_list() == [rows["id"][1]] * 2


@pytest.mark.parametrize(
    "script",
    [
        "".join(chr(0x4E00 + 7 * n) for n in range(40)),
        "مرحبا بك في هذا البيت الكبير الذي يقف على التل منذ سنوات طويلة جدا يا صديقي",
        " ".join(chr(0x1F300 + 3 * n) + f"x{n}" for n in range(40)),
    ],
)
def test_texts_of_other_scripts_are_found(script):
    assert len(find_contained(texts(script, f"{words(30, 30)} {script} {words(31, 30)}"))) == 1


def test_the_same_rows_give_the_same_findings_in_any_order():
    contents = [words(n, 30 + n % 5) for n in range(40)]
    contents += [f"{words(1000 + n, 40)} {contents[n]} {words(2000 + n, n % 3)}" for n in range(0, 40, 3)]
    rows = texts(*contents)
    assert find_contained(rows).equals(find_contained(rows))
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=3)
    assert set(find_contained(rows).select("id", "peer").rows()) == set(
        find_contained(shuffled).select("id", "peer").rows()
    )


def by_brute_force(sets, containment, alike, least):
    """Which sets stand in a larger one, by the definition."""
    members = [set(sets.hashes[a : a + n].tolist()) for a, n in zip(sets.starts, sets.sizes, strict=True)]
    weight = {
        h: round(1000 * (8 - math.log2(max(int(sets.counts[h & (sets.counts.size - 1)]), 1))))
        for m in members
        for h in m
    }
    best = {}
    for row, own in enumerate(members):
        if len(own) < least or own in members[:row]:
            continue
        total = sum(weight[h] for h in own)
        for other in members:
            both = own & other
            if (
                len(other) > len(own)
                and len(both) * 10 >= containment * len(own)
                and len(both) * 10 < alike * len(own | other)
                and sum(weight[h] for h in both) * 10 >= containment * total
            ):
                best[row] = max(best.get(row, 0), len(both))
    return best


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([5, 8, 9, 10]), st.sampled_from([5, 8, 10]), st.sampled_from([1, 3, 8]))
def test_what_is_found_is_what_brute_force_finds(data, containment, alike, least):
    rng = data.draw(st.randoms(use_true_random=False))
    vocabulary = [f"w{n}" for n in range(rng.choice([5, 30, 300]))]
    contents = []
    for _ in range(rng.randint(1, 25)):
        made = [rng.choice(vocabulary) for _ in range(rng.randint(0, 25))]
        for _ in range(rng.randint(0, 2)):
            if contents:
                made[rng.randint(0, len(made)) :] = rng.choice(contents).split()[: rng.randint(1, 30)]
        contents.append(" ".join(made))
    sets = shingled(pl.Series(contents), shingle=Shingle("word", rng.choice([1, 2, 3])))
    found = inside(sets, containment=containment / 10, alike=alike / 10, least=least)
    expected = by_brute_force(sets, containment, alike, least)
    assert dict(zip(found.row.tolist(), found.common.tolist(), strict=True)) == expected
    assert found.cut == 0


def test_a_share_out_of_bounds_is_wrong_use():
    with pytest.raises(UsageError, match="containment is over 0"):
        find_contained(texts(INNER), containment=90)


def test_a_row_that_is_nearly_inside_of_hundreds_is_given_up_and_counted():
    own = INNER.split()
    rng = random.Random(1)
    contents = [INNER]
    for n in range(200):
        at = rng.randrange(30)
        contents.append(" ".join([*own[:at], "cut", *own[at + 9 :], words(50 + n, 40)]))
    sets = shingled(pl.Series(contents))
    assert inside(sets, limit=500).cut == 1
    assert inside(sets).cut == 0


def test_contained_rows_of_bank_intents_and_tool_conversations(shared, tmp_path):
    rows = read([shared / "bank_intents"], tmp_path / "bank.vet", columns=Given()).dataset.rows
    found = find_contained(rows)
    assert 5 <= len(found) <= 20
    said = dict(zip(rows["id"], (turns[0]["content"] for turns in rows["messages"]), strict=True))
    refund = next(row for row in found.iter_rows(named=True) if "supposed to get a refund" in said[row["id"]])
    assert said[refund["peer"]].startswith(said[refund["id"]].rstrip("."))
    roles = {"human": "user", "gpt": "assistant", "function_call": "assistant", "observation": "tool"}
    source = json.loads((shared / "llm_formats" / "glaive_toolcall_en_demo.json").read_text(encoding="utf-8"))
    rows = frame(
        [
            {"messages": [{"role": roles[turn["from"]], "content": turn["value"]} for turn in row["conversations"]]}
            for row in source
        ]
    )
    assert "at the beginning of" in find_contained(rows)["note"][0]
