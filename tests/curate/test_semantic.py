"""Rows that mean the same (duplicates.semantic), and eval questions that stand in train in other words (leakage.meaning)."""

import os

import numpy as np
import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.duplicates.semantic import find_semantic, semantic_curve
from vetset.curate.embed.encoder import find_encoder
from vetset.curate.embed.tfidf import tfidf_vectors
from vetset.curate.errors import UsageError
from vetset.curate.findings import SCHEMA
from vetset.curate.leakage.meaning import find_meaning, meaning_thresholds

THEMES = {
    "password": 0,
    "forgot": 0,
    "login": 0,
    "card": 1,
    "stolen": 1,
    "lost": 1,
    "refund": 2,
    "money": 2,
    "密码": 0,
    "كلمة": 0,
}


def themes(texts):
    """A small encoder that knows which words are about the same thing; the length of a text tilts its vector a little."""
    vectors = np.zeros((len(texts), 4), np.float32)
    for vector, text in zip(vectors, texts, strict=True):
        for word, axis in THEMES.items():
            vector[axis] += word in text.lower()
        vector[3] = 0.001 * len(text) * bool(vector.any())
    return vectors


def chat(asked, answered=None):
    turns = [{"role": "user", "content": asked}]
    return turns if answered is None else [*turns, {"role": "assistant", "content": answered}]


def rows_of(*texts, **more):
    return frame([{"messages": chat(text), "label": "a", **more} for text in texts])


def test_a_row_that_means_the_same_is_found_and_the_longest_kept():
    rows = rows_of("I forgot it, please help me in", "card stolen", "login broken", "Where is my money?")
    found = find_semantic(rows, encoder=themes, threshold=0.95)
    assert found.schema == SCHEMA
    assert found["id"].to_list() == [rows["id"][2]]
    assert found["peer"].to_list() == found["cluster"].to_list() == [rows["id"][0]]
    assert found["suggest"].to_list() == ["drop"]
    assert found["score"][0] >= 0.95
    assert "Means nearly the same as memory line 1, cosine 1.0" in found["note"][0]


def test_a_row_in_no_split_is_not_in_another_one_and_what_was_not_read_is_said():
    rows = frame(
        [
            {"messages": chat(text), "split": side}
            for text, side in (("I forgot it, help", "train"), ("login", None), ("!?", None))
        ]
    )
    notes = []
    found = find_semantic(rows, encoder=themes, threshold=0.95, notes=notes)
    assert found["suggest"].to_list() == ["drop"]
    assert len(notes) == 1
    assert "nothing of 1 text" in notes[0]
    split = rows.with_columns(split=pl.Series(["train", "test", "test"]))
    find_meaning(split, encoder=themes, threshold=0.95, notes=notes)
    assert len(notes) == 1


def test_a_clean_set_is_left_alone():
    rows = rows_of("password", "card", "refund", "😀", "")
    assert find_semantic(rows, encoder=themes, threshold=0.9).is_empty()


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"label": "a"}, {"label": "b"}, "another label"),
        ({"split": "train"}, {"split": "test"}, "another split"),
        (
            {"messages": chat("password lost and more", "Do this.")},
            {"messages": chat("password lost", "Do that.")},
            "another target",
        ),
        ({"messages": "password 12 34 long"}, {"messages": "password 56 78"}, "other numbers"),
    ],
)
def test_what_a_person_should_see_is_not_dropped(one, other, said):
    rows = frame([{"messages": "password forgot, again", **one}, {"messages": "forgot password", **other}])
    found = find_semantic(rows, encoder=themes, threshold=0.9)
    assert found["suggest"].to_list() == ["review"]
    assert said in found["note"][0]


def test_the_same_target_in_other_case_may_be_dropped():
    rows = frame([{"messages": chat("forgot the password", "Do this.")}, {"messages": chat("password?", "do THIS.")}])
    assert find_semantic(rows, encoder=themes, threshold=0.9, part="input")["suggest"].to_list() == ["drop"]


def test_a_text_that_was_cut_is_for_a_person():
    class Short:
        reach = 10

        def __call__(self, texts):
            return themes(texts)

    rows = rows_of("forgot the password long ago", "password")
    found = find_semantic(rows, encoder=Short(), threshold=0.9)
    assert found["suggest"].to_list() == ["review"]
    assert "as far as the encoder reaches" in found["note"][0]


def test_repeats_are_found_too_and_an_eval_row_is_kept():
    rows = frame(
        [{"messages": "card stolen long text", "split": "train"}] * 2 + [{"messages": "card stolen", "split": "test"}]
    )
    found = find_semantic(rows, encoder=themes, threshold=0.9)
    assert set(found["id"]) == set(rows["id"][:2])
    assert set(found["peer"]) == {rows["id"][2]}


def test_keeping_the_majority_label_keeps_one_of_it():
    labels = ["a", "b", "b"]
    texts = ["password, a long text indeed", "password b", "password bb"]
    rows = frame([{"messages": text, "label": label} for text, label in zip(texts, labels, strict=True)])
    assert find_semantic(rows, encoder=themes, threshold=0.9, keep="majority")["peer"].unique().to_list() == [
        rows["id"][2]
    ]


def test_scripts_without_spaces_and_from_the_right_are_rows_like_any():
    rows = rows_of("我忘了密码", "نسيت كلمة المرور", "card", "🙂🙂")
    found = find_semantic(rows, encoder=themes, threshold=0.9)
    assert found.height == 1
    assert found["id"][0] in set(rows["id"][:2])


