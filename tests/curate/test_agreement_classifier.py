"""The classifier as one more voter on the items of a set: it earns its place, or has no say and says why."""

import json
import re

import numpy as np
import polars as pl
import pytest
from vetset.app.cli import run
from vetset.curate.agreement.agreeing import agree
from vetset.curate.agreement.choosing import choose, ways
from vetset.curate.agreement.classifier import view
from vetset.curate.agreement.votes import gathered
from vetset.curate.embed.encoder import TFIDF, find_encoder

TOPICS = {
    "refund": ["money", "back", "charged", "twice", "refund", "invoice", "paid", "card", "amount"],
    "parcel": ["parcel", "late", "courier", "delivery", "address", "lost", "tracking", "box"],
    "login": ["password", "login", "account", "locked", "code", "email", "sign", "reset"],
}


def lines(errors, items=150, votes=2, seed=0, telling=True):
    """Rows of a source: texts on three topics, each labelled by some annotators with these error rates."""
    random, names = np.random.default_rng(seed), list(TOPICS)
    found = []
    for item in range(items):
        topic = item % 3
        words = TOPICS[names[topic if telling else random.integers(3)]]
        text = " ".join([*random.choice(words, 4, replace=False), f"no{item}"])
        for who in random.choice(len(errors), votes, replace=False):
            wrong = random.random() < errors[who]
            label = names[(topic + wrong * random.integers(1, 3)) % 3]
            found.append({"text": text, "label": label, "annotator": f"ann{who}", "truth": names[topic]})
    return pl.DataFrame(found)


def seen(frame, **options):
    votes = gathered(frame.select(item="text", annotator="annotator", label="label"))
    texts = frame.select(item="text", text="text").unique()
    return votes, view(votes, texts, encoder=find_encoder(TFIDF).encoder, name="words alone", **options)


def right(fitted, votes, frame):
    truth = dict(frame.select("text", "truth").iter_rows())
    return np.mean(
        [votes.labels[at] == truth[item] for at, item in zip(fitted.labels().label, votes.items, strict=True)]
    )


def test_of_two_annotators_a_classifier_tells_who_errs_and_makes_better_labels():
    frame = lines([0.05, 0.4])
    votes, found = seen(frame)
    able = ways(votes, shares=found.shares)
    assert (
        right(able["Dawid-Skene with the classifier"](votes), votes, frame)
        > right(able["majority"](votes), votes, frame) + 0.1
    )
    result = agree(votes, shares=found.shares, wrong=found.wrong, draws=0)
    assert result.choice.method == "Dawid-Skene with the classifier"
    rates = dict(result.annotators.select("annotator", "rate").iter_rows())
    assert rates["ann0"] < 0.2 < rates["ann1"]
    assert not any("of two annotators" in note for note in result.notes)


def test_texts_that_say_nothing_of_the_labels_leave_the_classifier_no_say():
    votes, found = seen(lines([0.1, 0.2], telling=False))
    assert found.shares is None or choose(votes, shares=found.shares).method == "majority"
    alike = gathered(pl.DataFrame({"item": list("abcd"), "annotator": list("xyxy"), "label": list("ppqq")}))
    few = view(alike, pl.DataFrame({"item": list("abcd"), "text": ["one", "two", "", None]}),
               encoder=find_encoder(TFIDF).encoder, name="words alone")  # fmt: skip
    assert (few.shares, few.wrong) == (None, None)
    assert few.notes[-1].startswith("no classifier has a say: ")


def test_the_votes_on_an_item_have_no_part_in_what_the_classifier_says_of_it():
    frame = lines([0.0, 0.0], items=90)
    first = frame["text"][0]
    turned = frame.with_columns(label=pl.when(pl.col("text") == first).then(pl.lit("login")).otherwise("label"))
    for some in (frame, turned):
        votes, found = seen(some)
        assert votes.labels[found.shares[votes.items.index(first)].argmax()] == "refund"


def test_an_item_without_a_text_has_no_view_and_every_order_of_rows_the_same():
    frame = lines([0.1, 0.3]).with_row_index().with_columns(
        text=pl.when(pl.col("text") == pl.col("text").first()).then(pl.lit(" ")).otherwise("text")
    )  # fmt: skip
    votes = gathered(
        frame.select(item="text", annotator="annotator", label="label").with_columns(
            pl.col("item").replace(" ", "blank")
        )
    )
    texts = frame.select(item=pl.col("text").replace(" ", "blank"), text="text").unique(maintain_order=True)
    one, other = (
        view(votes, some, encoder=find_encoder(TFIDF).encoder, name="words alone") for some in (texts, texts.reverse())
    )
    assert (one.shares[votes.items.index("blank")] == 0).all()
    assert np.isnan(one.wrong[votes.item == votes.items.index("blank")]).all()
    others = np.delete(one.shares, votes.items.index("blank"), axis=0)
    assert others.sum(axis=1) == pytest.approx(1)
    assert (one.shares == other.shares).all()


def test_a_set_is_asked_without_an_option_and_a_file_can_t_be(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines([0.05, 0.4]).write_csv("rows.csv")
    run(["read", "rows.csv"])
    capsys.readouterr()
    assert run(["agree", "rows.vet", "--gold", "truth", "--draws", "0"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "a classifier (words alone) of 150 texts has a say" in page
    assert "one label an item by Dawid-Skene with the classifier" in page
    assert "ann1" in page
    assert run(["agree", "rows.vet", "--no-classifier", "--json", "--draws", "0"]) == 0
    assert json.loads(capsys.readouterr().out)["aggregation"]["method"] == "majority"
    assert run(["agree", "rows.csv", "--encoder", "x"]) == 64
    assert "--encoder needs a set" in capsys.readouterr().err


def test_where_no_item_has_two_votes_the_classifier_tells_who_errs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines([0.02, 0.02, 0.4], items=240, votes=1).write_csv("rows.csv")
    run(["read", "rows.csv"])
    capsys.readouterr()
    assert run(["agree", "rows.vet"]) == 0
    page = capsys.readouterr().out
    assert "errors are told by the classifier" in " ".join(page.split())
    people = [line.split()[0] for line in page.splitlines() if re.match("ann[0-9].*%", line)]
    assert people[0] == "ann2"
    assert len(people) == 3
