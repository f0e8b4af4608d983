"""What differs between two texts, word by word: whole, in any script, and in no more time where both are long."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.review.nearest import word_diff


def both(pieces):
    """The two texts that pieces are of."""
    return tuple("".join(p.text for p in pieces if p.kind in ("equal", side)) for side in ("here", "there"))


@given(st.text(alphabet="ab cé 卡片نُ\n.", max_size=60), st.text(alphabet="ab cé 卡片نُ\n.", max_size=60))
def test_the_pieces_put_together_are_the_texts(a, b):
    pieces = word_diff(a, b)
    assert both(pieces) == (a, b)
    assert all(piece.text for piece in pieces)
    assert word_diff(a, a) == ([] if not a else pieces if a == b else word_diff(a, a))
    assert (a == b) == all(piece.kind == "equal" for piece in pieces)


def test_words_that_differ_are_told_whole():
    told = [(piece.kind, piece.text) for piece in word_diff("send 100 euro today", "send 150 euros today")]
    assert told == [
        ("equal", "send "),
        ("here", "100"),
        ("there", "150"),
        ("equal", " "),
        ("here", "euro"),
        ("there", "euros"),
        ("equal", " today"),
    ]


def test_scripts_without_spaces_are_told_apart_by_characters():
    told = [(piece.kind, piece.text) for piece in word_diff("我的卡被偷了", "我的卡不见了")]
    assert told == [("equal", "我的卡"), ("here", "被偷"), ("there", "不见"), ("equal", "了")]


def test_a_moved_sentence_is_found_between_what_stays():
    pieces = word_diff("alpha beta gamma delta", "gamma delta alpha beta")
    assert both(pieces) == ("alpha beta gamma delta", "gamma delta alpha beta")
    assert any(piece.kind == "equal" and len(piece.text) > 5 for piece in pieces)


def long_pairs():
    draw = random.Random(0)
    vocabulary = [f"w{number}" for number in range(5_000)]
    many = " ".join(draw.choice(vocabulary) for _ in range(35_000))
    yield "other words", many, " ".join(draw.choice(vocabulary) for _ in range(35_000))
    edited = many.split()
    edited[::50] = ["new"] * len(edited[::50])
    yield "edits", many, " ".join(edited)
    yield (
        "two words",
        " ".join(draw.choice("ab") for _ in range(100_000)),
        " ".join(draw.choice("ab") for _ in range(100_000)),
    )
    yield "one word", "a" * 200_000, "a" * 199_999 + "b"
    yield "blanks", " " * 200_000 + "a", "\n" * 200_000
    characters = [chr(0x4E00 + draw.randrange(300)) for _ in range(200_000)]
    yield "characters", "".join(characters), "".join(reversed(characters))
    yield "signs", "!?" * 100_000, "?!!" * 60_000


@pytest.mark.parametrize(("name", "a", "b"), [pytest.param(*pair, id=pair[0]) for pair in long_pairs()])
def test_long_texts_take_no_longer_than_short_ones(name, a, b):
    spent = []
    for _ in range(3):
        before = time.process_time()
        pieces = word_diff(a, b)
        spent.append(time.process_time() - before)
    assert both(pieces) == (a, b), name
    assert min(spent) < 0.06  # 0.02 on a machine of its own


def test_the_rest_of_long_texts_says_that_it_was_not_compared():
    a, b = "x " + "one two three. " * 2_000 + "end", "y " + "four five. " * 2_000 + "stop"
    pieces = word_diff(a, b)
    assert both(pieces) == (a, b)
    assert [piece.kind for piece in pieces if not piece.compared] == ["here", "there"]
