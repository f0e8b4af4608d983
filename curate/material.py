"""The material of a check: the rows, what the user asked for, and what several rules need, each made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import polars as pl

from . import text
from .coverage.thin import Placed, Regions, may_be_thin, placed, thin_regions
from .coverage.wanted import Wanted
from .distill import fates, lineage
from .duplicates import semantic
from .embed.encoder import TFIDF, Encoder, find_encoder
from .embed.encoding import Progress, encode, row_texts, tell
from .labels.alias import Alias, aliases
from .labels.classes import SEVERAL, are_classes
from .labels.judged import Judged, judge_labels, knows_nothing, why_not
from .labels.labelled import Labelled, labelled
from .labels.targets import kind_of_labels, likeliest
from .near.score_curve import Curve
from .options import Options
from .outputs.exchanges import exchanges
from .privacy.in_rows import private


@dataclass(frozen=True)
class Material:
    """What a rule may look at. Turns and keys are made once, for the first rule that asks."""

    rows: pl.DataFrame
    against: pl.DataFrame | None = None
    train: str = "train"
    """Name of the split that is trained on."""
    options: Options = Options()
    cache: Path | None = None
    """A folder in which vectors are kept from check to check."""
    report: Callable[[Progress], None] | None = None
    """Told how far an encoding is."""
    notes: list[str] = field(default_factory=list)
    """What there is to say beside the findings, such as which encoder had to do."""
    wanted: Wanted = Wanted()
    """What the user's ``vetset.toml`` asks the set to hold."""
    known: pl.Series | None = None
    """Ids of all rows of the set, where ``rows`` are not all of them."""
    fates: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    """What a later run says of synthetic rows (``distill.fates``)."""

    @cached_property
    def encoder(self) -> Encoder:
        """What turns texts into vectors."""
        found = find_encoder(self.options.encoder, download=self.options.download)
        if found.note is not None:
            self.notes.append(found.note)
        return found.encoder

    @cached_property
    def label_encoder(self) -> Encoder:
        """What turns the texts that have a label into vectors: the encoder that was named, words where none was.

        An encoder takes minutes, and a check that nobody asked for it should not.
        """
        named = TFIDF if self.options.encoder is None else self.options.encoder
        return find_encoder(named, download=self.options.download).encoder

    @cached_property
    def labelled(self) -> Labelled:
        """The rows that have a label, with vectors (``label_encoder``)."""
        # Who asked for no encoder is told nothing of an encoding: words come in one batch, and some texts have none.
        asked = self.options.encoder is not None
        progress, notes = (self.report, self.notes) if asked else (None, None)
        return labelled(self.rows, encoder=self.label_encoder, cache=self.cache, progress=progress, notes=notes)

    @cached_property
    def regions(self) -> tuple[Placed, Regions] | None:
        """Regions of the texts, by the vectors of the labelled rows where most have a label; ``None`` where no gap can be."""
        if not may_be_thin(self.rows, train=self.train):
            return None
        if 2 * self.rows["label"].count() >= self.rows.height:
            own = self.labelled
            texts = Placed(own.row, own.text, own.vectors, own.texts)
        else:
            progress = None if self.options.encoder is None else self.report
            encoded = encode(row_texts(self.rows, "input"), self.label_encoder, cache=self.cache, progress=progress)
            tell(encoded, None if self.options.encoder is None else self.notes)
            texts = placed(encoded)
        return texts, thin_regions(self.single, texts, train=self.train)

    @cached_property
    def aliases(self) -> list[Alias]:
        """Labels that seem to be other ones."""
        return aliases(self.labelled, self.single, self.notes)

    @cached_property
    def several(self) -> bool:
        """Whether rows have several labels each."""
        return kind_of_labels(self.rows["label"]) == "several"

    @cached_property
    def single(self) -> pl.DataFrame:
        """The rows, with the likeliest label in place of shares of labels: what looks at one label a row looks at these."""
        shares = kind_of_labels(self.rows["label"]) == "shares"
        return self.rows.with_columns(likeliest(self.rows["label"])) if shares else self.rows

    @cached_property
    def single_keys(self) -> pl.DataFrame:
        """The keys of ``single``: shares that differ a little are no conflict where they are likeliest the same."""
        return self.keys if self.single is self.rows else text.keys(self.single)

    @cached_property
    def judged(self) -> Judged | None:
        """The labels, each judged by all other rows; ``None``, and a note on why, where that can't be."""
        if self.rows["label"].null_count() == self.rows.height:
            return None
        if self.several:
            if SEVERAL not in self.notes:
                self.notes.append(SEVERAL)
            return None
        reason = why_not(self.labelled)
        if reason is not None:
            if not len(self.labelled.code) or are_classes(self.labelled, self.notes):  # else it has said why itself
                self.notes.append(f"labels were not judged: {reason}")
            return None
        found = judge_labels(self.labelled, self.rows)
        reason = knows_nothing(found)
        if reason is not None:
            self.notes.append(f"labels were not judged: {reason}")
        return found if reason is None else None

    @property
    def knows_words_alone(self) -> bool:
        """Whether the vectors of ``labelled`` are of words, and not of an encoder that was named."""
        return self.options.encoder in (None, TFIDF)

    @cached_property
    def meanings(self) -> tuple[pl.DataFrame, Curve]:
        """Rows that mean the same, and the score curve, from one encoding."""
        return semantic.semantic(
            self.rows, encoder=self.encoder, threshold=self.options.cosine, keep=self.options.keep, train=self.train,
            cache=self.cache, progress=self.report, notes=self.notes,
        )  # fmt: skip

    @cached_property
    def turns(self) -> pl.DataFrame:
        """One line a message (``text.turns``)."""
        return text.turns(self.rows)

    @cached_property
    def private(self) -> pl.DataFrame:
        """Personal data and secrets in the rows (``privacy.in_rows``), looked for once for all kinds."""
        return private(self.rows, self.turns)

    @cached_property
    def exchanges(self) -> pl.DataFrame:
        """What was asked and answered, one line a row (``outputs.exchanges``)."""
        return exchanges(self.turns)

    @cached_property
    def synthetic(self) -> pl.DataFrame:
        """The lineage of the rows that a teacher wrote (``distill.lineage.synthetic``), each with its newest fate."""
        return fates.with_newest(lineage.synthetic(self.rows), self.fates)

    @cached_property
    def keys(self) -> pl.DataFrame:
        """What each row asks and answers, as keys (``text.keys``)."""
        return text.keys(self.rows)
