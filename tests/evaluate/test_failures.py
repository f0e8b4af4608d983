"""Failures: kinds that stay from run to run, names, causes, and when a fine-tune can help."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.embed.tfidf import tfidf_vectors
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.failing import advice, causes, clustering, finding, naming, taxonomy, words
from vetset.evaluate.failing.failed import failed_rows
from vetset.evaluate.failing.finding import find_failures
from vetset.evaluate.failing.scoring_again import scorer_of
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.protocol import Answer
from vetset.evaluate.runs.results import Run
from vetset.tests.evaluate.runs_made import made_evalset, made_run

TOPICS = {
    "card": "my card was lost in {} and must be blocked",
    "soup": "the soup in {} was cold and the waiter rude",
    "train": "the train to {} was late and the seat taken",
}
CITIES = ["Oslo", "Rome", "Paris", "Cairo", "Lima", "Quito", "Delhi", "Tokyo", "Accra", "Sofia", "Riga", "Bern"]


def complaints(count=36):
    topics = sorted(TOPICS)
    return [
        {"messages": TOPICS[topics[i % 3]].format(CITIES[i // 3 % 12]) + f" ({i})", "label": topics[i % 3]}
        for i in range(count)
    ]


@pytest.fixture
def evalset(tmp_path):
    return made_evalset(tmp_path / "a.evalset", complaints())


def wrong(rows):
    return ["train" if label == "card" else "card" for label in rows["label"]]


@pytest.fixture
def run(tmp_path, evalset):
    return made_run(tmp_path / "one.run", evalset, [0.0] * 36, outputs=wrong(evalset.rows))


# --- what failed ----------------------------------------------------------------------------------------------------


def test_what_could_not_be_scored_is_told_apart_from_what_is_wrong(tmp_path, evalset):
    statuses = ["ok"] * 30 + ["unparsed", "unparsed", "truncated", "refused", "refused", "error"]
    run = made_run(tmp_path / "b.run", evalset, [1.0] * 20 + [0.0] * 16, statuses=statuses)
    failed = failed_rows(run, evalset.rows)
    assert dict(failed["status"].value_counts().iter_rows()) == {
        "wrong": 10, "unparsed": 2, "truncated": 1, "refused": 2, "error": 1,
    }  # fmt: skip
    assert failed["question"].null_count() == 0
    found = find_failures(run, evalset.rows)
    by_status = {group.kind.status: len(group.ids) for group in found.groups if group.kind.status != "wrong"}
    assert by_status == {"unparsed": 2, "truncated": 1, "refused": 2, "error": 1}


def test_a_run_without_a_failure_says_so(tmp_path, evalset):
    found = find_failures(made_run(tmp_path / "b.run", evalset, [1.0] * 36), evalset.rows)
    assert found.groups == ()
    assert found.advice.sentence == "Nothing failed."


def test_a_row_with_several_answers_fails_by_their_mean_and_shows_the_first_that_failed(tmp_path, evalset):
    run = made_run(tmp_path / "b.run", evalset, [1.0] * 36)
    again = run.results.with_columns(
        sample=pl.lit(1, pl.Int32), output=pl.lit("second"), **{"score.exact": pl.lit(0.0)}
    )
    from vetset.evaluate.runs.results import save_run

    run = save_run(run.folder, run.manifest, pl.concat([run.results, again[:4]]))
    failed = failed_rows(run, threshold=0.6)
    assert failed.height == 4
    assert failed["output"].unique().to_list() == ["second"]
    assert failed_rows(run, threshold=0.5).is_empty()


def test_a_scorer_that_the_run_has_not_is_refused(run):
    with pytest.raises(UsageError, match="no scorer 'chrf'; there is exact"):
        failed_rows(run, scorer="chrf")
    with pytest.raises(UsageError, match="--threshold 0"):
        failed_rows(run, threshold=0.0)


# --- kinds ----------------------------------------------------------------------------------------------------------


def test_planted_topics_become_kinds_of_their_own(run, evalset):
    found = find_failures(run, evalset.rows)
    label = dict(evalset.rows.select("id", "label").iter_rows())
    kinds = [group for group in found.groups if group.kind.id != "other"]
    assert 3 <= len(kinds) <= 5
    assert sum(len(group.ids) for group in kinds[:3]) >= 30
    for group in kinds:
        assert len({label[row] for row in group.ids}) == 1
    assert {group.mixed[0][:2] for group in kinds} == {("card", "train"), ("soup", "card"), ("train", "card")}


def test_the_same_run_sorted_again_comes_to_the_same_bytes(run, evalset):
    one = find_failures(run, evalset.rows)
    other = find_failures(run, evalset.rows, taxonomy=one.taxonomy)
    assert other.taxonomy == one.taxonomy
    assert (
        json.dumps(one.summary())
        == json.dumps(other.summary())
        == json.dumps(find_failures(run, evalset.rows).summary())
    )


def test_names_and_ids_stay_for_the_next_run_and_what_is_new_is_a_kind_of_its_own(tmp_path, evalset, run):
    first = made_run(tmp_path / "first.run", evalset, [float(label == "soup") for label in evalset.rows["label"]])
    known = find_failures(first, evalset.rows)
    label = dict(evalset.rows.select("id", "label").iter_rows())
    about = {label[group.ids[0]]: group.kind.id for group in known.groups if group.kind.id != "other"}
    assert set(about) == {"card", "train"}
    named = known.taxonomy.named({about["card"]: "lost cards"})

    second = find_failures(run, evalset.rows, taxonomy=named)
    after = {group.kind.id: group for group in second.groups}
    assert after[about["card"]].kind.name == "lost cards"
    assert {label[row] for row in after[about["card"]].ids} == {"card"}
    new = [kind for kind in after if kind not in (*about.values(), "other")]
    assert new
    assert all({label[row] for row in after[kind].ids} == {"soup"} for kind in new)


def test_kinds_of_real_failures_hold_their_topic_in_another_model(shared, tmp_path):
    """GSM8K, published solutions of two models: most of what the second fails at lies in kinds that the first brought."""
    lines = [
        json.loads(line)
        for line in (shared / "model_solutions" / "example_model_solutions.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()[:500]
    ]
    of = made_evalset(
        tmp_path / "gsm.evalset", [{"messages": one["question"], "label": one["ground_truth"][-4:]} for one in lines]
    )
    runs = [
        made_run(
            tmp_path / f"{name}.run", of, [float(one[name]["is_correct"]) for one in lines],
            outputs=[one[name]["solution"] for one in lines],
        )
        for name in ("6b_finetuning", "175b_verification")
    ]  # fmt: skip
    one = find_failures(runs[0], of.rows)
    other = find_failures(runs[1], of.rows, taxonomy=one.taxonomy)
    assert one.failed.height == sum(not line["6b_finetuning"]["is_correct"] for line in lines)
    assert 2 <= len(one.taxonomy.kinds) <= taxonomy.MOST
    assert len(other.taxonomy.kinds) <= taxonomy.MOST
    both = set(one.kind_of) & set(other.kind_of)
    same = [one.kind_of[row] == other.kind_of[row] for row in both if one.kind_of[row] != "other"]
    assert np.mean(same) > 0.6


def test_there_are_never_more_than_twenty_kinds(tmp_path):
    draw = np.random.default_rng(0)
    rows = [
        {"messages": " ".join(f"w{draw.integers(3)}t{i % 40}" for _ in range(6)), "label": str(i)} for i in range(200)
    ]
    of = made_evalset(tmp_path / "b.evalset", rows)
    found = find_failures(made_run(tmp_path / "b.run", of, [0.0] * 200), of.rows)
    assert len(found.taxonomy.kinds) <= 20


def test_clusters_do_not_hang_on_the_order_of_failures():
    texts = [row["messages"] for row in complaints()]
    order = np.random.default_rng(1).permutation(len(texts))
    one, other = (
        clustering.clusters(texts, tfidf_vectors),
        clustering.clusters([texts[at] for at in order], tfidf_vectors),
    )
    pairs = {(int(one[at]), int(other[place])) for place, at in enumerate(order)}
    assert len(pairs) == one.max() + 1 == 3


@given(st.lists(st.text(max_size=30), max_size=8))
def test_word_weights_have_length_one_or_none_and_a_text_is_like_itself(texts):
    for weights in words.weighted(texts):
        assert words.cosine(weights, weights) == pytest.approx(1.0 if weights else 0.0)


# --- the file -------------------------------------------------------------------------------------------------------


def test_a_taxonomy_is_read_as_it_was_written_and_a_damaged_one_is_named(tmp_path, run, evalset):
    path = tmp_path / "failures.json"
    known = find_failures(run, evalset.rows).taxonomy
    taxonomy.save_taxonomy(path, known)
    assert taxonomy.read_taxonomy(path) == known
    path.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"failures\.json is no taxonomy"):
        taxonomy.read_taxonomy(path)
    path.write_text('{"format": 9, "kinds": [], "next": 1, "seen": {}}', encoding="utf-8")
    with pytest.raises(DataError, match="update vetset"):
        taxonomy.read_taxonomy(path)


def test_the_file_holds_no_secret_of_the_answers(tmp_path):
    rows = [{"messages": f"card {i} of ann{i}@example.com failed", "label": "x"} for i in range(12)]
    of = made_evalset(tmp_path / "b.evalset", rows)
    known = find_failures(made_run(tmp_path / "b.run", of, [0.0] * 12), of.rows)
    taxonomy.save_taxonomy(tmp_path / "failures.json", known.taxonomy)
    assert "example" not in (tmp_path / "failures.json").read_text(encoding="utf-8")
    assert "example.com" not in json.dumps(known.summary())


def test_names_are_checked(tmp_path, run, evalset):
    known = find_failures(run, evalset.rows).taxonomy
    with pytest.raises(UsageError, match="'F9' is no kind of failure; there is F1, F2, F3"):
        known.named({"F9": "x"})
    with pytest.raises(UsageError, match="both be called 'same'"):
        known.named({"F1": "same", "F2": "Same"} | {"F2": "same"})
    with pytest.raises(UsageError, match="is no name"):
        known.named({"F1": " "})
    with pytest.raises(UsageError, match="names nothing"):
        naming.split_names(["F1"])
    (tmp_path / "names.toml").write_text('[names]\nF1 = "lost cards"\n', encoding="utf-8")
    assert naming.read_names(tmp_path / "names.toml") == {"F1": "lost cards"}
    (tmp_path / "names.toml").write_text("F1 = 3", encoding="utf-8")
    with pytest.raises(UsageError, match="something else than names"):
        naming.read_names(tmp_path / "names.toml")


def test_a_secret_that_a_cut_goes_through_is_masked_whole():
    token = "eyJ" + "a" * 150 + "." + "b" * 300 + "." + "c" * 100
    row = {
        "question": "x " * 140 + token, "output": "y " * 470 + token, "reference": token[:60] + "." + token, "prediction": None,
        "error": None, "status": "wrong",
    }  # fmt: skip
    shown = [naming._shown([row]), clustering.failure_text(row | {"reference": "right"}), finding._shown(token, 100)]
    assert not any("aaaa" in text for text in shown)
    assert not any("aaaa" in word for word in words.weighted(["x " * 950 + token])[0])


def test_a_judge_names_what_nobody_named_and_is_shown_masked_examples(run, evalset):
    known = find_failures(run, evalset.rows).taxonomy.named({"F1": "mine"})
    judge = CannedModel(lambda request: f'"Kind {len(request.messages[1].content)}."')
    found = find_failures(run, evalset.rows, taxonomy=known, judge=judge)
    by = {kind.id: (kind.name, kind.named_by) for kind in found.taxonomy.kinds}
    assert by["F1"] == ("mine", "person")
    assert by["F2"][1] == "judge"
    assert by["F2"][0].startswith("Kind ")
    assert "question: " in judge.asked[0].messages[1].content
    talker = CannedModel({"*": "A long answer\nwith lines"})
    assert {kind.named_by for kind in find_failures(run, evalset.rows, judge=talker).taxonomy.kinds} == {"words"}


# --- causes ---------------------------------------------------------------------------------------------------------


def judged(run, evalset, model, **more):
    failed = failed_rows(run, evalset.rows)
    gold = {row: f"The answer is {label}." for row, label in evalset.rows.select("id", "label").iter_rows()}
    options = {"model": model, "scorer": scorer_of(run, evalset.rows), "gold": gold, **more}
    return failed, causes.judge_causes(failed, evalset.rows, run, **options)


def reader(request):
    """A model that knows nothing about trains and soup unless it is told, and never learns what a card is."""
    said = request.messages[-1].content
    told = next((topic for topic in ("soup", "train") if f"The answer is {topic}" in said), None)
    return told or "no idea"


def test_right_with_the_document_is_retrieval_still_wrong_is_behaviour_and_no_document_is_data(run, evalset):
    label = dict(evalset.rows.select("id", "label").iter_rows())
    soups = [row for row in label if label[row] == "soup"]
    gold = {row: "" if row in soups[:3] else f"The answer is {label[row]}." for row in label}
    _, found = judged(run, evalset, CannedModel(reader), gold=gold, doubtful={soups[4]})
    for row, cause in found.causes.items():
        want = "data" if row in (*soups[:3], soups[4]) else "behavioural" if label[row] == "card" else "retrieval"
        assert cause == want
    assert found.reasons[soups[0]] == "no document answers it"
    assert found.reasons[soups[4]] == "its reference is doubtful"


def test_what_a_run_with_documents_has_right_is_retrieval_and_is_not_asked_again(tmp_path, run, evalset):
    cards = [float(label == "card") for label in evalset.rows["label"]]
    rag = made_run(tmp_path / "rag.run", evalset, cards)
    model = CannedModel(reader)
    _, found = judged(run, evalset, model, rag=rag)
    assert set(found.causes.values()) == {"retrieval"}
    assert len(model.asked) == 24


def test_the_document_is_set_into_the_prompt_of_the_run_and_fills_no_place_itself(tmp_path, evalset):
    prompt = {"name": "mine", "system": "Know: {context}", "user": "Q: {question}", "labels": [], "mark": None}
    run = made_run(tmp_path / "c.run", evalset, [0.0] * 36, prompt=prompt, parameters={"max_tokens": 7})
    model = CannedModel({"*": "x"})
    judged(run, evalset, model, gold=dict.fromkeys(evalset.rows["id"], "see {question} \\1 {labels}"))
    request = model.asked[0]
    assert request.messages[0].content == "Know: see {question} \\1 {labels}"
    assert request.messages[1].content.startswith("Q: ")
    assert request.parameters.max_tokens == 7


def test_calls_that_fail_or_are_cut_off_are_unknown_and_no_behaviour(run, evalset):
    failing = CannedModel(lambda _: Answer(finish="error", error="down"))
    assert set(judged(run, evalset, failing)[1].causes.values()) == {"unknown"}
    cut = CannedModel(lambda _: Answer(text="the", finish="length"))
    assert set(judged(run, evalset, cut)[1].causes.values()) <= {"unknown", "behavioural"}


def test_asking_again_twice_calls_once(tmp_path, run, evalset):
    for calls in (36, 0):
        model = CannedModel({"*": "no idea"})
        judged(run, evalset, model, journal=tmp_path / "journal.jsonl")
        assert len(model.asked) == calls


def test_gold_texts_come_from_a_field_or_from_documents_that_source_names(tmp_path):
    rows = [
        {"messages": f"q{i}", "label": "x", "source": f"d{i}", "extra": json.dumps({"why": f"because {i}"})}
        for i in range(3)
    ]
    of = made_evalset(tmp_path / "b.evalset", rows)
    ids = of.rows["id"].to_list()
    assert causes.gold_texts(of.rows, "why") == {ids[i]: f"because {i}" for i in range(3)}
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "d1.md").write_text("one", encoding="utf-8")
    assert causes.gold_texts(of.rows, str(tmp_path / "docs")) == {ids[0]: None, ids[1]: "one", ids[2]: None}
    with pytest.raises(UsageError, match="neither a text column"):
        causes.gold_texts(of.rows, "nowhere")


# --- advice ---------------------------------------------------------------------------------------------------------


def told(evalset_rows, behavioural, other, weight=None):
    frame_ = evalset_rows.head(behavioural + other).select(
        "id", weight=pl.lit(1.0) if weight is None else pl.Series(weight), cluster=pl.col("id")
    )
    kinds = ["behavioural"] * behavioural + ["retrieval"] * other
    return advice.advise(frame_, dict(zip(frame_["id"], kinds, strict=True)))


def test_half_behaviour_is_told_with_wilsons_interval(evalset):
    yes, no, unsure = told(evalset.rows, 30, 4), told(evalset.rows, 2, 30), told(evalset.rows, 6, 5)
    assert (yes.helps, no.helps, unsure.helps) == ("yes", "no", "open")
    assert (round(yes.low, 4), round(yes.high, 4)) == (0.7338, 0.9533)  # Wilson (1927) of 30 in 34
    assert "a fine-tune can help" in yes.sentence
    assert "before a fine-tune" in no.sentence
    assert "judge more" in unsure.sentence


def test_weights_and_clusters_count(evalset):
    heavy = told(evalset.rows, 2, 30, weight=[100.0, 100.0] + [1.0] * 30)
    assert heavy.share == pytest.approx(200 / 230)
    assert heavy.helps == "open"  # it rests on two rows


def test_without_causes_it_says_how_to_get_them(run, evalset):
    found = find_failures(run, evalset.rows)
    assert found.advice.share is None
    assert "--model SPEC --gold COLUMN" in found.advice.sentence


def test_the_eval_set_may_be_gone(run):
    found = find_failures(Run.open(run.folder))
    assert any("--on EVALSET" in note for note in found.notes)
    assert found.failed["question"].null_count() == 36
