"""The command ``vetset agree``: what it prints, what it guesses, what it writes, and how it says no."""

import json

import polars as pl
import pytest
from vetset.app.cli import run

VOTES = "item,worker,vote\n" + "".join(
    f"t{item},{who},{'abc'[(item + (who == 'cy' and item % 3 == 0)) % 3]}\n"
    for item in range(30)
    for who in ("al", "bo", "cy")
)


@pytest.fixture
def votes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "votes.csv").write_text(VOTES, encoding="utf-8")
    return tmp_path


def answer(capsys, *arguments):
    assert run(["agree", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *arguments, code=64):
    assert run(["agree", *arguments]) == code
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_a_long_file_needs_no_option_and_the_guess_is_told(votes, capsys):
    assert run(["agree", "votes.csv"]) == 0
    page = capsys.readouterr().out
    assert "90 votes of 3 annotators on 30 items with 3 labels; 30 have two votes or more" in " ".join(page.split())
    for guess in ("annotator: 'worker', by its name", "label: 'vote', by its name", "item: 'item', by its name"):
        assert guess in page
    assert "Krippendorff's alpha (nominal): 0.6577" in page
    assert "cy            30   29.9%" in page
    assert "nan" not in page.lower()


def test_the_machine_output_holds_all(votes, capsys):
    found = answer(capsys, "votes.csv", "--seed", "3", "--draws", "200")
    assert (found["items"], found["votes"], found["seed"], found["level"]) == (30, 90, 3, "nominal")
    assert set(found["coefficients"]) == {"fleiss_kappa", "krippendorff_alpha"}
    assert found["annotators"][0]["annotator"] == "cy"
    assert len(found["pairs"]) == 3
    assert found["aggregation"]["sentence"].startswith(found["aggregation"]["method"])
    assert answer(capsys, "votes.csv", "--seed", "3", "--draws", "200") == found


def test_labels_are_written_with_their_confidence(votes, capsys):
    assert run(["agree", "votes.csv", "-o", "labels.csv"]) == 0
    assert "labels.csv: 30 labels written" in capsys.readouterr().out
    labels = pl.read_csv("labels.csv")
    assert labels.height == 30
    assert labels["confidence"].is_between(0, 1).all()
    assert labels.filter(pl.col("item") == "t0")["label"].item() == "a"
    assert "labels.txt" in refusal(capsys, "votes.csv", "-o", "labels.txt")


def test_gold_may_stand_in_another_file(votes, capsys):
    gold = "".join(f"t{item},{'abc'[item % 3]}\n" for item in range(20))
    (votes / "gold.csv").write_text("item,truth\n" + gold, encoding="utf-8")
    found = answer(capsys, "votes.csv", "--gold", "gold.csv:truth")
    assert found["aggregation"]["gold_items"] == 20
    assert found["aggregation"]["right"]["majority"] == 1.0
    assert "no column 'nothing'" in refusal(capsys, "votes.csv", "--gold", "gold.csv:nothing")
    assert "no column 'truth'" in refusal(capsys, "votes.csv", "--gold", "truth")


def test_columns_may_hold_one_annotator_each(votes, capsys):
    records = [{"text": f"t{n}", "one": ["low", "high"][n % 2], "two": ["low", "high"][(n + n % 5 // 4) % 2], "gold": "low"}
               for n in range(40)]  # fmt: skip
    (votes / "wide.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    found = answer(capsys, "wide.jsonl", "--votes", "one,two", "--gold", "gold", "--order", "low,mid,high")
    assert (found["level"], found["labels"], found["items"]) == ("ordinal", ["low", "high"], 40)
    assert found["pairs"][0]["differ"] == 8
    assert found["pairs"][0]["kappa"] == pytest.approx(0.6)
    assert found["aggregation"]["gold_items"] == 40
    assert "two columns or more" in refusal(capsys, "wide.jsonl", "--votes", "one")
    assert "no column 'three'" in refusal(capsys, "wide.jsonl", "--votes", "one,three")
    assert "leaves out 'high'" in refusal(capsys, "wide.jsonl", "--votes", "one,two", "--order", "low,mid")


def test_a_set_whose_rows_name_their_annotators(votes, capsys):
    lines = [{"text": text, "label": label, "annotator": who, "note": "p"} for text, label, who in (
        ("Hello", "p", "x"), ("hello ", "q", "y"), ("Bye", "p", "x"), ("bye", "p", "y"), ("alone", "p", "x"))]  # fmt: skip
    (votes / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    run(["read", "rows.jsonl"])
    capsys.readouterr()
    found = answer(capsys, "rows.vet")
    assert (found["items"], found["shared"], found["votes"]) == (3, 2, 5)
    assert found["pairs"][0]["differ"] == 1
    assert answer(capsys, "rows.vet", "--votes", "label,note")["items"] == 5
    assert "is a set" in refusal(capsys, "rows.vet", "--item", "text")


def test_a_set_of_which_nobody_says_who_labelled_it(votes, capsys):
    (votes / "plain.csv").write_text("text,label\nhello,a\nbye,b\n", encoding="utf-8")
    run(["read", "plain.csv"])
    capsys.readouterr()
    assert "--annotator COLUMN" in refusal(capsys, "plain.vet")


def test_items_that_only_one_labelled_have_no_agreement_and_a_way_on(votes, capsys):
    (votes / "alone.csv").write_text("id,annotator,label\n1,x,a\n2,y,b\n3,z,a\n", encoding="utf-8")
    assert run(["agree", "alone.csv"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "no item was labelled by two annotators" in page
    assert "vetset check" in page


def test_degenerate_votes_say_a_sentence_and_never_nan(votes, capsys):
    for name, body, expected in (
        ("alike", "1,x,a\n1,y,a\n2,x,a\n2,y,a\n", "not defined: all give one label"),
        ("one", "1,x,a\n1,y,b\n", "no interval: every draw"),
        ("single", "1,x,a\n2,x,b\n", "no item was labelled by two"),
    ):
        (votes / f"{name}.csv").write_text("id,annotator,label\n" + body, encoding="utf-8")
        assert run(["agree", f"{name}.csv"]) == 0
        page = " ".join(capsys.readouterr().out.split())
        assert expected in page
        assert "nan" not in page.lower()
    (votes / "none.csv").write_text("id,annotator,label\n1,x,\n2,y,\n", encoding="utf-8")
    assert run(["agree", "none.csv"]) in (64, 65)
    assert "label" in capsys.readouterr().err


def test_columns_that_can_t_be_guessed_are_asked_for(votes, capsys):
    (votes / "odd.csv").write_text("a,b,c\n1,x,p\n", encoding="utf-8")
    assert "--annotator" in refusal(capsys, "odd.csv")
    assert "no such file" in refusal(capsys, "nothing.csv")
    assert "needs numbers" in refusal(capsys, "votes.csv", "--level", "interval")


def test_what_stands_in_names_and_labels_is_no_command_to_the_terminal(votes, capsys):
    lines = "".join(f"{n},{who},\x1b[31m{'ab'[(n + (who == 'z@example.com' and n % 2)) % 2]}\n" for n in range(40)
                    for who in ("x\x1b[2J", "y", "z@example.com"))  # fmt: skip
    (votes / "odd.csv").write_text("id,annotator,label\n" + lines, encoding="utf-8")
    run(["agree", "odd.csv"])
    page = capsys.readouterr().out
    assert "\x1b" not in page
    assert "example.com" not in page
    assert "[mail address] 3" in page


def test_a_broken_line_is_passed_over_and_told(votes, capsys):
    whole = [json.dumps({"item": n, "annotator": who, "label": "ab"[n % 2]}) for n in range(30) for who in ("x", "y")]
    (votes / "cut.jsonl").write_text("\n".join([*whole, "[1]", '{"item": 9, "annot']), encoding="utf-8")
    found = answer(capsys, "cut.jsonl")
    assert found["votes"] == 60
    assert any("2 records can't be read" in note for note in found["guessed"])


def test_who_gives_every_item_several_labels_has_no_vote_and_is_told_why(votes, capsys):
    (votes / "both.csv").write_text("item,annotator,label\n1,a,x\n1,a,y\n", encoding="utf-8")
    assert "several labels" in refusal(capsys, "both.csv", code=65)


def test_a_refusal_masks_what_it_names_of_the_data(votes, capsys):
    lines = "".join(f"{n},{who},{label}\n" for n in range(4) for who, label in (("x", "bob@example.com"), ("y", "5")))
    (votes / "mail.csv").write_text("item,annotator,label\n" + lines, encoding="utf-8")
    (votes / "gold.csv").write_text(f"item,truth\nbob@example.com {'long ' * 100},5\n", encoding="utf-8")
    for options in (("--level", "ordinal"), ("--level", "interval"), ("--order", "5,6"), ("--gold", "gold.csv:truth")):
        said = refusal(capsys, "mail.csv", *options)
        assert "[mail address]" in said
        assert "example.com" not in said
        assert len(said) < 320
