"""What a fine-tune forgot: the general mini suite and the perplexity of general text, base and candidate side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol, runtime_checkable

import msgspec
import polars as pl

from ...curate import disk
from ...curate.errors import DataError, UsageError, quote
from ...curate.wording import counted
from ..evalsets.touches import candidate_digest
from ..models.calling import answer_all
from ..models.journal import Journal
from ..models.likelihoods import Likelihood
from ..models.protocol import Model
from .general import Item, general_items, general_text, right, suite_digest

FILE = "forgetting.json"
FORMAT = 1


@runtime_checkable
class Reader(Protocol):
    """A model that can say how likely it finds a text, as local ones can."""

    def likelihoods(self, texts: Sequence[str], /) -> list[Likelihood]:
        """Return the likelihood of each text."""
        ...


class ItemPair(msgspec.Struct, frozen=True):
    """One item of the suite: 1 where right, 0 where wrong."""

    id: str
    kind: str
    base: float
    candidate: float
    base_output: str
    candidate_output: str


class TextPair(msgspec.Struct, frozen=True):
    """One paragraph: nats a token, which is the logarithm of its perplexity."""

    id: str
    register: str
    tokens: int
    base: float
    candidate: float


class Forgetting(msgspec.Struct, frozen=True, kw_only=True):
    """Base and candidate on the same items and paragraphs, value by value, for a paired test."""

    base: str
    candidate: str
    base_digest: str
    """Of the base's identity."""
    candidate_digest: str
    suite: str
    """Of the items and paragraphs, see ``general.suite_digest``."""
    items: list[ItemPair]
    texts: list[TextPair]
    """Empty where a model can't say how likely it finds a text; ``no_texts`` says so."""
    no_texts: str | None = None
    cpu_seconds: float = 0.0
    format: int = FORMAT

    def item_pairs(self) -> tuple[list[float], list[float]]:
        """Return the scores of base and candidate on the items; higher is better."""
        return [pair.base for pair in self.items], [pair.candidate for pair in self.items]

    def text_pairs(self) -> tuple[list[float], list[float]]:
        """Return nats a token of each paragraph under base and candidate; lower is better."""
        return [pair.base for pair in self.texts], [pair.candidate for pair in self.texts]

    def frame(self) -> pl.DataFrame:
        """Return the items as a frame: id, kind, base, candidate and both outputs."""
        return pl.DataFrame(
            [msgspec.structs.asdict(pair) for pair in self.items],
            schema={"id": pl.String, "kind": pl.String, "base": pl.Float64, "candidate": pl.Float64}
            | {"base_output": pl.String, "candidate_output": pl.String},
        )

    def summary(self) -> dict[str, Any]:
        """Return the figures: share of items right, by kind too, and mean nats a token over paragraphs."""
        base, candidate = self.item_pairs()
        texts = self.text_pairs()
        kinds: dict[str, dict[str, float]] = {}
        for kind in dict.fromkeys(pair.kind for pair in self.items):
            of_kind = [pair for pair in self.items if pair.kind == kind]
            kinds[kind] = {
                "items": len(of_kind),
                "base": fmean(pair.base for pair in of_kind),
                "candidate": fmean(pair.candidate for pair in of_kind),
            }
        return {
            "base": self.base, "candidate": self.candidate, "suite": self.suite, "items": len(base),
            "score_base": fmean(base), "score_candidate": fmean(candidate), "kinds": kinds, "texts": len(self.texts),
            "tokens": sum(pair.tokens for pair in self.texts),
            "nats_base": fmean(texts[0]) if self.texts else None,
            "nats_candidate": fmean(texts[1]) if self.texts else None,
            "no_texts": self.no_texts, "cpu_seconds": self.cpu_seconds,
        }  # fmt: skip


