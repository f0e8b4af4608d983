"""What a set holds of what it should: balance of the labels, negatives, openers, edge cases."""

import json

import pytest
from vetset.curate.checking import check
from vetset.curate.coverage.balance import find_unknown_labels, label_figures, opener_figures
from vetset.curate.coverage.edge_cases import edge_case_figures, edge_cases
from vetset.curate.coverage.sentences import balance_sentence, edge_case_sentence
from vetset.curate.coverage.slips import slips
from vetset.curate.coverage.wanted import EdgeCase, Wanted, load
from vetset.curate.dataset import frame
from vetset.curate.errors import UsageError
from vetset.curate.findings import SCHEMA
from vetset.curate.reading.reader import read
from vetset.curate.vetset_toml import settings_file


def labelled(*labels, split=None):
    return frame([{"messages": f"text {n}", "label": label, "split": split} for n, label in enumerate(labels)])


def texts(*inputs, **more):
    return frame([{"messages": text, **more} for text in inputs])


def rows_of(case, rows):
    return edge_cases(rows, Wanted((case,)))[0].rows


def asked(tmp_path, text):
    path = tmp_path / "vetset.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


# Balance


def test_counts_ratio_and_the_effective_number_of_labels_are_those_of_a_hand_count():
    figures = label_figures(labelled(*"a" * 8, *"b" * 8, "c", None), Wanted())
    assert (figures["rows"], figures["unlabelled"], figures["labels"], figures["single"]) == (17, 1, 3, 1)
    assert figures["counts"] == {"a": 8, "b": 8, "c": 1}
    assert figures["ratio"] == 8
    assert figures["effective"] == pytest.approx(17 / (8 ** (16 / 17)), abs=0.01)


def test_labels_of_equal_size_are_as_many_in_effect():
    assert label_figures(labelled(*"abcd" * 5), Wanted())["effective"] == 4


def test_labels_that_are_answers_are_not_counted_as_classes():
    figures = label_figures(labelled(*[str(n) for n in range(100)]), Wanted())
    assert figures == {"rows": 100, "unlabelled": 0, "labels": 100, "classes": False}
    assert "answers, not classes" in balance_sentence(figures)


def test_a_label_that_a_split_lacks_is_named_and_a_split_too_small_for_all_is_not_asked():
    train = labelled(*"aaabbbcccc", split="train")
    assert label_figures(train.vstack(labelled(*"aaabbbaa", split="test")), Wanted())["absent"] == {"test": ["c"]}
    assert label_figures(train.vstack(labelled(*"aab", split="test")), Wanted())["absent"] == {}
    assert label_figures(train.vstack(labelled(*"ddddaabbcc", split="test")), Wanted())["absent"] == {"train": ["d"]}


def test_negatives_are_known_by_name_in_any_writing_or_as_the_user_calls_them():
    rows = labelled("a", "b", "b", "Out-of-Scope")
    assert label_figures(rows, Wanted())["negative"]["labels"] == ["Out-of-Scope"]
    assert label_figures(rows, Wanted(negative=("b",)))["negative"] == {
        "named": ["b"], "labels": ["b"], "rows": 2, "share": 0.5,
    }  # fmt: skip
    told = balance_sentence(label_figures(rows, Wanted(negative=("chitchat",))))
    assert "no row of 'chitchat', the label of negatives" in told


def test_a_sentiment_is_no_negative_and_a_no_is():
    assert label_figures(labelled("positive", "neutral", "negative"), Wanted())["negative"]["rows"] == 0
    assert label_figures(labelled("spam", "ham", "ham"), Wanted())["negative"]["labels"] == ["ham"]


def test_a_label_that_should_not_be_there_is_found_and_a_misspelt_one_is_mended():
    wanted = Wanted(expected=("refund", "cancel"))
    found = find_unknown_labels(labelled("refund", "refnd", "chitchat", None), wanted)
    assert found["suggest"].to_list() == ["relabel", "review"]
    assert found["value"].to_list() == ["refund", None]
    assert (
        found["note"][0] == "The label 'refnd' is none of the 2 that are expected; 'refund' is written almost like it."
    )
    assert label_figures(labelled("refund", "refnd"), wanted)["missing"] == ["cancel"]


