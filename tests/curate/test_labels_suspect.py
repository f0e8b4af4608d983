"""Labels that are probably wrong (labels.suspect), and texts that two labels fit (labels.ambiguous)."""

import json
import os
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from vetset.app.cli import run
from vetset.curate.dataset import frame
from vetset.curate.embed.encoder import find_encoder
from vetset.curate.embed.encoding import encode
from vetset.curate.embed.tfidf import tfidf_vectors
from vetset.curate.findings import SCHEMA
from vetset.curate.labels.ambiguous import between, find_ambiguous
from vetset.curate.labels.judged import judge_labels
from vetset.curate.labels.labelled import from_arrays, labelled
from vetset.curate.labels.suspect import find_suspect, suspects

WORDS = {
    "card": "card lost stolen block replace plastic chip pin",
    "loan": "loan borrow interest repay debt mortgage rate lend",
    "fees": "fee charge cost price bill charged extra payment",
    "travel": "abroad travel currency exchange country foreign trip euro",
}


def topical(each=40, *, wrong=(), seed=0):
    """Texts that say what their label is; those at ``wrong`` have the next label."""
    draw, names = np.random.default_rng(seed), list(WORDS)
    pairs = []
    for n in range(each * len(names)):
        at = n % len(names)
        text = " ".join(draw.choice(WORDS[names[at]].split(), 5)) + f" please {n}"
        pairs.append((text, names[(at + (n in wrong)) % len(names)]))
    return pairs


def judged_rows(pairs, **more):
    rows = frame([{"messages": text, "label": label, **more} for text, label in pairs])
    return rows, judge_labels(labelled(rows, encoder=tfidf_vectors), rows)


def average_precision(wrong, score):
    hit = np.asarray(wrong)[np.argsort(-score, kind="stable")]
    return float((hit * hit.cumsum() / np.arange(1, hit.size + 1)).sum() / hit.sum())


def test_planted_errors_are_found_with_the_right_label_and_a_reason():
    wrong = (5, 22, 63, 100)
    rows, judged = judged_rows(topical(wrong=wrong))
    found = find_suspect(rows, judged)
    assert found.schema == SCHEMA
    assert set(found["id"]) == {rows["id"][at] for at in wrong}
    names = list(WORDS)
    value = dict(found.select("id", "value").iter_rows())
    assert [value[rows["id"][at]] for at in wrong] == [names[at % 4] for at in wrong]
    label = dict(rows.select("id", "label").iter_rows())
    for row in found.iter_rows(named=True):
        assert label[row["peer"]] == row["value"]  # the peer has the label that is suggested
        assert row["note"].startswith(f"'{row['value']}' fits better; ")
        assert f"nearest texts have it, 0 '{label[row['id']]}'; '" in row["note"]
        assert " speak for it" in row["note"]


def test_a_clean_set_has_no_suspect_and_nothing_ambiguous():
    rows, judged = judged_rows(topical())
    assert find_suspect(rows, judged).is_empty()
    assert find_ambiguous(rows, judged).is_empty()


def test_the_same_set_gives_the_same_bytes():
    pairs = topical(wrong=(5, 22))
    (rows, one), (_, other) = judged_rows(pairs), judged_rows(pairs)
    assert find_suspect(rows, one).equals(find_suspect(rows, other))
    assert one.noise.wrong.tobytes() == other.noise.wrong.tobytes()


def test_the_order_of_the_rows_changes_nothing():
    """Exactly: texts are sorted before anything is drawn, rows by their texts, labels and annotators."""
    pairs = [*topical(wrong=(5, 22, 63)), *topical(10)]
    rows = frame([{"messages": text, "label": label} for text, label in pairs])
    rows = rows.with_columns(annotator=pl.Series([f"p{n % 7}" for n in range(rows.height)]))
    found = []
    for one in (rows, rows.sample(fraction=1, shuffle=True, seed=3), rows.reverse()):
        judged = judge_labels(labelled(one, encoder=tfidf_vectors), one)
        found.append(find_suspect(one, judged).sort("id"))
    assert found[0].height >= 3
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])


def test_secrets_in_labels_and_texts_are_masked():
    key = "sk-abcdefgh1234ijklmnop5678qrstuv"
    pairs = [
        (f"{text} {key} ann@example.com", "ann@example.com" if label == "card" else label) for text, label in topical()
    ]
    pairs[0] = (pairs[0][0], "loan")
    pairs[1] = (pairs[1][0], "ann@example.com")
    rows, judged = judged_rows(pairs)
    found = find_suspect(rows, judged)
    assert {rows["id"][0], rows["id"][1]} <= set(found["id"])
    for note in found["note"]:
        assert "ann@" not in note
        assert "abcdefgh" not in note
        assert "qrstuv" not in note
        assert "mail address" in note


def toss(seed=0, *, overlap=True):
    """Five classes; a third of the rows of the first two drawn from one place, with coin-toss labels."""
    draw = np.random.default_rng(seed)
    code = np.repeat(np.arange(5), 150)
    middles = np.linalg.qr(draw.normal(size=(32, 32)))[0][:6]
    at = code.copy()
    tossed = (code < 2) & (np.arange(750) % 3 == 0) & overlap
    at[tossed] = 5
    code[tossed] = draw.integers(0, 2, tossed.sum())
    vectors = middles[at] + 0.7 * draw.normal(size=(750, 32)) / 32**0.5
    rows = frame([{"messages": f"text {n}", "label": str(c)} for n, c in enumerate(code)])
    judged = judge_labels(from_arrays(vectors, code.astype(str)), rows, words=np.zeros((750, 1), np.float32))
    return rows, judged, tossed


