"""Training runs for tests: rows in files, the tiny model, and recipes over both."""

import json

from vetset.train.recipe import read_recipe
from vetset.train.training import train


def asked(number):
    return {"role": "user", "content": f"say it {number} times"}


def told(text):
    return {"role": "assistant", "content": text}


def answers(count=24):
    """Rows of different lengths, so that batches have something to pad."""
    return [{"messages": [asked(number), told("abc " * (number % 5 + 1))]} for number in range(count)]


def pairs(count=20):
    return [
        {"prompt": [asked(one)], "chosen": [told("yes" * (one % 4 + 1))], "rejected": [told("no")]}
        for one in range(count)
    ]


def judged(count=20):
    return [
        {"prompt": [asked(one)], "completion": [told("yes" * (one % 4 + 1))], "label": one % 2 == 0}
        for one in range(count)
    ]


def texts(count=40):
    return [{"text": f"a text of the number {one}. " * (one % 3 + 1)} for one in range(count)]


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def recipe_of(tiny, data, out, **more):
    """A recipe that takes a second: the tiny model, small batches, a rate that moves something in a few steps."""
    given = {"base": str(tiny), "data": str(data), "out": str(out), "rank": 4, "batch": 4, "learning_rate": 1e-2}
    return read_recipe(None, given | more)


def run(recipe, **options):
    """Train, and return what it came to and what was said."""
    said = []
    return train(recipe, tell=said.append, **options), said
