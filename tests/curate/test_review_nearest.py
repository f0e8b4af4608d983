"""The rows most like one row, and the sketch by which they are found."""

import os
import random
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest
from vetset.curate import read
from vetset.curate.dataset import frame
from vetset.curate.embed.encoder import find_encoder
from vetset.curate.embed.encoding import encode, row_texts
from vetset.curate.near.shingles import Sets
from vetset.curate.review import sketch as sketch_room
from vetset.curate.review import sketch_words
from vetset.curate.review.making import ask
from vetset.curate.review.nearest import NEAREST, nearest, word_diff
from vetset.curate.review.sketch import (
    WORDS,
    ask_sketch,
    is_made,
    make_sketch,
    open_sketch,
    sketch_path,
    texts_at,
)
from vetset.curate.review.sketch_words import add_signs, alike, rarities_of_words, words
from vetset.curate.review.view import View, open_view

TEXTS = [
    "My card was stolen in Rome and I need a new one",
    "my card was stolen in Oslo, and I need a new one",
    "How do I change the PIN of my card?",
    "I want to change my PIN, how?",
    "What is the exchange rate for Polish money today",
    "the exchange rate of Polish money is wrong today",
    "Ich möchte meine Straße ändern, die Adresse ist falsch",
    "die Adresse in meiner STRASSE ist falsch",
    "我的银行卡在罗马被偷了，我需要一张新卡",
    "我的银行卡被偷了，请给我一张新卡",
    "سرقت بطاقتي في روما وأحتاج إلى بطاقة جديدة",
    "أحتاج إلى بطاقة جديدة لأن بطاقتي سرقت",
]


def viewed(folder, texts, name="x") -> View:
    """A view of a set with these texts."""
    path = folder / f"{name}.jsonl"
    path.write_text(pl.DataFrame({"text": texts}, schema={"text": pl.String}).write_ndjson(), encoding="utf-8")
    read([path], out=folder / f"{name}.vet")
    return open_view(folder / f"{name}.vet")


def sketched(view):
    """Make the sketch here and open it."""
    make_sketch(view)
    made = open_sketch(view)
    assert made is not None
    return made


