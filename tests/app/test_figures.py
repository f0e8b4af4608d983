"""What a check counted over the whole set, said in a sentence."""

from vetset.app.figures import sentences


def estimate(wrong, low, high, **more):
    whole = {"rows": 1_000, "wrong": wrong, "low": low, "high": high, "share": wrong / 1_000}
    return {
        "labels.suspect": {
            "expected": whole,
            "target": 0.01,
            "review": 0,
            "accuracy_as_is": 0.9,
            "accuracy_without": 0.9,
        }
        | more
    }


def test_the_estimate_of_wrong_labels_says_what_reviewing_and_training_would_do():
    said = sentences(estimate(52.4, 40.2, 71.8, review=63, accuracy_without=0.921))["labels.suspect"]
    assert "about 52 of 1,000 labels are wrong (95%: 40 to 72)" in said
    assert "63 reviews, the worst first, would bring them under 1%" in said
    assert "scores 90.0% on right labels, without the doubtful ones 92.1%" in said


def test_a_set_that_seems_clean_still_says_how_many_may_be_wrong():
    said = sentences(estimate(0.2, 0.0, 3.0))["labels.suspect"]
    assert said.startswith("next to none of 1,000 labels seems wrong, at most 3 (95%)")
    assert "review" not in said
    assert "classifier" not in said


def test_decisions_that_the_estimate_does_not_know_are_told():
    said = sentences(estimate(52.4, 40.2, 71.8), decided=3)["labels.suspect"]
    assert said.endswith("; all this of labels as read, with the decisions on 3 rows not counted")
    assert "as read" not in sentences(estimate(52.4, 40.2, 71.8))["labels.suspect"]
    assert sentences({"labels.suspect": {}}, decided=3) == {}


def test_labels_that_were_not_judged_have_no_sentence():
    assert sentences({"labels.suspect": {}}) == {}