def test_nothing_is_found_where_nothing_is_expected_or_all_is_as_expected():
    for rows, wanted in ((labelled("a", "b"), Wanted()), (labelled("a", None), Wanted(expected=("a",)))):
        found = find_unknown_labels(rows, wanted)
        assert found.is_empty()
        assert found.schema == SCHEMA


def test_openers_are_counted_over_conversations_only():
    def talk(first):
        turns = (("user", first), ("assistant", "x"), ("user", "y"))
        return {"messages": [{"role": role, "content": content} for role, content in turns]}

    rows = frame([talk("Hi"), talk("hi "), talk("my card is lost"), {"messages": "hi"}])
    openers = opener_figures(rows)["openers"]
    assert (openers["rows"], openers["distinct"], openers["top"]["hi"]) == (3, 2, 2)
    assert "67% of 3 conversations begin with 'hi'" in balance_sentence(opener_figures(rows))
    assert opener_figures(texts("hi", "hi")) == {}


def test_empty_and_single_row_sets_have_nothing_to_balance():
    assert label_figures(frame([]), Wanted()) == {}
    assert balance_sentence({}) == ""
    assert "nothing to tell apart" in balance_sentence(label_figures(labelled("a"), Wanted()))
    assert edge_case_figures(frame([]), Wanted()) == {}
    assert edge_cases(frame([]), Wanted((EdgeCase("x", any=("a",)),)))[0].rows == 0


def test_many_labels_make_small_figures():
    names = [f"label {n}" for n in range(2_000) for _ in range(3)]
    figures = label_figures(labelled(*names), Wanted())
    assert figures["labels"] == 2_000
    assert len(figures["counts"]) == 200


def test_secrets_in_labels_and_openers_are_masked():
    said = balance_sentence(label_figures(labelled("ann@example.com", "b", "c"), Wanted()))
    assert "ann@" not in said


# Edge cases


def test_words_start_at_words_and_go_on_and_case_does_not_count():
    rows = texts("Refunds please", "prerefund", "a REFUND", "money  back")
    assert rows_of(EdgeCase("x", any=("refund",)), rows) == 2
    assert rows_of(EdgeCase("x", any=("refund", "Money Back")), rows) == 3
    assert rows_of(EdgeCase("x", any=("refund",), none=("please",)), rows) == 1
    assert rows_of(EdgeCase("x", all=("refund", "please")), rows) == 1


def test_words_of_scripts_without_blanks_stand_anywhere():
    rows = texts("我要退款谢谢", "أريد الاسترداد", "退货")
    assert rows_of(EdgeCase("x", any=("退款",)), rows) == 1
    assert rows_of(EdgeCase("x", any=("استرداد",)), rows) == 1


def test_signs_in_a_word_are_signs_and_no_expression():
    assert rows_of(EdgeCase("x", any=("a.b",)), texts("a.b", "axb")) == 1
    assert rows_of(EdgeCase("x", any=("c++ (new)",)), texts("C++ (new) book", "cc new")) == 1


def test_pattern_script_length_and_label_hold_together():
    rows = frame([{"messages": f"order {n} {'x' * n}", "label": "ab"[n % 2]} for n in range(10)])
    assert rows_of(EdgeCase("x", pattern=r"order [0-4]\b"), rows) == 5
    assert rows_of(EdgeCase("x", pattern=r"order [0-4]\b", label=("a",)), rows) == 3
    assert rows_of(EdgeCase("x", min_length=len("order 9 ") + 9), rows) == 1
    assert rows_of(EdgeCase("x", max_length=len("order 0 ")), rows) == 1
    mixed = texts("привет мир", "hello мир ok", "你好", "12", "")
    assert rows_of(EdgeCase("x", script="cyrillic"), mixed) == 1
    assert rows_of(EdgeCase("x", script="han"), mixed) == 1
    assert rows_of(EdgeCase("x", max_length=5), mixed) == 2  # an empty input meets nothing


def test_the_input_is_looked_at_and_the_answer_is_not():
    talk = {"messages": [{"role": "system", "content": "refund bot"}, {"role": "user", "content": "hi"},
                         {"role": "assistant", "content": "refund"}]}  # fmt: skip
    assert rows_of(EdgeCase("x", any=("refund",)), frame([talk])) == 0


