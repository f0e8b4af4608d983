"""Eval sets of real data: covered, clean by brute force, unbiased over 200 seeds, and rephrased questions found by meaning."""

import json
import os
import re
from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from vetset.curate import read
from vetset.curate.dataset import Dataset, frame
from vetset.curate.embed.encoder import find_encoder
from vetset.curate.leakage.closeness import How, spoilt, too_close
from vetset.curate.reading.mapping import Given
from vetset.evaluate.evalsets.building import build
from vetset.evaluate.evalsets.candidates import pool_of, standing
from vetset.evaluate.evalsets.choosing import choose, design, region_count
from vetset.evaluate.evalsets.edges import edge_cases
from vetset.evaluate.evalsets.parting import Shares

SETS = {
    "bank_intents": Given(),
    "support_chat": Given(),
    "github_docs_issues": Given(group="meta.url~github.com/([^/]+/[^/]+)"),
}
SEEDS = 200


def words(text):
    """The words of a text, folded in a way of this test's own."""
    return re.findall(r"\w+", text.casefold())


def shingles(text):
    found = words(text)
    return (
        frozenset(zip(*(found[at:] for at in range(5)), strict=False)) if len(found) >= 5 else frozenset([tuple(found)])
    )


def said(rows):
    return rows["messages"].list.first().struct.field("content").fill_null("").to_list()


def near_pairs(left, right):
    """Pairs of a text on either side with a Jaccard index of 0.8 and more, by counting shingles in common."""
    sets = [shingles(text) for text in left]
    holders = defaultdict(list)
    for number, grams in enumerate(sets):
        for gram in grams:
            holders[gram].append(number)
    for text in set(right):
        grams, common = shingles(text), defaultdict(int)
        for gram in grams:
            for number in holders.get(gram, ()):
                common[number] += 1
        for number, shared in common.items():
            if words(text) and shared >= 0.8 * (len(grams) + len(sets[number]) - shared):
                yield left[number], text


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SETS))
def test_a_real_eval_set_is_covered_clean_and_unbiased(shared, tmp_path, name):
    dataset = read([shared / name], tmp_path / "s.vet", columns=SETS[name]).dataset
    built = build(dataset, tmp_path / "s.evalset")
    rows, covered = built.evalset.rows, built.chosen.covered
    assert rows.height == 200
    assert covered["strata"]["met"] == covered["strata"]["count"] == dataset.rows["label"].n_unique()
    assert covered["regions"]["met"] >= 0.95 * covered["regions"]["count"] >= 45

    left = standing(Dataset.open(dataset.folder)).filter(split="train")
    assert left.height > 0.4 * dataset.rows.filter(split="train").height
    assert list(near_pairs(said(left), said(rows))) == []
    dev, ship = (rows.filter(part=part) for part in ("dev", "ship"))
    assert list(near_pairs(said(dev), said(ship))) == []
    for one, other in ((left, rows), (dev, ship)):
        assert not set(one["group"].drop_nulls()) & set(other["group"].drop_nulls())

    _unbiased(Dataset.open(dataset.folder).as_read())


def _unbiased(dataset):
    """The weighted estimates of known means, by parts, over 200 draws."""
    pool = pool_of(dataset, dataset.rows)
    region = pool.regions(region_count(200))
    tags = edge_cases(pool, region, dataset, rows=200)
    planned = design(pool, tags, region, rows=200)
    length = np.minimum([len(text) for text in said(pool.rows)], 2_000)
    known = {
        "length": length.astype(float),
        "hard": tags["hard"].astype(float),
        "first region": (region == 0).astype(float),
    }
    found = {(what, part): [] for what in known for part in ("dev", "ship")}
    plain = []
    for seed in range(SEEDS):
        chosen = choose(planned, Shares(), seed=seed)
        assert chosen.covered["strata"]["met"] == chosen.covered["strata"]["count"]
        assert chosen.covered["regions"]["met"] == chosen.covered["regions"]["count"]
        weight, part = chosen.rows["weight"].to_numpy(), chosen.rows["part"].to_numpy()
        plain.append(known["hard"][chosen.at].mean())
        for (what, one), estimates in found.items():
            mine = part == one
            estimates.append(float((weight * known[what][chosen.at])[mine].sum() / pool.rows.height))
    for (what, part), estimates in found.items():
        error = np.std(estimates) / SEEDS**0.5
        assert abs(np.mean(estimates) - known[what].mean()) < 4 * error, (what, part)
    assert np.mean(plain) > 1.3 * known["hard"].mean()  # what an unweighted mean would say


def questions(shared, name, count):
    lines = (shared / "math_contamination" / name).read_text().splitlines()[:count]
    records = [json.loads(line) for line in lines]
    return frame([{"messages": record.get("question") or record["text"]} for record in records])


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # what torch and its friends deprecate is theirs to mend
def test_rephrased_questions_are_found_by_meaning_from_either_side(shared):
    pytest.importorskip("sentence_transformers", reason="needs pip install 'vetset[embed]'")
    if not os.environ.get("VETSET_ENCODER"):
        pytest.skip("VETSET_ENCODER names no folder with a sentence-transformers model")
    how = How(encoder=find_encoder(os.environ["VETSET_ENCODER"]).encoder, cosine=0.81)
    asked, rephrased = (
        questions(shared, file, 100) for file in ("gsm8k/test.jsonl", "decontaminator/rephrase/rephrase_gsm8k.jsonl")
    )
    assert spoilt(asked, rephrased).height < 20  # by words alone
    found = spoilt(asked, rephrased, how)
    assert found.height >= 90
    assert (found["rule"] == "leakage.meaning").sum() > 70
    assert too_close(rephrased, asked, how).height >= 90
    clean = questions(shared, "gsm8k/train.jsonl", 100)
    assert spoilt(asked, clean, how).height <= 1


def test_near_pairs_are_seen_by_this_tests_own_count():
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    assert list(near_pairs([text], [text.upper() + "!"])) != []
    assert list(near_pairs([text], ["twelve " + text[:30]])) == []
    assert pl.Series(["hello"]).to_list() == [pair[0] for pair in near_pairs(["hello"], ["Hello."])]
