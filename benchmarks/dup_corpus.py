"""Texts with planted copies, for the bench of near-duplicates.

The texts are real: those of the public samples in ``../shared/data``, and the descriptions, documents and docstrings of the
packages of this environment, 50,000 of 570 bytes. Beyond that the same texts are cut into runs of 20 words, put together
anew, and one word in six is exchanged for another, so that hardly any two are alike. One text in eight is a copy with an edit
of which the Jaccard index is known beforehand (``words 0.85``) or told by the truth (``truncated``).

Seeded: the same packages, rows and seed give the same bytes.
"""

from __future__ import annotations

import csv
import json
import math
import random
import re
import sys
import sysconfig
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

SAMPLES = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
DATA = Path(__file__).resolve().parent / "data"
MEAN, SPREAD, LEAST = 800, 0.7, 200  # bytes of a text: log-normal; what is left of a source may be shorter
RUN, EXCHANGED = 20, 1 / 6
SHARE = 1 / 8  # copies among all rows

KINDS = (
    "exact", "words 0.95", "words 0.90", "words 0.85", "words 0.81", "words 0.78", "words 0.60", "case", "punctuation",
    "decomposed", "full width", "zero width", "soft hyphen", "prefix", "suffix", "truncated", "sentences", "ideographs",
)  # fmt: skip
UNICODE = ("decomposed", "full width", "zero width", "soft hyphen")
_UNIT = re.compile(r"\w+")
_WORD = re.compile(r"\S{1,40}\s*")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*|\n+")
_DOCSTRING = re.compile(r'"""(.{80,20000}?)"""', re.DOTALL)
_IDEOGRAPH = re.compile(r"[\u4e00-\u9fff]")
_ACCENTS = str.maketrans("aeiou", "áéîõü")


