"""What "the same text" means, held against the plain Python definition."""

import re
import sys
import unicodedata

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.text import fold, fold_all, keys, turns


def test_folding_is_nfkc_casefold_no_zero_width_and_single_spaces():
    assert fold(" Ａ\u00a0 ﬁx\u200b\r\nSTRASSE ") == fold("a fix Straße")
    assert fold("ΣΑΣ") == fold("σας")


def test_every_character_that_polars_folds_is_folded_as_python_does():
    alike = re.compile(text._ALIKE)
    characters = [c for c in map(chr, range(sys.maxunicode + 1)) if not 0xD800 <= ord(c) < 0xE000 and alike.match(c)]
    around = [f"x{c} {c}Y" for c in characters]
    assert len(characters) > 30_000
    assert fold_all(pl.Series(around)).to_list() == [fold(one) for one in around]


@given(st.lists(st.none() | st.text(), max_size=20))
def test_folding_many_is_folding_each(texts):
    assert fold_all(pl.Series(texts, dtype=pl.String)).to_list() == [
        None if one is None else fold(one) for one in texts
    ]


@given(st.text(alphabet="aAßΣς ıİ\u0301é\u200d\u3000\t가ㄱ、Ａ１ﬁ한", max_size=30))
def test_folding_agrees_on_characters_that_are_known_to_be_awkward(one):
    assert fold_all(pl.Series([one, "x"])).to_list() == [fold(one), "x"]


def test_folding_twice_changes_nothing_for_composed_text():
    for one in ("Straße ﬁ Ａ", "한국어 テスト", "نصيحه ما"):
        assert fold(fold(one)) == fold(unicodedata.normalize("NFKC", one))


def test_keys_tell_apart_what_is_asked_from_what_is_answered():
    rows = frame(
        [
            {"messages": "hi", "label": "a"},
            {"messages": "HI ", "label": "a"},
            {"messages": "hi", "label": "b"},
            {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "a"}]},
            {"messages": [{"role": "assistant", "content": "hi"}]},
            {"messages": []},
            {"messages": "\u200b ", "label": "a"},
        ]
    )
    found = keys(rows)
    assert found["input"][0] == found["input"][2] == found["input"][3]
    assert found["input"][0] != found["input"][1]
    assert found["input_folded"][0] == found["input_folded"][1]
    assert found["target"][0] == found["target"][1] != found["target"][2]
    assert found["input"][4] is None
    assert found["input"][5] is None
    assert found["target"][5] is None
    assert found["input_empty"].to_list() == [False] * 4 + [True] * 3


def test_the_order_of_turns_matters():
    one = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    other = [one[2], one[1], one[0]]
    found = keys(frame([{"messages": one}, {"messages": other}]))
    assert found["input"][0] != found["input"][1]


def test_keys_do_not_depend_on_how_rows_are_cut_into_chunks(monkeypatch):
    rows = frame([{"messages": f"text {i % 50} Ä", "label": str(i % 3)} for i in range(300)])
    whole = keys(rows)
    monkeypatch.setattr(text, "_CHUNK", 7)
    assert keys(rows).equals(whole)


def test_an_empty_frame_has_no_keys_and_no_turns():
    rows = frame([]).clear()
    assert keys(rows).height == 0
    assert turns(rows).height == 0


def test_the_target_is_the_last_turn_when_the_assistant_speaks_it():
    said = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    flat = turns(frame([{"messages": said}, {"messages": said[:1]}, {"messages": [*said, said[0]]}]))
    assert flat["is_target"].to_list() == [False, True, False, False, False, False]
    assert flat["turn"].to_list() == [0, 1, 0, 0, 1, 2]