@pytest.mark.parametrize("count", [0, 1])
def test_no_row_and_one_row_find_nothing(count):
    rows = rows_of("password").head(count)
    for threshold in (None, 0.8):
        assert find_semantic(rows, encoder=themes, threshold=threshold).schema == SCHEMA
        assert find_semantic(rows, encoder=tfidf_vectors, threshold=threshold).is_empty()
        assert find_meaning(rows, encoder=themes, against=rows.clear(), threshold=threshold).is_empty()
        assert find_meaning(rows, encoder=themes, threshold=threshold).schema == SCHEMA
    assert semantic_curve(rows, encoder=themes).frame.height == 30


def test_the_order_of_the_rows_changes_nothing():
    texts = [f"{word} {'x' * at}" for at, word in enumerate([*THEMES] * 5)]
    rows = rows_of(*texts)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=1)
    one, other = (find_semantic(r, encoder=themes, threshold=0.9).sort("id") for r in (rows, shuffled))
    assert one.select("id", "peer", "score", "suggest").equals(other.select("id", "peer", "score", "suggest"))
    assert one.equals(find_semantic(rows, encoder=themes, threshold=0.9).sort("id"))


def test_secrets_are_masked_in_notes():
    rows = rows_of("password of ann@example.com please and thanks", "password of bob@example.com")
    found = find_semantic(rows, encoder=themes, threshold=0.9)
    leaked = find_meaning(rows, encoder=themes, against=rows.with_columns(label=pl.lit(None, pl.String)), threshold=0.9)
    assert "example.com" not in "".join([*found["note"], *leaked["note"]])
    assert all("[mail address]" in note for note in leaked["note"])


@pytest.mark.parametrize("threshold", [0, 1.5])
def test_a_threshold_out_of_bounds_raises(threshold):
    with pytest.raises(UsageError):
        find_semantic(rows_of("password", "login"), encoder=themes, threshold=threshold)
    with pytest.raises(UsageError):
        find_meaning(rows_of("password"), against=rows_of("login"), encoder=themes, threshold=threshold)


def split_rows():
    train = [
        chat("How to reset a password?", "So."),
        chat("card stolen", "Block it."),
        chat("Win 5 of 7 login tries", "x"),
    ]
    test = [chat("My login is gone, folks.", "Thus."), chat("refund", "No."), chat("Win 6 of 8 login tries", "x")]
    return frame([{"messages": m, "split": "train"} for m in train] + [{"messages": m, "split": "test"} for m in test])


def test_an_eval_question_in_other_words_is_found_and_one_with_other_numbers_is_not():
    rows = split_rows()
    found = find_meaning(rows, encoder=themes, threshold=0.9)
    # The third test row agrees with the first train row: with fewer than two numbers on a side nothing is said against it.
    assert found["id"].to_list() == [rows["id"][3], rows["id"][5]]
    assert "Asks what memory line 1 in train asks, cosine" in found["note"][0]
    assert "'How to reset a password?'" in found["note"][0]
    only = rows.filter(pl.col("id") != rows["id"][0])
    assert find_meaning(only, encoder=themes, threshold=0.9)["id"].to_list() == [rows["id"][3]]


def test_against_finds_our_rows_outside_the_eval_side():
    rows, other = split_rows(), rows_of("lost my card", "totally else")
    found = find_meaning(rows, against=other, encoder=themes, threshold=0.9)
    ours = found.filter(pl.col("peer").is_null())
    assert ours["id"].to_list() == [rows["id"][1]]
    assert "in the eval file asks" in ours["note"][0]
    assert ours["suggest"].to_list() == ["drop"]
    inside = found.filter(pl.col("peer").is_not_null())
    assert inside.equals(find_meaning(rows, encoder=themes, threshold=0.9))


def test_no_eval_side_encodes_nothing():
    asked = []
    find_meaning(rows_of("password", "login"), encoder=lambda texts: asked.append(texts) or themes(texts))
    assert not asked


def test_the_fallback_finds_planted_rewordings_at_the_threshold_of_the_set(shared):
    rows = gsm8k(shared, "gsm8k/test.jsonl").head(700)
    words = [text.split(" ") for text in rows["messages"].list.first().struct.field("content")]
    moved = frame([{"messages": " ".join([*w[-6:], *w[:-6]])} for w in words[:40]])
    proposal = meaning_thresholds(moved, against=rows, encoder=tfidf_vectors)["the eval file"]
    found = find_meaning(moved, against=rows, encoder=tfidf_vectors)
    assert 0.7 <= proposal.threshold <= 0.95
    assert found.height == 40
    assert find_meaning(rows.head(350), against=rows.tail(350), encoder=tfidf_vectors).height <= 7


def gsm8k(shared, name):
    import json

    lines = (shared / "math_contamination" / name).read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return frame([{"messages": chat(r["question"]) if "question" in r else r["text"]} for r in records])


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # what torch and its friends deprecate is theirs to mend
def test_a_real_model_finds_rephrased_questions(shared, tmp_path):
    pytest.importorskip("sentence_transformers", reason="needs pip install 'vetset[embed]'")
    if not os.environ.get("VETSET_ENCODER"):
        pytest.skip("VETSET_ENCODER names no folder with a sentence-transformers model")
    encoder = find_encoder(os.environ["VETSET_ENCODER"]).encoder
    test = gsm8k(shared, "gsm8k/test.jsonl").head(300)
    rephrased = gsm8k(shared, "decontaminator/rephrase/rephrase_gsm8k.jsonl").head(300)
    found = find_meaning(rephrased.head(150), against=test, encoder=encoder, threshold=0.8, cache=tmp_path)
    assert found.height >= 135
    clean = find_meaning(rephrased.tail(150), against=test.head(150), encoder=encoder, threshold=0.8, cache=tmp_path)
    assert clean.height <= 1
