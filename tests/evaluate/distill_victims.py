"""`vetset distill`, killed at random moments before a server that writes by plan: for the test and the benchmark."""

import json
import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from vetset.evaluate.distilling.opened import open_recipe
from vetset.evaluate.models.journal import Journal
from vetset.evaluate.models.keys import keys
from vetset.evaluate.models.reuse import read_answers

OUTPUTS = ("accepted.jsonl", "review.jsonl", "rejected.jsonl", "report.json", "recipe.toml", "drafts.parquet")
LIBRARIES = (
    "aiohttp", "json_repair", "vetset.evaluate.distilling.running", "vetset.evaluate.models.openai_client",
    "vetset.curate.leakage.closeness",
)  # fmt: skip

_WORDS = (
    "card", "pin", "transfer", "account", "balance", "top-up", "cash", "machine", "refund", "payee", "limit", "app",
    "phone", "letter", "branch", "statement", "fee", "rate", "euro", "pound", "dollar", "Monday", "yesterday",
    "tonight", "Berlin", "Paris", "Oslo", "still", "never", "again", "please", "urgent", "wrong", "missing",
    "blocked", "stolen", "late",
)  # fmt: skip

RECIPE = """
seeds = "{seeds}"
accepted = {accepted}

[teacher]
model = "openai:tiny@{url}"
concurrency = {at_once}
max_tokens = 64
seed = 1

[plan]
kind = "labelled"
instruction = "A message that a customer sends to a bank's support"
attempts = 3

[plan.grid]
label = ["card_arrival", "exchange_rate"]
tone = ["calm", "angry", "short"]

[gates]
label_model = "off"
length = "off"
"""


def written(body):
    """Reply to a call with a message that hangs on the call alone; one in twelve is no JSON."""
    draw = random.Random(sha256(json.dumps([body["messages"], body.get("seed")]).encode()).hexdigest())
    text = " ".join(draw.choices(_WORDS, k=draw.randint(14, 24)))
    said = json.dumps({"text": text}) if draw.random() > 1 / 12 else "I would rather not."
    message = {"role": "assistant", "content": said}
    usage = {"prompt_tokens": len(json.dumps(body)) // 4, "completion_tokens": len(said) // 4, "total_tokens": 0}
    return 200, {}, {"model": "tiny", "choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}


class Paid:
    """What the server was asked, by call."""

    def __init__(self):
        self.calls = Counter()

    def __call__(self, body):
        self.calls[json.dumps([body["messages"], body.get("seed")])] += 1
        return written(body)


def write_recipe(folder, seeds, url, *, accepted, at_once):
    path = Path(folder) / "cards.toml"
    path.write_text(RECIPE.format(seeds=seeds, url=url, accepted=accepted, at_once=at_once))
    return path


def outputs(folder):
    return {name: sha256((folder / name).read_bytes()).hexdigest() for name in OUTPUTS}


@dataclass(frozen=True)
class Figures:
    """What kills came to."""

    kills: int
    lost: int
    """Times that an answer was known before a kill and not after it."""
    same: bool
    """Whether the outputs are those of a run that nobody killed."""
    calls: int
    paid_again: int
    unlisted: int
    """Calls that were paid for again and that the journal does not list as sent and never answered."""
    in_flight: int
    """Most calls at once, times the kills: what may be paid for again."""


def killed_often(verbs, server, folder, seeds, *, kills, accepted, at_once, seed=0):
    """Run a recipe to its end, then the same anew while it is killed so often; return what came of it."""
    folder.mkdir()
    paid = Paid()
    server.reply = paid
    recipe = write_recipe(folder, seeds, server.url, accepted=accepted, at_once=at_once)
    out, chance = folder / "cards.distill", random.Random(seed)
    seconds = verbs.measured([["distill", recipe]])
    expected, calls = outputs(out), len(paid.calls)
    assert max(paid.calls.values()) == 1
    shutil.rmtree(out)
    paid.calls.clear()
    killed, lost, known, most = 0, 0, set(), seconds
    while killed < kills:
        victim = verbs.victim([["distill", recipe, "--anew"]])
        if killed < kills / 2 and paid.calls.total() < calls:  # amid the calls, which are soon all known
            until = paid.calls.total() + chance.randint(0, 2 * calls // kills)
            while paid.calls.total() < until and not victim.ended(within=0.002):
                pass
            time.sleep(chance.uniform(0, 0.03))
        else:
            time.sleep(chance.uniform(0, most))
        alive, _ = victim.end()
        killed += alive
        answers = set(read_answers(out / "calls.jsonl")) if (out / "calls.jsonl").exists() else set()
        lost += bool(known - answers)
        known = answers
        most = max(most * (1 if alive else 0.9), seconds / 5)  # what is kept is not asked again: later runs are shorter
    again = verbs.measured([["distill", recipe]])
    assert again < 60
    names = {name_of(request): key for key, request in requests_of(recipe).items()}
    with Journal(out / "calls.jsonl") as journal:
        listed = {one.key for one in journal.unsettled()}
    twice = {call: count - 1 for call, count in paid.calls.items() if count > 1}
    return Figures(
        killed, lost, outputs(out) == expected, calls, sum(twice.values()), sum(names[call] not in listed for call in twice),
        at_once * killed,
    )  # fmt: skip


def requests_of(recipe):
    """Return every call that the recipe's first wave may make, by key."""
    opened = open_recipe(recipe)
    prepared = opened.prepared
    requests = [prepared.step(cell.draft(index), ())[0] for cell in prepared.cells for index in range(cell.most)]
    return dict(zip(keys(opened.teacher.identity(), requests), requests, strict=True))


def name_of(request):
    said = [{"role": one.role, "content": one.content} for one in request.messages]
    return json.dumps([said, request.parameters.seed + request.sample])
