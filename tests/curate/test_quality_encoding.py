"""quality.encoding: what a wrong decoder or a scraper left in a text."""

import json

import pytest
from vetset.curate import findings, text
from vetset.curate.dataset import frame
from vetset.curate.quality.encoding_faults import find_encoding, zero_width_rows


def found_in(*texts):
    rows = frame([{"messages": one} for one in texts])
    return rows, find_encoding(rows, text.turns(rows))


def texts(found):
    """The mended text in each edit; every text here is one user message."""
    return [None if value is None else json.loads(value)[0]["content"] for value in found["value"]]


def garbled(text, wrong="cp1252"):
    return text.encode().decode(wrong)


FAULTS = {
    garbled("don’t worry"): ("text decoded as another encoding", "don’t worry"),
    garbled("le café"): ("text decoded as another encoding", "le café"),
    garbled("привет", "latin-1"): ("text decoded as another encoding", "привет"),
    garbled("Привет мир", "cp1251"): ("text decoded as another encoding", "Привет мир"),
    garbled("schön", "mac_roman"): ("text decoded as another encoding", "schön"),
    "broken \ufffd\ufffd here": ("2 replacement characters", None),
    "锟斤拷 everywhere": ("1 replacement character", None),
    "a\x00b\x1bc": ("2 control characters", "abc"),
    "the formula \x0crac{1}{2}": ("1 control character", None),
    "Tom &amp; Jerry &#39;s": ("2 HTML entities", "Tom & Jerry 's"),
    "one<br>two<br/>three</p>": ("3 HTML tags", None),
    "zero\u200bwidth\ufeff": ("2 zero-width characters", "zerowidth"),
    "latin\u200dletters": ("1 zero-width character", "latinletters"),
}


@pytest.mark.parametrize(("text", "told"), FAULTS.items())
def test_each_kind_of_fault_is_found_and_mended_where_it_can_be(text, told):
    words, mended = told
    _, found = found_in(text)
    assert found.schema == findings.SCHEMA
    assert words in found["note"][0]
    assert texts(found) == [mended]
    assert found["suggest"].to_list() == ["review" if mended is None else "edit"]


CLEAN = (
    "Le café «d’à côté» — déjà vu… “où”",
    "привет «мир» — ок №1",
    "日本語、中文。한국어",
    "Größe ÄÖÜ ÀÉÎÕÜ NAÏVE CAFÉ™ 100 µm ± 2 °C ½ × ¾",
    "¿Qué? ¡Sí! Señor’s “año” SÃO PAULO É",
    "Tiếng Việt rất đẹp, ΓΕΙΑ ΣΑΣ",
    "tabs\tand\r\nlines",
    "👨\u200d👩\u200d👧 ❤️\u200d🔥 🏳️\u200d🌈 🙇🏻\u200d♀️",
    "می\u200cخواهم کتاب\u200cها",
    "क्\u200dष न्\u200c ශ්\u200dරී",
    "שלום \u200fعليكم\u200e",
    "AT&T; Q&A; a && b",
    "x < p > y, List<b>, 3 <4",
)


@pytest.mark.parametrize("text", CLEAN)
def test_true_text_in_any_script_is_left_alone(text):
    assert found_in(text)[1].is_empty()


@pytest.mark.parametrize(
    "text", ["In HTML, use <br> and &amp;.", "```\n<p>&lt;</p>\n```", "<!DOCTYPE html><p>x</p>", "网页里写<br>"]
)
def test_markup_is_meant_in_rows_about_markup(text):
    assert found_in(text)[1].is_empty()


def test_markup_in_the_answer_is_meant_when_the_question_asks_for_it():
    messages = [{"role": "user", "content": "Write HTML"}, {"role": "assistant", "content": "<p>a &amp; b</p>"}]
    rows = frame([{"messages": messages}])
    assert find_encoding(rows, text.turns(rows)).is_empty()


def test_a_mended_text_is_given_for_a_single_message_only():
    bad = {"role": "user", "content": "a\u200bb"}
    good = {"role": "assistant", "content": "c"}
    rows = frame([{"messages": [bad, good]}, {"messages": [bad, {**bad, "role": "assistant"}]}])
    found = find_encoding(rows, text.turns(rows))
    assert texts(found) == ["ab", None]
    assert found["note"].to_list() == ["Holds 1 zero-width character.", "Holds 2 zero-width characters."]


def test_a_rejected_reply_is_looked_at_and_never_mended_in_place_of_a_message():
    rows = frame([{"messages": "fine", "rejected": "bad \ufffd"}, {"messages": "fine", "rejected": "a\u200bb"}])
    found = find_encoding(rows, text.turns(rows))
    assert found["id"].to_list() == rows["id"].to_list()
    assert found["value"].to_list() == [None, None]


def test_an_encoding_that_cannot_be_told_is_found_and_not_mended():
    _, found = found_in("中国人民".encode("gbk").decode("latin-1"))
    assert found.height == 1
    assert found["value"].to_list() == [None]


def test_mending_keeps_joiners_that_are_spelling():
    _, found = found_in("می\u200cخواهم\u200b و 👩\u200d🚀\ufeff")
    assert texts(found) == ["می\u200cخواهم و 👩\u200d🚀"]


def test_the_worst_kind_sets_the_score_and_all_are_named():
    _, found = found_in("x \ufffd &amp; <br>\u200b")
    assert found["score"].to_list() == [0.8]
    assert found["note"][0] == "Holds 1 replacement character, 1 HTML entity, 1 HTML tag, 1 zero-width character."


def test_no_rows_and_order():
    assert found_in()[1].is_empty()
    rows, found = found_in(*[f"{n}\u200b" if n % 2 else f"{n}" for n in range(20)])
    assert found["id"].to_list() == rows["id"].to_list()[1::2]
    assert found.equals(find_encoding(rows, text.turns(rows)))


def test_zero_width_rows_are_counted_with_those_that_are_spelling():
    rows = frame(
        [{"messages": one} for one in ("a\u200bb", "می\u200cخواهم", "می\u200cخواهم\u200b", "plain", "👩\u200d🚀")]
    )
    assert zero_width_rows(rows, text.turns(rows)) == {"rows": 4, "faults": 2, "spelling": 2}