def test_what_a_split_lacks_is_told_and_what_is_there_is_not():
    rows = frame([{"messages": f"refund {n}", "split": "train" if n else "test"} for n in range(5)])
    case = EdgeCase("late refund", any=("refund",), at_least={"train": 4, "test": 3, "dev": 1})
    figures = edge_case_figures(rows, Wanted((case,), file="vetset.toml"))
    assert figures["cases"][0]["lacking"] == {"test": 1, "dev": 0}
    assert figures["cases"][0]["splits"] == {"test": 1, "train": 4}
    assert (
        edge_case_sentence(figures)
        == "lacking: 'late refund' 1 of 3 in test, 0 of 1 in dev, which is no split of this set"
    )
    enough = edge_case_figures(rows, Wanted((EdgeCase("r", any=("refund",), at_least=5),)))
    assert enough["lacking"] == 0
    assert edge_case_sentence(enough) == "met (rows): 'r' 5"


def test_a_set_that_was_not_split_yet_is_told_how_many_rows_meet_a_case():
    case = EdgeCase("refund", any=("refund",), at_least={"train": 50})
    figures = edge_case_figures(texts(*[f"refund {n}" for n in range(340)]), Wanted((case,)))
    assert edge_case_sentence(figures) == "lacking: 'refund' in 340 rows and no split yet, 50 asked in train"


def test_what_a_file_names_and_the_set_lacks_is_told():
    rows = frame([{"messages": f"t {n}", "label": "a", "extra": '{"version":1,"meta":{"url":"x"}}'} for n in range(3)])
    good = Wanted((EdgeCase("x", label=("a",)),), drift=("version", "meta.url"))
    assert slips(good, rows) == []
    assert slips(Wanted((EdgeCase("x", label=("a", "b")),), drift=("nope",)), rows) == [
        "[labels] drift: no row has a column 'nope', so nothing is looked for along it",
        "edge case 'x': no row has the label 'b'",
    ]
    assert slips(good, rows.clear()) == []


def test_a_nested_pattern_takes_no_minutes():
    assert rows_of(EdgeCase("x", pattern=r"^(a+)+$"), texts("a" * 50_000 + "b", "aaa")) == 1


# vetset.toml


def test_a_file_with_every_key_is_read_and_written_down_and_read_again(tmp_path):
    wanted = asked(
        tmp_path,
        r"""
        [policy]
        quality = "wait"
        [labels]
        expected = ["refund", "none"]
        negative = "none"
        [[coverage.edge_cases]]
        name = "all keys"
        any = "one"
        all = ["two"]
        none = ["three"]
        pattern = '\d+'
        label = ["refund", "none"]
        script = "Latin"
        min_length = 1
        max_length = 10
        at_least = {train = 20, test = 5}
        """,
    )
    assert wanted.edge_cases[0] == EdgeCase(
        "all keys", ("one",), ("two",), ("three",), r"\d+", ("refund", "none"), "latin", 1, 10, {"train": 20, "test": 5}
    )
    assert (wanted.expected, wanted.negative) == (("refund", "none"), ("none",))
    assert wanted.sentence == "1 edge case, 2 labels, negatives called 'none'"
    assert Wanted.given(json.loads(json.dumps(wanted.said()))) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "is not TOML"),
        ("labels = 3", "[labels] is '3'; make it a table"),
        ("[labels]\nexpectd = []", "[labels] 'expectd' is no setting; there is expected, negative, drift"),
        ("[labels]\nexpected = 3", "[labels] expected is '3'; give a text or a list"),
        ("[labels]\nexpected = [3]", "[labels] expected is '[3]'; give a text or a list"),
        ("[coverage]\nedge_cases = 3", "begin each case with [[coverage.edge_cases]]"),
        ("[coverage.edge_cases]\nname = 'x'", "begin each case with [[coverage.edge_cases]]"),
        ("[[coverage.edge_cases]]\nany = ['x']", "[[coverage.edge_cases]] 1 has no name"),
        ("[[coverage.edge_cases]]\nname = 'x'", "1 ('x') asks for nothing"),
        ("[[coverage.edge_cases]]\nname = 'x'\nword = 'a'", "'word' is no setting; there is name, any"),
        ("[[coverage.edge_cases]]\nname = 'x'\nany = ['\u200b']", "has no visible character"),
        ("[[coverage.edge_cases]]\nname = 'x'\npattern = '(a'", "unclosed group"),
        ("[[coverage.edge_cases]]\nname = 'x'\npattern = '(?=a)'", "look-around"),
        ("[[coverage.edge_cases]]\nname = 'x'\npattern = '(\\w{1,1000}){1,1000}'", "no regular expression"),
        ("[[coverage.edge_cases]]\nname = 'x'\npattern = ''", "give a regular expression of 1 to"),
        ("[[coverage.edge_cases]]\nname = 'x'\nscript = 'klingon'", "'klingon' is no script"),
        ("[[coverage.edge_cases]]\nname = 'x'\nmin_length = '3'", "min_length is '3'; give a whole number, 0 or more"),
        ("[[coverage.edge_cases]]\nname = 'x'\nmin_length = true", "min_length is 'True'; give a whole number"),
        ("[[coverage.edge_cases]]\nname = 'x'\nmin_length = 3\nmax_length = 2", "swap them"),
        ("[[coverage.edge_cases]]\nname = 'x'\nany = 'a'\nat_least = -1", "at_least is '-1'"),
        ("[[coverage.edge_cases]]\nname = 'x'\nany = 'a'\nat_least = {test = 'all'}", "at_least.test is 'all'"),
        (
            "[[coverage.edge_cases]]\nname = 'x'\nany = 'a'\n[[coverage.edge_cases]]\nname = 'x'\nany = 'b'",
            "rename one",
        ),
    ],
)
def test_a_wrong_key_or_value_is_refused_in_a_sentence_that_names_it(tmp_path, text, said):
    with pytest.raises(UsageError) as error:
        asked(tmp_path, text)
    assert said in str(error.value)
    assert "vetset.toml" in str(error.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="can't be read"):
        load(tmp_path / "none.toml")


