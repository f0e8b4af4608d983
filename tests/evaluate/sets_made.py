"""Sets for tests of eval sets: small, read from a file as a user's are."""

import json
import random

from vetset.curate import read
from vetset.curate.reading.mapping import Given

TOPICS = {
    "card": "card blocked stolen terminal pin contactless swallowed replacement delivery magnetic",
    "transfer": "transfer pending recipient iban reference abroad delayed bounced standing order",
    "rate": "exchange rate currency weekend markup conversion dollars euros spread fee",
    "login": "password login device reset code phone locked biometric session fingerprint",
}  # fmt: skip


def made_set(folder, *, rows=400, seed=0, copies=0, groups=True, name="tickets"):
    """Return a set of short questions of four labels, one rare, with conversations as groups and some repeated texts."""
    draw = random.Random(seed)
    records = []
    for number in range(rows):
        label = "login" if number % 50 == 0 else draw.choice(["card", "transfer", "rate"])
        words = draw.choices(TOPICS[label].split(), k=draw.randint(5, 9))
        words += [draw.choice(["please", "why", "help"]), f"case{number}"]
        draw.shuffle(words)
        records.append(
            {
                "text": " ".join(words),
                "label": label,
                "user": f"u{number // 3}" if groups else None,
                "channel": draw.choice("ab"),
            }
        )
    for number in range(copies):
        records.append({**records[number % 5], "user": f"copy{number}"})
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return read(
        [path], folder / f"{name}.vet", columns=Given(text="text", label="label", group="user" if groups else None)
    ).dataset