def measure_forgetting(
    base: Model,
    candidate: Model,
    *,
    earlier: Forgetting | None = None,
    journal: Journal | str | Path | None = None,
    told: Callable[[str], None] | None = None,
) -> Forgetting:
    """Ask base and candidate the general suite, and let both read the general text.

    Neither is told anything before the question: a system prompt of the task belongs to the task.

    Args:
        base: the model before training.
        candidate: the model after it.
        earlier: of another candidate of the same base; what it says of the base is taken over.
        journal: that keeps answers, see ``calling.answer_all``.
        told: is given a sentence before each of the up to four steps.

    Raises:
        DataError: candidate and base are the same, so that nothing could be seen, or an item has no answer.
    """
    begun = time.process_time()
    first, second = candidate_digest(base.identity()), candidate_digest(candidate.identity())
    if first == second:
        raise DataError(
            f"{quote(candidate.name)} is {quote(base.name)} itself: same weights, adapter and template; give the model before "
            "and the one after training."
        )
    known = earlier if earlier and (earlier.base_digest, earlier.suite) == (first, suite_digest()) else None
    items, no_texts = general_items(), None
    texts: list[TextPair] = []
    tell = told or (lambda _: None)
    before = [pair.base_output for pair in known.items] if known else _outputs(base, journal, tell)
    after = _outputs(candidate, journal, tell)
    if isinstance(base, Reader) and isinstance(candidate, Reader):
        passages = general_text()
        read = [pair.base for pair in known.texts] if known and known.texts else _nats(base, base.name, tell)
        found = candidate.likelihoods(_texts(candidate.name, tell))
        texts = [
            TextPair(passage.id, passage.register, likelihood.tokens, nats, likelihood.per_token)
            for passage, nats, likelihood in zip(passages, read, found, strict=True)
        ]
    else:
        dumb = base if not isinstance(base, Reader) else candidate
        no_texts = f"{dumb.name} does not say how likely it finds a text; load the model here to measure perplexity."
    return Forgetting(
        base=base.name, candidate=candidate.name, base_digest=first, candidate_digest=second, suite=suite_digest(),
        items=[
            ItemPair(item.id, item.kind, _score(item, one), _score(item, two), one, two)
            for item, one, two in zip(items, before, after, strict=True)
        ],
        texts=texts, no_texts=no_texts, cpu_seconds=round(time.process_time() - begun, 3),
    )  # fmt: skip


def forgetting_rows() -> pl.DataFrame:
    """Return the suite as a frame, for people who want to read what is asked: id, kind, ask, check (JSON)."""
    return pl.DataFrame(
        [(item.id, item.kind, item.ask, msgspec.json.encode(item.check).decode()) for item in general_items()],
        schema=["id", "kind", "ask", "check"], orient="row",
    )  # fmt: skip


def save_forgetting(folder: str | Path, found: Forgetting) -> Path:
    """Write ``forgetting.json`` beside a run and return its path.

    Raises:
        UsageError: the folder can't be written.
    """
    path = Path(folder) / FILE
    text = msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"
    try:
        disk.write_whole(path, lambda beside: beside.write_bytes(text))
    except OSError as error:
        raise UsageError(f"{path} can't be written ({error.strerror}); give the folder of a run.") from error
    return path


def read_forgetting(folder: str | Path) -> Forgetting | None:
    """Return what was measured beside a run; ``None`` where nothing was.

    Raises:
        DataError: the file is damaged, or of a newer vetset.
    """
    path = Path(folder) / FILE
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Forgetting)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is damaged; measure again: `vetset eval` with --forgetting.") from error
    if found.format != FORMAT:
        raise DataError(f"{path} has format {found.format}, this vetset reads {FORMAT}; update vetset.")
    return found


def _outputs(model: Model, journal: Journal | str | Path | None, tell: Callable[[str], None]) -> list[str]:
    requests = [item.request() for item in general_items()]
    tell(f"{model.name} answers {len(requests)} general questions")
    answers = answer_all(model, requests, journal=journal)
    failed = [answer for answer in answers if answer.finish == "error"]
    if failed:  # left out, they would hide what was forgotten
        raise DataError(
            f"{quote(model.name)} gave no answer to {counted(len(failed), 'general question')} of {len(answers)} "
            f"({quote(failed[0].error, 120)}); see to that and run again: a journal keeps the answers that came."
        )
    return [answer.text or "" for answer in answers]


def _score(item: Item, output: str) -> float:
    return float(right(item.check, output))


def _texts(name: str, tell: Callable[[str], None]) -> list[str]:
    passages = general_text()
    tell(f"{name} reads {counted(len(passages), 'general paragraph')}")
    return [passage.text for passage in passages]


def _nats(reader: Reader, name: str, tell: Callable[[str], None]) -> list[float]:
    return [likelihood.per_token for likelihood in reader.likelihoods(_texts(name, tell))]
