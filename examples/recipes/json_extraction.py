"""What a passenger says, as a JSON object of its fields: the words of a chat and the slots that people marked in them.

    python examples/recipes/json_extraction.py prepare FOLDER [DATA]
    python examples/recipes/json_extraction.py train FOLDER MODEL
    python examples/recipes/json_extraction.py judge FOLDER MODEL

DATA holds airline/train.tsv of Amazon's multi-domain goal-oriented dialogues (CDLA-Permissive-1.0).
"""

import csv
import json
import os
import random
from itertools import groupby

import steps
from steps import vetset

FIELDS = (
    "name", "booking_confirmation_number", "email_address", "phone_number", "departure_city", "arrival_city", "start_date",
    "seat_type", "price", "number_of_passengers",
)  # fmt: skip
ASKED = f"Answer with JSON: of these fields those that the passenger gives. {', '.join(FIELDS)}"
ROWS = 850


def prepare(folder, data):
    """Marked words become objects, their schema is written down, and the eval set is chosen before anything is trained."""
    folder.mkdir(parents=True, exist_ok=True)
    with (data / "airline" / "train.tsv").open(encoding="utf-8", newline="") as file:
        said = [row for row in csv.DictReader(file, delimiter="\t") if len(row["utterance"].split()) > 3]
    rows = [(row, found) for row in said if (found := fields(row)) and found.keys() <= set(FIELDS)]
    random.Random(1).shuffle(rows)
    rows.sort(key=lambda pair: -len(pair[1]))  # first those with several fields: one field is easily found
    with (folder / "passengers.jsonl").open("w", encoding="utf-8") as file:
        for row, found in rows[:ROWS]:
            turns = {"system": ASKED, "user": row["utterance"], "assistant": json.dumps(found)}
            messages = [{"role": role, "content": content} for role, content in turns.items()]
            file.write(json.dumps({"messages": messages, "conversation": row["conversationId"]}) + "\n")
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in FIELDS},
        "additionalProperties": False,
    }
    (folder / "passenger.schema.json").write_text(json.dumps(schema, indent=1), encoding="utf-8")
    os.chdir(folder)
    vetset(
        "read",
        "passengers.jsonl",
        "-o",
        "passengers.vet",
        "--group",
        "conversation",
        "--license",
        "CDLA-Permissive-1.0",
    )
    vetset("check", "passengers.vet", allowed=(0, 1))
    vetset("decide", "passengers.vet", "--policy")
    vetset("evalset", "build", "passengers.vet", "-o", "passengers.evalset", "--rows", "210", "--dev-share", "0.38")
    vetset("evalset", "freeze", "passengers.evalset")
    vetset("split", "passengers.vet", "--ratios", "0.95,0.05", "--names", "train,valid")
    vetset("export", "passengers.vet", "-o", "vetted")


def fields(row):
    """The words of each slot; nothing where they don't line up, or one slot stands at two places."""
    words, slots = row["utterance"].split(), row["slot-labels"].split()
    if len(words) != len(slots):
        return None
    runs = [
        (slot, " ".join(word for _, word in run))
        for slot, run in groupby(zip(slots, words, strict=True), lambda pair: pair[0])
    ]
    runs = [(slot, text) for slot, text in runs if slot != "O"]
    return dict(runs) if len({slot for slot, _ in runs}) == len(runs) else None


def train(folder, model):
    """Plan, then train."""
    steps.train("json_extraction", folder, model)


def judge(folder, model):
    """One look: every cheaper way, the adapter, the share of fields that are right, and whether the schema holds."""
    os.chdir(folder)
    vetset(
        "eval", model, "--on", "passengers.evalset", "--part", "ship", "--ladder", "--adapter", "adapters/json_extraction",
        "--examples", "passengers.vet", "--scorer", "fields", "--scorer", "schema:passenger.schema.json", "--max-tokens", 80,
        "--train", "vetted/train.jsonl", "--forgetting", "--name", "json",
    )  # fmt: skip
    steps.verdict("json")


if __name__ == "__main__":
    steps.main(prepare, train, judge, "support_chat")