def test_the_named_file_goes_before_that_of_the_folder_and_that_before_the_one_beside_the_set(tmp_path, monkeypatch):
    there = tmp_path / "sets"
    there.mkdir()
    monkeypatch.chdir(tmp_path)
    assert settings_file(None, there / "x.vet") is None
    (there / "vetset.toml").touch()
    assert settings_file(None, there / "x.vet") == there / "vetset.toml"
    (tmp_path / "vetset.toml").touch()
    assert str(settings_file(None, there / "x.vet")) == "vetset.toml"
    assert str(settings_file("other.toml", there / "x.vet")) == "other.toml"


def test_a_check_keeps_what_it_was_told_for_the_next_one(tmp_path):
    (tmp_path / "t.csv").write_text("text,label\n" + "".join(f"refund {n},a\n" for n in range(30)))
    dataset = read([tmp_path / "t.csv"], tmp_path / "t.vet").dataset
    assert "coverage.edge_case" not in check(dataset, select=["coverage"]).figures
    wanted = Wanted((EdgeCase("r", any=("refund",), at_least=40),))
    first = check(dataset, select=["coverage"], wanted=wanted)
    assert first.figures["coverage.edge_case"]["lacking"] == 1
    assert first.blocking == []
    again = check(type(dataset).open(dataset.folder), select=["coverage"])
    assert again.figures["coverage.edge_case"] == first.figures["coverage.edge_case"]


def test_bank_intents_are_balanced_and_have_no_negatives(shared, tmp_path):
    rows = read([shared / "bank_intents"], tmp_path / "b.vet").dataset.rows
    figures = label_figures(rows, Wanted())
    assert (figures["labels"], figures["rows"], figures["ratio"]) == (77, 13_083, pytest.approx(3.03, abs=0.01))
    assert figures["effective"] == pytest.approx(75.5, abs=0.1)
    assert figures["absent"] == {}
    assert figures["negative"]["rows"] == 0


def test_support_chats_have_labels_that_train_lacks_and_negatives(shared, tmp_path):
    rows = read([shared / "support_chat"], tmp_path / "c.vet").dataset.rows
    figures = label_figures(rows, Wanted())
    assert figures["absent"]["train"] == ["openaccount", "checkbalance<div>disputecharge"]
    assert figures["negative"]["labels"] == ["outofdomain"]
    assert edge_cases(rows, Wanted((EdgeCase("x", any=("refund",)),)))[0].splits == {"dev": 1, "test": 1, "train": 4}
