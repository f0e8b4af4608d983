"""Planted leaks: which view finds which kind, and what it says of texts that leak nothing.

Real texts (grade-school problems, study abstracts, bank questions, English and Chinese instructions of the public samples) are
the eval side. Of each kind 50 are planted in a train side of other texts of the same sets; the rest of the eval side is
clean. The rephrased problems were written by a model (llm-decontaminator's set), all other plants by the functions below,
seeded.

    python benchmarks/contamination.py [plants of a kind] [seed]

The data stands in ``../shared/data``.
"""

from __future__ import annotations

import csv
import json
import random
import re
import statistics
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import polars as pl
from vetset.curate.dataset import frame
from vetset.curate.leakage.containment import find_contained
from vetset.curate.leakage.grams import find_ngram
from vetset.curate.leakage.masked import find_masked
from vetset.curate.leakage.near import find_near
from vetset.curate.leakage.short import find_short

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
NAMES = ["Zofia", "Kwame", "Ingrid", "Tomás", "Yuki", "Oksana", "Bilal", "Marisol", "Anders", "Priya"]
VIEWS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "near": find_near, "ngram": find_ngram, "contained": find_contained, "masked": find_masked, "short": find_short,
}  # fmt: skip
REPHRASED, SHORT = "rephrased by a model", "short, of the common words of its domain"
PHRASE = 0.5  # findings of leakage.ngram under this are marked as a turn of phrase, and are no alarm