@pytest.mark.parametrize("seed", [0, 1])
def test_overlapping_definitions_are_ambiguous_and_not_suspect(seed):
    rows, judged, tossed = toss(seed)
    found = find_ambiguous(rows, judged)
    ids = set(rows["id"].to_numpy()[tossed])
    assert len(set(found["id"]) & ids) / len(ids) > 0.5
    assert len(set(found["id"]) - ids) <= 0.1 * found.height
    assert found["cluster"].n_unique() == 1
    assert "definitions" in found["note"][0]
    assert suspects(judged)[tossed & between(judged)].mean() < 0.1


def test_classes_apart_have_nothing_ambiguous():
    rows, judged, _ = toss(overlap=False)
    assert find_ambiguous(rows, judged).is_empty()
    assert not suspects(judged).any()


def test_check_tells_of_suspects_from_file_to_json(tmp_path, capsys):
    source, folder = tmp_path / "a.jsonl", tmp_path / "s.vet"
    lines = [{"text": text, "label": label} for text, label in topical(wrong=(5, 22, 63))]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(["read", str(source), "-o", str(folder), "--json"]) == 0
    capsys.readouterr()
    assert run(["check", str(folder), "--select", "labels", "--json"]) in (0, 1)
    told = json.loads(capsys.readouterr().out)["rules"]["labels.suspect"]
    assert told["rows"] == 3
    assert told["figures"]["expected"]["low"] <= 3 <= told["figures"]["expected"]["high"]


@pytest.fixture(scope="session")
def meaning(tmp_path_factory):
    """Vectors of texts by the encoder that VETSET_ENCODER names, of words without one."""
    folder = os.environ.get("VETSET_ENCODER")
    if not folder and os.environ.get("CI") == "true":
        pytest.fail("VETSET_ENCODER names no encoder, and CI needs one: see .ci/run")
    encoder = find_encoder(folder).encoder if folder else tfidf_vectors
    cache = tmp_path_factory.mktemp("vectors")

    def vectors(texts):
        found = encode(pl.Series(texts, dtype=pl.String), encoder, cache=cache)
        # a text that the encoder makes nothing of is like none
        return np.where((found.of_row >= 0)[:, None], found.vectors[found.of_row], 0)

    return vectors, bool(folder)


def chance_of(texts, labels, vectors, rows=None):
    of = replace(from_arrays(vectors(texts), labels), texts=texts)
    return judge_labels(of, rows).noise.wrong


ANCHORS = {"wrench_youtube": 0.60, "wrench_trec": 0.71, "chnsenticorp_golden": 0.64}
"""Average precision to reach by MiniLM. It reads no Chinese: there words do alone, and encoding takes minutes for nothing. The
fourth set, sick_corrected, is in benchmarks/labels.py alone: to encode its 10,000 pairs takes three minutes."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ANCHORS)
def test_errors_that_people_confirmed_stand_first(name, shared, meaning):
    vectors, by_meaning = meaning
    rows = pl.read_parquet(shared / "labels" / name / "data.parquet").filter(pl.col("label").is_not_null())
    wrong = rows["is_error"].fill_null(False).to_numpy()
    verified = rows["verified"].to_numpy()
    if name == "chnsenticorp_golden":
        vectors = by_words_alone
    found = chance_of(rows["text"].to_list(), rows["label"].to_list(), vectors)
    assert average_precision(wrong[verified], found[verified]) >= ANCHORS[name] - (0 if by_meaning else 0.1)


def by_words_alone(texts):
    return np.zeros((len(texts), 4), np.float32)


def intents(shared, classes):
    """Questions to a bank of every ``classes``-th intent."""
    rows = pl.concat([pl.read_csv(shared / "bank_intents" / f"{side}.csv") for side in ("train", "test")])
    names = rows["category"].unique().sort()[::classes]
    rows = rows.filter(pl.col("category").is_in(names.implode()))
    return rows["text"].to_list(), rows["category"].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)


@pytest.mark.slow
def test_errors_by_lot_are_found_and_chances_hold(shared, meaning):
    texts, code = intents(shared, 6)
    labels = int(code.max()) + 1
    draw = np.random.default_rng(0)
    wrong = draw.random(code.size) < 0.05
    given = np.where(wrong, (code + draw.integers(1, labels, code.size)) % labels, code)
    chance = chance_of(texts, given.astype(str), meaning[0])
    assert average_precision(wrong, chance) >= (0.975 if meaning[1] else 0.9)
    band = np.minimum((chance * 10).astype(int), 9)
    error = sum(abs(chance[band == b].mean() - wrong[band == b].mean()) * (band == b).mean() for b in np.unique(band))
    assert error <= 0.05


@pytest.mark.slow
def test_errors_of_a_few_annotators_are_found_by_who_labelled(shared, meaning):
    """Four of forty give half of their texts the label next to it."""
    texts, code = intents(shared, 6)
    vectors = meaning[0](texts)
    middles = np.stack([vectors[code == c].mean(axis=0) for c in range(int(code.max()) + 1)])
    alike = middles @ middles.T
    np.fill_diagonal(alike, -9)
    draw = np.random.default_rng(0)
    who = draw.integers(0, 40, code.size)
    wrong = np.isin(who, draw.choice(40, 4, replace=False)) & (draw.random(code.size) < 0.5)
    given = np.where(wrong, alike.argmax(axis=1)[code], code).astype(str)
    rows = pl.DataFrame({"annotator": [f"person {p}" for p in who]})
    told = average_precision(wrong, chance_of(texts, given, lambda _: vectors, rows))
    assert told >= (0.97 if meaning[1] else 0.85)
    assert told > average_precision(wrong, chance_of(texts, given, lambda _: vectors))