def corpus(rows: int, *, seed: int = 0) -> Path:
    """Make ``rows`` texts and return their file (Arrow, column ``text``); one that stands there is taken as it is.

    Beside it stand ``.jsonl`` (the same texts, one string a line) and ``.planted.json`` (``[source, copy, kind]``).
    """
    path = DATA / f"near-{rows}-{seed}.arrow"
    if path.exists():
        return path
    DATA.mkdir(exist_ok=True)
    draw = random.Random(seed)
    copies = int(rows * SHARE)
    texts = _texts(rows - copies, draw)
    planted = _plant(texts, copies, draw)
    order = list(range(rows))
    draw.shuffle(order)
    place = np.argsort(order)
    frame = pl.DataFrame({"text": [texts[index] for index in order]})
    with path.with_suffix(".jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(text, ensure_ascii=False) + "\n" for text in frame["text"])
    path.with_suffix(".planted.json").write_text(json.dumps([[int(place[a]), int(place[b]), k] for a, b, k in planted]))
    frame.write_ipc(path.with_suffix(".part"))
    path.with_suffix(".part").rename(path)
    return path


def planted(path: Path) -> list[tuple[int, int, str]]:
    """Rows and kind of each planted copy of a corpus."""
    return [tuple(entry) for entry in json.loads(path.with_suffix(".planted.json").read_text())]


def _texts(count: int, draw: random.Random) -> list[str]:
    real = list(dict.fromkeys(_pieces(draw)))
    draw.shuffle(real)
    if len(real) >= count:
        return real[:count]
    words = [_WORD.findall(text + "\n") for text in real]
    vocabulary: dict[str, int] = {}
    flat = np.array([vocabulary.setdefault(word, len(vocabulary)) for text in words for word in text], np.int32)
    spelt = np.array(list(vocabulary), object)
    lengths = np.array([len(text) for text in words])
    numbers = np.random.default_rng(draw.randrange(1 << 32))
    while len(real) < count:
        some = numbers.choice(lengths, min(20_000, count - len(real)))
        runs = -(-some // RUN)
        starts = np.repeat(numbers.integers(0, len(flat) - RUN, runs.sum()), RUN)
        ids = flat[starts + np.tile(np.arange(RUN), runs.sum())]
        changed = numbers.random(ids.size) < EXCHANGED
        ids[changed] = flat[numbers.integers(0, len(flat), changed.sum())]
        taken, ends = spelt[ids], np.cumsum(runs * RUN)
        real += ["".join(taken[end - run * RUN :][:size]) for end, run, size in zip(ends, runs, some, strict=True)]
    return real


def _pieces(draw: random.Random) -> Iterator[str]:
    """Cut the texts of all sources to lengths as real documents have them."""
    for text in _sources():
        words = _WORD.findall(text)
        while words:
            room, taken = MEAN / 1.28 * draw.lognormvariate(0, SPREAD), 0
            while taken < len(words) and room > 0:
                room -= len(words[taken].encode())
                taken += 1
            piece = "".join(words[:taken]).strip()
            words = words[taken:]
            if len(piece.encode()) >= LEAST:
                yield piece


def _sources() -> Iterator[str]:
    yield from _samples()
    libraries = [Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib"))]
    for library in libraries:
        for file in sorted(library.rglob("*")):
            if file.suffix not in (".py", ".md", ".rst", ".txt") and file.name != "METADATA":
                continue
            if library == libraries[1] and "site-packages" in file.parts:
                continue
            text = file.read_text(encoding="utf-8", errors="ignore")
            if file.suffix == ".py":
                yield from (re.sub(r"\n +", "\n", found) for found in _DOCSTRING.findall(text))
            elif file.name == "METADATA":
                yield text.partition("\n\n")[2]
            elif file.stat().st_size < 1 << 20:
                yield text


def _samples() -> Iterator[str]:
    csv.field_size_limit(sys.maxsize)
    for file in sorted(SAMPLES.rglob("*")):
        if file.suffix in (".json", ".jsonl") and file.name != "facts.json":
            text = file.read_text(encoding="utf-8")
            try:
                yield from _strings(json.loads(text))
            except json.JSONDecodeError:
                for line in filter(str.strip, text.splitlines()):
                    yield from _strings(json.loads(line))
        elif file.suffix in (".csv", ".tsv"):
            with file.open(encoding="utf-8", newline="") as lines:
                for row in csv.reader(lines, delimiter="\t" if file.suffix == ".tsv" else ","):
                    yield from (cell for cell in row if len(cell) > 40)
        elif file.suffix == ".sol":
            yield file.read_text(encoding="utf-8", errors="ignore")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _plant(texts: list[str], copies: int, draw: random.Random) -> list[tuple[int, int, str]]:
    """Append ``copies`` edited copies; a source may be a copy itself, so that chains and families come about."""
    long = [row for row, text in enumerate(texts) if text.isascii() and len(text) > 250]
    many = [row for row in long if len(_UNIT.findall(texts[row])) >= 120]
    han = [row for row, text in enumerate(texts) if len(_IDEOGRAPH.findall(text)) > 60]
    words = [word for row in draw.sample(long, min(len(long), 2_000)) for word in _UNIT.findall(texts[row])]
    boilerplate = [" ".join(draw.sample(words, draw.randint(10, 20))) for _ in range(5)]
    accented: set[int] = set()
    used: set[int] = set()
    planted = []
    for number in range(copies):
        kind = KINDS[number % len(KINDS)]
        source = draw.choice((han or long) if kind == "ideographs" else many if kind.startswith("words") else long)
        if kind == "decomposed" and source in used:
            kind = "exact"  # its letters can't be given accents any more: another copy was made of it
        elif kind == "decomposed":
            texts[source] = texts[source].translate(_ACCENTS)
            accented.add(source)
        used.add(source)
        texts.append(_edited(kind, texts[source], draw, words, boilerplate))
        planted.append((source, len(texts) - 1, kind))
        if kind.startswith("words") and draw.random() < 0.3:
            many.append(len(texts) - 1)
    return planted


def _edited(kind: str, text: str, draw: random.Random, words: list[str], boilerplate: list[str]) -> str:  # noqa: PLR0911, PLR0912
    if kind.startswith("words"):
        return _swapped(text, float(kind.split()[1]), draw, words)
    match kind:
        case "case":
            return text.upper()
        case "punctuation":
            return re.sub(r"(?<=[a-z])([.,;:]?)(\s)", lambda found: draw.choice(",;.!") + " " + found[2], text)
        case "decomposed":
            return unicodedata.normalize("NFD", text)
        case "full width":
            return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)
        case "zero width":
            return re.sub(r"\b(\w\w)(\w)", "\\1\u200b\\2", text)
        case "soft hyphen":
            return re.sub(r"\b(\w{3})(\w)", "\\1\u00ad\\2", text)
        case "prefix":
            return draw.choice(boilerplate) + "\n" + text
        case "suffix":
            return text + "\n" + draw.choice(boilerplate)
        case "truncated":
            return text[: int(len(text) * draw.uniform(0.7, 0.95))]
        case "sentences":
            parts = [part for part in _SENTENCE.split(text) if part.strip()]
            draw.shuffle(parts)
            return "\n".join(parts)
        case "ideographs":
            places = [found.start() for found in _IDEOGRAPH.finditer(text)]
            signs = list(text)
            for place in draw.sample(places, max(1, len(places) // 60)):
                signs[place] = chr(draw.randrange(0x4E00, 0x9F00))
            return "".join(signs)
        case _:
            return text


def _swapped(text: str, jaccard: float, draw: random.Random, words: list[str]) -> str:
    """Exchange words so far from one another that each takes five shingles away and brings five: J = (n - 5k) / (n + 5k)."""
    places = [found.span() for found in _UNIT.finditer(text)]
    exact = (len(places) - 4) * (1 - jaccard) / (1 + jaccard) / 5
    swaps = max(1, math.floor(exact) if jaccard >= 0.8 else math.ceil(exact))
    for step in reversed(range(swaps)):
        start, end = places[int((step + 0.5) * len(places) / swaps)]
        text = text[:start] + draw.choice(words) + text[end:]
    return text
