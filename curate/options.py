"""What a check may be told about likeness: thresholds, shingles, keepers, encoder. Kept with the set, so that it is said once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from .duplicates.near import THRESHOLD, Clusters
from .errors import UsageError, quote
from .near.shingles import Shingle


@dataclass(frozen=True)
class Options:
    """Options of the rules that compare texts; the defaults are those of ``duplicates.near``."""

    threshold: float = THRESHOLD
    """Least Jaccard index of two rows that are near."""
    shingle: Shingle = Shingle()
    """What texts are cut into."""
    keep: str = "longest"
    """Which row of a cluster is kept (``near.keepers``)."""
    clusters: Clusters = "star"
    """``star`` or ``connected``."""
    encoder: str | None = None
    """Whose vectors ``duplicates.semantic`` and ``leakage.meaning`` compare (``embed.encoder.find_encoder``)."""
    cosine: float | None = None
    """Least cosine of two vectors that are close; for ``None`` what the data's own score curve proposes."""
    download: bool = False
    """Whether an encoder may be fetched from the hub: for one run, never kept with the set."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense before any rule has run."""
        if not 0 < self.threshold <= 1:
            raise UsageError(f"--threshold is over 0 and at most 1, not {self.threshold}; the default is {THRESHOLD}.")
        if self.cosine is not None and not 0 < self.cosine <= 1:
            raise UsageError(f"--cosine is over 0 and at most 1, not {self.cosine}; leave it out for the data's own.")
        if self.clusters not in ("star", "connected"):
            raise UsageError(f"--clusters takes star or connected, not {quote(self.clusters)}.")

    @classmethod
    def given(cls, said: dict[str, Any]) -> Options:
        """Return the options of a command line or a manifest; what is ``None`` or unknown is left at its default."""
        known = {field.name for field in fields(cls)}
        chosen = {name: value for name, value in said.items() if name in known and value is not None}
        if isinstance(chosen.get("shingle"), str):
            chosen["shingle"] = Shingle.named(chosen["shingle"])
        return cls(**chosen)

    def said(self) -> dict[str, Any]:
        """Return what differs from the defaults, as JSON values."""
        default = asdict(Options()) | {"shingle": str(Shingle())}
        own = asdict(self) | {"shingle": str(self.shingle), "download": False}
        return {name: value for name, value in own.items() if value != default[name]}