def planted(rows=3_000, seed=0):
    """Texts of random words, a third of which say again what another says, with a few words changed."""
    draw = random.Random(seed)
    vocabulary = ["".join(draw.choice("abcdefghijklmnop") for _ in range(5)) for _ in range(2_000)]
    found = [" ".join(draw.choice(vocabulary) for _ in range(draw.randint(3, 25))) for _ in range(2 * rows // 3)]
    for text in found[: rows // 3]:
        changed = text.split()
        changed[draw.randrange(len(changed))] = draw.choice(vocabulary)
        found.append(" ".join(changed))
    return found


@pytest.mark.parametrize("position", range(0, 12, 2))
def test_a_text_in_any_script_finds_its_rewording_first(tmp_path, position):
    view = viewed(tmp_path, TEXTS)
    found = nearest(view, sketched(view), position)
    assert found.schema == NEAREST
    assert found["position"][0] == position + 1
    assert not found["same"].any()


def test_what_the_looks_leave_is_what_all_pairs_say(tmp_path):
    view = viewed(tmp_path, planted())
    sketch = sketched(view)
    said = [words(text) for text in view.rows["text"]]
    hits = []
    for position in range(0, 3_000, 100):
        truth = alike(said[position], said, sketch.weights)
        truth[position] = -1
        found = nearest(view, sketch, position)
        assert found["similarity"].to_list() == pytest.approx(truth[found["position"].to_numpy()])
        assert found["similarity"][0] == pytest.approx(truth.max(), abs=0.02 if truth.max() < 0.4 else 1e-6)
        hits.append((found["similarity"].to_numpy() >= np.sort(truth)[-5] - 1e-9).mean())
    assert np.mean(hits) > 0.8  # chance texts of random words are all alike to one another


def test_long_texts_that_begin_alike_are_found_among_many_that_are_alike_as_a_whole(tmp_path):
    """What is read of them is the beginning, of which the numbers of the whole say little."""
    draw = random.Random(0)
    vocabulary = ["".join(draw.choice("abcdefghijklmnop") for _ in range(6)) for _ in range(3_000)]
    begins, rest = draw.choices(vocabulary, k=180), draw.choices(vocabulary, k=500)
    whole = begins + rest
    texts = [" ".join(whole)]  # and texts of which a word in seven is another, all along
    texts += [" ".join(word if draw.random() < 0.86 else draw.choice(vocabulary) for word in whole) for _ in range(80)]
    texts += [" ".join(begins + draw.choices(vocabulary, k=120)) for _ in range(8)]
    view = viewed(tmp_path, texts)
    found = nearest(view, sketched(view), 0)
    assert sorted(found["position"])[0] > 80
    assert found["similarity"].min() > 0.99


@pytest.mark.parametrize(
    ("text", "number"),
    [("शीला मीरा से मिली", 4), ("என் அட்டை தொலைந்தது", 3), ("আমার কার্ড হারিয়ে গেছে", 4), ("كَتَبَ الوَلَدُ", 2), ("שָׁלוֹם עוֹלָם", 2)],
)  # fmt: skip
def test_a_word_is_whole_with_its_vowel_signs(text, number):
    assert len(words(text)) == number


def test_words_that_differ_by_a_vowel_sign_differ():
    assert alike(words("शीला मीरा"), [words("शाला मारा")], np.ones(8, np.float32))[0] == 0
    assert words("كَتَبَ") == words("كتب")
    assert [piece.text for piece in word_diff("शीला आई", "शाला आई")] == ["शीला", "शाला", " आई"]


def test_the_order_of_the_rows_changes_nothing(tmp_path):
    texts = [*planted(600), *TEXTS, TEXTS[0]]
    shuffled = random.Random(1).sample(texts, len(texts))
    told = []
    for name, order in (("a", texts), ("b", shuffled)):
        view = viewed(tmp_path, order, name)
        sketch, ids = sketched(view), view.rows["id"]
        places = view.positions(sorted(ids))
        found = [nearest(view, sketch, int(place)).with_columns(id=pl.lit(ids[int(place)])) for place in places[::20]]
        told.append(pl.concat(found).with_columns(pl.Series("position", ids.gather(pl.concat(found)["position"]))))
    assert told[0].filter(~pl.col("same")).equals(told[1].filter(~pl.col("same")))


def test_two_makings_give_the_same_bytes(tmp_path):
    view = viewed(tmp_path, planted(300))
    first = [(path.name, path.read_bytes()) for path in sorted(make_sketch(view).iterdir())]
    for path in sketch_path(view).iterdir():
        path.unlink()
    sketch_path(view).rmdir()
    assert [(path.name, path.read_bytes()) for path in sorted(make_sketch(view).iterdir())] == first


def test_texts_said_by_many_rows_are_counted_and_shown_once(tmp_path):
    view = viewed(tmp_path, [*TEXTS[:4], *[TEXTS[1]] * 30, *[TEXTS[0]] * 12])
    found = nearest(view, sketched(view), 0)
    assert found["position"].to_list()[0] in {1, *range(4, 34)}
    assert found["copies"].to_list()[0] == 31
    assert found["same"].to_list() == [False] * (found.height - 1) + [True]
    assert found["copies"].to_list()[-1] == 12
    assert found.height == 4  # each text that differs once, and those that say the same in one line


@pytest.mark.parametrize("texts", [["only one"], ["the same"] * 20])
def test_where_nothing_differs_nothing_is_found(tmp_path, texts):
    view = viewed(tmp_path, texts)
    found = nearest(view, sketched(view), 0)
    assert found.filter(~pl.col("same")).is_empty()
    assert found["copies"].sum() == len(texts) - 1


def test_a_set_of_no_rows_has_a_sketch_of_no_lines(tmp_path):
    view = View(tmp_path, "k", frame([]).with_columns(text=pl.lit("")), pl.DataFrame(), checked=False, manifest={})
    sketch = sketched(view)
    assert sketch.matrix.shape == (0, sketch_words.AXES)
    assert sketch.of_row.size == 0


def test_rows_without_a_text_are_like_none(tmp_path):
    rows = frame([{"messages": [{"role": "user", "content": said}]} for said in ("a card", "", " ", "a card too")])
    view = View(tmp_path, "k", rows.with_columns(text=pl.lit("")), pl.DataFrame(), checked=False, manifest={})
    sketch = sketched(view)
    assert nearest(view, sketch, 1).is_empty()
    assert nearest(view, sketch, 0)["position"].to_list() == [3]
    assert sketch.same(1).size == 0


def test_texts_of_signs_alone_are_compared_by_signs(tmp_path):
    view = viewed(tmp_path, ["🙂🙂🎉", "🎉🙂", "😡", "word"])
    assert nearest(view, sketched(view), 0)["position"].to_list() == [1]


def test_equal_words_without_numba_give_equal_numbers():
    pytest.importorskip("numba")
    from vetset.curate.review.sketch_kernels import add_signs as compiled

    draw = np.random.default_rng(0)
    sizes = np.array([0, 1, 7, 300])
    hashes = draw.integers(0, 2**64, sizes.sum(), dtype=np.uint64)
    weights = draw.integers(1, 200, 1 << 10).astype(np.int32)
    sums = np.zeros((2, 4, sketch_words.AXES), np.int32)
    for add, into in zip((add_signs, compiled), sums, strict=True):
        add(hashes, np.cumsum(sizes) - sizes, sizes, weights, sketch_words._SALTS, into)
    assert (sums[0] == sums[1]).all()
    assert sums[0][1:].any(axis=1).all()


def test_without_numba_the_same_neighbours_are_found(tmp_path):
    view = viewed(tmp_path, TEXTS)
    done = """
import sys; sys.modules["numba"] = None
from vetset.curate.review.view import open_view
from vetset.curate.review.sketch import make_sketch, open_sketch
from vetset.curate.review.nearest import nearest
view = open_view(sys.argv[1]); make_sketch(view)
print([nearest(view, open_sketch(view), at)["position"][0] for at in range(0, 12, 2)])
"""
    said = subprocess.run([sys.executable, "-c", done, view.folder], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[1, 3, 5, 7, 9, 11]"


def test_looking_for_neighbours_imports_nothing_heavy(tmp_path):
    view = viewed(tmp_path, TEXTS)
    make_sketch(view)
    done = """
import sys
from vetset.curate.review.view import open_view
from vetset.curate.review.sketch import open_sketch
from vetset.curate.review.nearest import nearest
view = open_view(sys.argv[1]); nearest(view, open_sketch(view), 0)
print([name for name in ("numba", "sklearn", "scipy", "torch") if name in sys.modules])
"""
    said = subprocess.run([sys.executable, "-c", done, view.folder], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_an_encoders_kept_vectors_are_taken_and_their_cosine_is_told(tmp_path, monkeypatch):
    from vetset.curate.embed import encoder, vector_cache

    view = viewed(tmp_path, TEXTS)
    vectors = np.random.default_rng(0).normal(size=(12, 96)).astype(np.float16)
    vectors[4] = vectors[0] + np.float16(0.05)

    class Model:
        fingerprint = "a model"

    monkeypatch.setattr(encoder, "find_encoder", lambda name: encoder.Found(Model(), name, None))
    view.manifest["options"] = {"encoder": "folder/model"}
    assert sketched(view).of == WORDS  # nothing was kept: words it is
    sketch_path(view).rename(tmp_path / "away")
    texts = texts_at(view, np.arange(12))
    vector_cache.add(view.folder / "vectors", "a model", vector_cache.text_keys(texts), vectors)
    sketch = sketched(view)
    assert sketch.of == "folder/model"
    found = nearest(view, sketch, 0)
    wanted = (
        vectors[4].astype(float) @ vectors[0] / np.linalg.norm(vectors[4].astype(float)) / np.linalg.norm(vectors[0])
    )
    assert found["position"][0] == 4
    assert found["similarity"][0] == pytest.approx(wanted, abs=0.01)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # what torch and its friends deprecate is theirs to mend
def test_what_a_real_model_kept_is_compared_by_meaning(tmp_path):
    pytest.importorskip("sentence_transformers", reason="needs pip install 'vetset[embed]'")
    folder = os.environ.get("VETSET_ENCODER")
    if not folder:
        pytest.skip("VETSET_ENCODER names no folder with a sentence-transformers model")
    view = viewed(
        tmp_path, ["I forgot my password", "Best pizza in Rome", "How to reset the login code?", "forgot about Rome"]
    )
    view.manifest["options"] = {"encoder": folder}
    encoded = encode(row_texts(view.rows), find_encoder(folder).encoder, cache=view.folder / "vectors")
    sketch = sketched(view)
    assert sketch.of == folder
    found = nearest(view, sketch, 0)
    truth = encoded.vectors[encoded.of_row] @ encoded.vectors[encoded.of_row[0]]
    assert found["similarity"].to_list() == pytest.approx(truth[found["position"].to_numpy()], abs=0.01)


def test_another_process_makes_the_sketch_and_a_page_can_ask_how_far_it_is(tmp_path):
    view = viewed(tmp_path, TEXTS)
    assert not is_made(view)
    assert open_sketch(view) is None
    until = time.monotonic() + 60
    while not (made := ask_sketch(view)).done:
        assert made.said
        assert not made.failed
        assert time.monotonic() < until
        time.sleep(0.1)  # as a page does
    assert open_sketch(view) is not None


def test_what_can_not_be_made_says_so_once_and_is_tried_again_when_asked(tmp_path):
    view = viewed(tmp_path, TEXTS)
    (view.folder / "rows.parquet").write_bytes(b"cut off")
    path = sketch_path(view)
    until = time.monotonic() + 60
    while not (made := ask(view, "sketch", path)).failed:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert "could not be made" in made.said
    assert "Traceback" not in made.said
    assert ask(view, "sketch", path).failed
    assert not ask(view, "sketch", path, again=True).failed


def test_a_sketch_outlives_a_check_and_goes_with_its_rows(tmp_path):
    view = viewed(tmp_path, TEXTS)
    path = make_sketch(view)
    open_view(view.folder)
    assert path.exists()
    again = viewed(tmp_path, [*TEXTS, "one more"], "y")
    for name in ("rows.parquet", "manifest.json"):
        (again.folder / name).replace(view.folder / name)
    now = open_view(view.folder)
    assert sketch_path(now) != path
    assert not path.exists()


def test_a_damaged_sketch_is_as_none(tmp_path):
    view = viewed(tmp_path, TEXTS)
    (make_sketch(view) / "matrix.npy").write_bytes(b"")
    assert open_sketch(view) is None
    assert not is_made(view)


def test_words_left_out_of_some_rows_are_not_counted_for_others():
    sets = Sets(
        np.arange(6, dtype=np.uint64),
        np.array([0, 2, 4]),
        np.array([2, 0, 2]),
        np.zeros((3, 2), np.uint64),
        np.zeros(1, np.uint8),
    )
    assert sketch_words._places(sets).tolist() == [0, 1, 4, 5]


def test_rare_words_weigh_more_than_common_ones():
    weights = rarities_of_words(["a card", "a plane", "a soup", "a card"])
    a, card, plane = (weights[next(iter(words(word))) % weights.size] for word in ("a", "card", "plane"))
    assert a < card < plane


@pytest.mark.slow
def test_most_neighbours_of_a_banks_question_have_its_label(shared, tmp_path):
    read(
        [shared / "bank_intents" / "train.csv", shared / "bank_intents" / "test.csv"],
        out=tmp_path / "bank.vet",
    )
    view = open_view(tmp_path / "bank.vet")
    sketch, labels = sketched(view), view.rows["label"]
    alike_labels = [
        labels[int(other)] == labels[position]
        for position in range(0, view.rows.height, 100)
        for other in nearest(view, sketch, position)["position"]
    ]
    assert np.mean(alike_labels) > 0.6


def test_the_sketch_is_not_searched_where_it_holds_one_line(tmp_path):
    view = viewed(tmp_path, ["only one"])
    assert nearest(view, sketched(view), 0).is_empty()
    assert sketch_room.texts_at(view, np.zeros(0, np.int64)) == []