def pools(data: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return train and eval texts of each set; sets without a split are cut in half."""
    gsm = [
        [
            json.loads(line)["question"]
            for line in (data / f"math_contamination/gsm8k/{name}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        for name in ("train", "test")
    ]
    bank = []
    for name in ("train", "test"):
        with (data / f"bank_intents/{name}.csv").open(encoding="utf-8", newline="") as file:
            bank.append([row["text"] for row in csv.DictReader(file)])
    studies = json.loads((data / "pubmedqa/ori_pqal.json").read_text(encoding="utf-8")).values()
    abstracts = [" ".join(study["CONTEXTS"]) for study in studies]
    chinese = [
        row["instruction"] + row["input"]
        for row in json.loads((data / "llm_formats/alpaca_zh_demo.json").read_text(encoding="utf-8"))
    ]
    chinese = [text for text in dict.fromkeys(chinese) if len(text) >= 20]
    asked = json.loads((data / "llm_formats/alpaca_en_demo.json").read_text(encoding="utf-8"))
    english = list(dict.fromkeys("\n".join(filter(None, (row["instruction"], row["input"]))) for row in asked))
    return {
        "problems": (gsm[0], gsm[1]),
        "bank": (bank[0], bank[1]),
        "abstracts": (abstracts[::2], abstracts[1::2]),
        "chinese": (chinese[::2], chinese[1::2]),
        "english": (english[::2], english[1::2]),
    }


def recased(text: str, draw: random.Random) -> str:
    """Other case, and punctuation dropped or added."""
    text = draw.choice([str.upper, str.lower, str.title])(text)
    return re.sub(r"[,.;:!?'\"，。]", lambda _: draw.choice(["", " ", " - ", "!"]), text)


def reformed(text: str, draw: random.Random) -> str:
    """Full-width or decomposed characters, zero-width and soft hyphens between letters."""
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and draw.random() < 0.5 else c for c in text)
    text = draw.choice([wide, unicodedata.normalize("NFD", text)])
    return "".join(
        c + ("\u200b\u00ad"[draw.random() < 0.5] if c.isalpha() and draw.random() < 0.2 else "") for c in text
    )


def truncated(text: str, draw: random.Random) -> str:
    """The first or the last half, and somewhat more."""
    length = int(len(text) * draw.uniform(0.5, 0.8))
    return text[:length] if draw.random() < 0.5 else text[-length:]


def wrapped(text: str, draw: random.Random) -> str:
    """The same prompt around each."""
    heads = [
        "You are a helpful tutor. Read the task with care and think step by step before you answer.\n\nTask: ",
        "### Instruction:\n",
    ]
    tails = ["\n\nGive only the final answer, and nothing else, on the last line of your reply.", "\n### Response:\n"]
    return draw.choice(heads) + text + draw.choice(tails)


def renumbered(text: str, draw: random.Random) -> str:
    """Every number another one."""
    return re.sub(r"\d+", lambda found: str(int(found.group()) + draw.randint(1, 9) * draw.choice([1, 10, 1000])), text)


def renamed(text: str, draw: random.Random, known: frozenset[str]) -> str:
    """Every name another one."""
    found = _names(text, known)
    others = dict(zip(found, draw.sample(NAMES, len(found)), strict=True)) if len(found) <= len(NAMES) else {}
    return re.sub(r"[^\W\d_]+", lambda word: others.get(word.group(), word.group()), text)


def _names(text: str, known: frozenset[str]) -> list[str]:
    """Capitalised words that no text writes in lower case."""
    words = dict.fromkeys(re.findall(r"[^\W\d_]+", text))
    return [word for word in words if word[0].isupper() and len(word) > 2 and word.lower() not in known]


def planted(each: int = 50, seed: int = 0, data: Path = DATA) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return rows with an eval and a train side, and the kind of each planted eval row's id."""
    draw = random.Random(seed)
    sides = pools(data)
    train = [text for known, _ in sides.values() for text in known]
    rephrased = [
        re.sub(r"^Question:\s*|\s*Answer:.*", "", json.loads(line)["text"], flags=re.DOTALL)
        for line in (data / "math_contamination/decontaminator/rephrase/rephrase_gsm8k.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    ]
    known = frozenset(word for text in train for word in re.findall(r"\b[a-z]+\b", text))
    problems = sides["problems"][1]
    shuffled = {name: draw.sample(texts, len(texts)) for name, (_, texts) in sides.items()}
    mixed = [
        text
        for some in zip(*shuffled.values(), strict=False)
        for text in some
        if len(text.split()) >= 8 or len(text) > 60
    ]
    documents = draw.sample(sides["abstracts"][0], 200)
    taken: set[str] = set()

    def take(texts: list[str], fits: Callable[[str], bool] = bool) -> list[str]:
        found = [text for text in texts if text not in taken and fits(text)][:each]
        taken.update(found)
        return found

    def inside(text: str) -> str:
        document = re.split(r"(?<=\.) ", draw.choice(documents))
        return " ".join([*document[:4], text, *document[4:]])

    def greeted(text: str) -> str:
        return f"Hello, I hope you can help. {text} Thanks for your time."

    def brief(text: str) -> bool:
        return 4 <= len(re.findall(r"\w+", text)) <= 7

    kinds: dict[str, tuple[list[str], Callable[[str], str]]] = {
        REPHRASED: (take(shuffled["problems"]), lambda text: rephrased[problems.index(text)]),
        "numbers changed": (
            take(shuffled["problems"], lambda text: len(re.findall(r"\d+", text)) > 1), lambda text: renumbered(text, draw),
        ),
        "names changed": (
            take(shuffled["problems"], lambda text: 1 <= len(_names(text, known)) <= 5), lambda text: renamed(text, draw, known),
        ),
        "verbatim": (take(mixed), lambda text: text),
        "case and punctuation": (take(mixed), lambda text: recased(text, draw)),
        "Unicode forms": (take(mixed), lambda text: reformed(text, draw)),
        "truncated to 50-80%": (
            take([text for text in mixed if len(text.split()) >= 20 or len(text) > 150]), lambda text: truncated(text, draw),
        ),
        "prompt around": (take(mixed), lambda text: wrapped(text, draw)),
        "inside of a document": (take(mixed), inside),
        "short, inside of a text": (take(shuffled["english"], brief), greeted),
        SHORT: (take(shuffled["bank"], brief), greeted),
    }  # fmt: skip
    leaks = [(kind, text, change(text)) for kind, (texts, change) in kinds.items() for text in texts]
    evals = list(dict.fromkeys(text for _, texts in sides.values() for text in texts))
    everything = train + [leak for *_, leak in leaks]
    draw.shuffle(everything)
    rows = frame(
        [{"messages": text, "split": "train"} for text in everything]
        + [{"messages": text, "split": "test"} for text in evals]
    )
    place = {text: len(everything) + at for at, text in enumerate(evals)}
    return rows, {rows["id"][place[text]]: kind for kind, text, _ in leaks}


def measure(each: int = 50, seed: int = 0, data: Path = DATA) -> tuple[pl.DataFrame, dict[str, float]]:
    """Return the recall of each view by kind and the rate of alarms on clean texts, and CPU seconds of each view."""
    rows, kinds = planted(each, seed, data)
    hits, seconds = {}, {}
    for name, view in VIEWS.items():
        before = time.process_time()
        found = view(rows)
        seconds[name] = time.process_time() - before
        if name == "ngram":
            hits["13-gram"] = set(found.filter(pl.col("score") > 0.8)["id"])
            hits["8-gram, any"] = set(found["id"])
            hits["8-gram"] = set(found.filter(pl.col("score") > PHRASE)["id"])
        else:
            hits[name] = set(found["id"])
    hits["8-gram, contained, masked"] = hits["8-gram"] | hits["contained"] | hits["masked"]
    hits["with short"] = hits["8-gram, contained, masked"] | hits["short"]
    clean = _clean(rows, set(kinds), data)
    order = [kind for kind in dict.fromkeys(kinds.values()) if kind not in (REPHRASED, SHORT)]
    by_kind = {kind: {row for row, own in kinds.items() if own == kind} for kind in [*order, SHORT, REPHRASED]}
    by_kind["the nine kinds"] = set(kinds) - by_kind[REPHRASED] - by_kind[SHORT]
    lines = [
        {"kind": kind, "rows": len(ids), **{view: len(ids & found) / len(ids) for view, found in hits.items()}}
        for kind, ids in (by_kind | clean).items()
    ]
    return pl.DataFrame(lines), seconds


def _clean(rows: pl.DataFrame, planted_ids: set[str], data: Path) -> dict[str, set[str]]:
    """Return the eval rows of which nothing was planted: problems as published, and all that share no 8 words with train.

    The latter are found by plain sets of word tuples. Bank questions repeat each other across their official splits (103 of
    3,080 are near, 326 share 8 words), so none of them is known to be clean.
    """
    text = rows["messages"].list.eval(pl.element().struct.field("content")).list.first()
    known, clean, published = set(), set(), set()
    sets = pools(data)
    problems = set(sets["problems"][1])
    others = problems | set(sets["abstracts"][1]) | set(sets["chinese"][1]) | set(sets["english"][1])
    for row, split, said in zip(rows["id"], rows["split"], text, strict=True):
        words = re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+", unicodedata.normalize("NFKC", said).casefold())
        grams = {tuple(words[at : at + 8]) for at in range(len(words) - 7)}
        if split == "train":
            known |= grams
        elif row not in planted_ids and said in others:
            if said in problems:
                published.add(row)
            if not grams & known:
                clean.add(row)
    return {"clean: no 8 words in common": clean, "clean: problems as published": published}


def table(measured: pl.DataFrame) -> str:
    """Return the figures as a Markdown table."""
    head = [*measured.columns]
    lines = [" | ".join(head), "|".join("-" for _ in head)]
    lines += [
        " | ".join([row[0], f"{row[1]:,}", *(f"{share:.3f}" if share else "0" for share in row[2:])])
        for row in measured.iter_rows()
    ]
    return "\n".join(f"| {line} |" if "-|" not in line else f"|{line}|" for line in lines)


def speed(train: int = 50_000, evals: int = 5_000, turns: int = 3) -> dict[str, float]:
    """Return the median CPU seconds of each view on problems whose words are partly exchanged."""
    draw = random.Random(1)
    real = pools(DATA)["problems"][0]
    words = sorted({word for text in real for word in text.split()})

    def made() -> str:
        return " ".join(word if draw.random() > 0.15 else draw.choice(words) for word in draw.choice(real).split())

    rows = frame([{"messages": made(), "split": "train" if at < train else "test"} for at in range(train + evals)])
    taken = {}
    for name, view in VIEWS.items():
        spent = []
        for _ in range(turns + 1):
            before = time.process_time()
            view(rows)
            spent.append(time.process_time() - before)
        taken[name] = statistics.median(spent[1:])
    return taken


if __name__ == "__main__":
    figures, _ = measure(*(int(argument) for argument in sys.argv[1:3]))
    print(table(figures))
    print("CPU seconds, 50,000 train and 5,000 eval rows:", {name: round(spent, 2) for name, spent in speed().items()})
