"""A budget that ends, or a server that fails, amid the gates' own calls: no row is judged by a call that was never answered."""

import json
import shutil

import pytest
from vetset.curate.distill.outcome import FATES
from vetset.curate.reading.mapping import Given
from vetset.curate.reading.reader import read
from vetset.evaluate.distilling.distilled import distill
from vetset.evaluate.distilling.opened import open_recipe
from vetset.tests.evaluate.distill_victims import outputs, write_recipe, written
from vetset.tests.evaluate.fault_server import Faults, serving

RUBRIC = "The message is one that a customer of a bank could send.\n"


@pytest.fixture
def seeds(tmp_path):
    lines = [f"my card number {number} has still not come to my house,card_arrival" for number in range(12)]
    lines += [f"what is the rate of exchange for currency {number} today,exchange_rate" for number in range(12)]
    (tmp_path / "real.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    return read([tmp_path / "real.csv"], tmp_path / "real.vet", columns=Given(label="label")).dataset


class Bank:
    """Writes messages that name their label, gives the label that a message names, and passes what it has to judge."""

    def __init__(self, failing=lambda number: False):
        self.asked, self.failing = 0, failing

    def __call__(self, body):
        self.asked += 1
        said = body["messages"][-1]["content"]
        status, headers, reply = written(body)
        message = reply["choices"][0]["message"]
        if "VERDICT " in said:
            message["content"] = f"VERDICT {said.rsplit('VERDICT ', 2)[-1].split(':')[0]}: PASS"
        elif "Which of these labels" in said:
            if self.failing(self.asked):
                return 400, {}, {"error": {"message": "no"}}
            text = said.split("<text>")[1].split("</text>")[0]
            message["content"] = json.dumps({"label": "exchange_rate" if "exchange" in text else "card_arrival"})
        else:
            own = said.split("Its label is ")[1][:15]
            word = "exchange" if "exchange" in own else "arrival"
            message["content"] = json.dumps({"text": f"{json.loads(_text(message))['text']} {word}"})
        return status, headers, reply


def _text(message):
    return message["content"] if message["content"].startswith("{") else '{"text": "Oslo euro rate app"}'


@pytest.fixture
def server():
    with serving(Faults(), keep=False) as found:
        found.reply = Bank()
        yield found


def recipe(folder, url, *, gates="", budget=""):
    path = write_recipe(folder, "real.vet", url, accepted=2, at_once=4)
    path.write_text(path.read_text() + gates + (f"\n[budget]\n{budget}\n" if budget else ""))
    return path


def counts(found):
    return {fate: found.report[fate] for fate in FATES}


def test_a_budget_that_ends_amid_the_votes_leaves_no_row_a_false_reason_and_a_larger_one_comes_to_the_same(
    tmp_path, seeds, server
):
    votes = "label_votes = { votes = 3 }\n"
    whole = distill(open_recipe(recipe(tmp_path, server.url, gates=votes)))
    expected = outputs(whole.folder)
    assert counts(whole) == {"accepted": 12, "rejected": 0, "review": 0, "failed": 0}
    shutil.rmtree(whole.folder)
    stopped = distill(open_recipe(recipe(tmp_path, server.url, gates=votes, budget="calls = 20")))
    # 12 messages, 2 of them with all three votes and one with two
    assert counts(stopped) == {"accepted": 2, "rejected": 0, "review": 0, "failed": 10}
    assert stopped.report["gates"] == {"distill.budget": 10}
    assert (stopped.folder / "review.jsonl").read_text() == ""
    asked = server.reply.asked
    again = distill(open_recipe(recipe(tmp_path, server.url, gates=votes)))
    assert outputs(again.folder) == expected
    assert server.reply.asked - asked == 48 - 20


def test_a_server_that_fails_a_vote_fails_the_draft_and_another_takes_its_place(tmp_path, seeds, server):
    server.reply = Bank(failing=lambda number: number == 14)
    found = distill(open_recipe(recipe(tmp_path, server.url, gates="label_votes = { votes = 1 }\n")))
    assert counts(found) == {"accepted": 12, "rejected": 0, "review": 0, "failed": 1}
    assert found.report["gates"] == {"distill.call": 1}


def test_a_judge_whom_the_budget_kept_back_judges_nothing_and_the_run_ends_in_order(tmp_path, seeds, server):
    (tmp_path / "rubric.md").write_text(RUBRIC)
    judge = f'\n[judge]\nmodel = "openai:tiny@{server.url}"\nrubric = "rubric.md"\n'
    for cap, judged in ((12, 0), (15, 3)):
        found = distill(
            open_recipe(recipe(tmp_path, server.url, gates=judge, budget=f"calls = {cap}"), tmp_path / f"{cap}.distill")
        )
        assert counts(found) == {"accepted": judged, "rejected": 0, "review": 0, "failed": 12 - judged}
        assert found.report["gates"] == {"distill.budget": 12 - judged}
    whole = distill(open_recipe(recipe(tmp_path, server.url, gates=judge), tmp_path / "12.distill"))
    assert counts(whole) == {"accepted": 12, "rejected": 0, "review": 0, "failed": 0}
