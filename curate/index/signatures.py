"""How the rows of an index are signed: MinHash values in bands, and what must agree before two signatures are compared.

The chance that two sets of Jaccard index J share at least one of b bands of r MinHash values is 1 - (1 - J^r)^b (Leskovec,
Rajaraman, Ullman, Mining of Massive Datasets, chapter 3). Rows that share a band are only suspected; the index proves or
drops them: a false suspicion costs a microsecond, a missed one a leak. So the bands are not ``MinHashLSH``'s own choice, which
weighs both alike: at 0.8 and 128 permutations it takes 9 bands of 13, which find 40% of the pairs of just 0.8. Here 21 bands
of 6 find 99.8% of them.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from functools import cache
from types import ModuleType

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import DataError, UsageError, quote
from ..near.shingles import Sets, Shingle, shingled
from ..version import version

U32 = npt.NDArray[np.uint32]
VERSION = 1  # of what is stored of a row; raised when an older vetset could misread it
PERMUTATIONS = 128  # 512 bytes a row; an estimate at 0.8 is off by 0.035 (one standard error)
THRESHOLD = 0.8
_SEED, _SCHEME = 1, "affine32"
_RECALL = 0.99  # of pairs of just the threshold; all above are found more surely
# Every path of the folding: the signatures of these change where anything before them does.
_PROBE = (
    "The quick brown fox jumps over the lazy dog, 12,5 times a day: quick_brown foxes!",
    "ＦＵＬＬ ｗｉｄｔｈ, ﬁne ﬃ, Straße, ΣΊΣΥΦΟΣ, İstanbul, cafe\u0301 and café, zero\u200bwidth, ﷺ",
    "日本語のテキストはスペースなしで書かれる ﾊﾟ 한국어 \u1112\u1161\u11ab ภาษาไทย नमस्ते दुनिया كِتَاب",
    "😀🎉❤\ufe0f !?",
    "hi",
)


@dataclass(frozen=True)
class Settings:
    """What stands at the head of an index. Two signatures are comparable where all but ``exact`` and ``writer`` agree."""

    shingle: str
    threshold: float
    """The lowest that is asked of it: the bands are made for it."""
    bands: int
    width: int
    """MinHash values of a band."""
    permutations: str
    """The factors and addends of the permutations, hexadecimal: they stand in the index, so no library can change them."""
    fingerprint: str
    """A hash of the signatures of a fixed text: it changes with folding, shingles, their hash and the permutations."""
    exact: bool
    """Whether the hashes of all shingles are kept, which prove a hit, or the signature, which estimates it."""
    writer: str
    version: int = VERSION

    def to_json(self) -> str:
        """Return the settings as one line."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str, place: str) -> Settings:
        """Read the settings of an index and refuse it where rows signed here can't be compared with its rows.

        Raises:
            DataError: they can't be read.
            UsageError: they were made in another way.
        """
        try:
            found = json.loads(text)
            if int(found["version"]) != VERSION:
                raise UsageError(
                    f"{place} holds signatures of version {int(found['version'])}, this vetset makes version {VERSION}; use "
                    f"vetset {quote(found.get('writer', '?'), 20)}, or add the sets to a new index."
                )
            settings = cls(**{field.name: found[field.name] for field in fields(cls)})
            a, _ = settings.parameters
            whole = 0 < settings.width * settings.bands <= a.size and Shingle.named(settings.shingle)
        except UsageError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"the head of {place} can't be read; {DAMAGED}") from error
        if not whole:
            raise DataError(f"the head of {place} makes no sense; {DAMAGED}")
        if fingerprint(settings.shingle, settings.permutations) != settings.fingerprint:
            raise UsageError(
                f"{place} was signed by vetset {quote(settings.writer, 20)}, which folds or hashes text in another way than "
                f"this one ({version()}); use that vetset, or add the sets to a new index."
            )
        return settings

    @property
    def parameters(self) -> tuple[U32, U32]:
        """Factors and addends of the permutations."""
        both = np.frombuffer(bytes.fromhex(self.permutations), "<u4").astype(np.uint32)
        half = both.size // 2
        return both[:half], both[half:]

    @property
    def recall(self) -> float:
        """The chance that a row at just the threshold is found."""
        return recall(self.threshold, self.bands, self.width)


DAMAGED = "it is damaged: move it away, and add the sets to a new index."


def made(shingle: str, threshold: float, *, exact: bool) -> Settings:
    """Return the settings of a new index; datasketch makes the permutations.

    Raises:
        UsageError: a shingle that is none, or a threshold that the bands can't serve.
    """
    from datasketch import MinHash

    shingle = str(Shingle.named(shingle))
    bands, width = banded(threshold)
    parameters = MinHash(PERMUTATIONS, seed=_SEED, scheme=_SCHEME).permutations
    text = np.ascontiguousarray(parameters, "<u4").tobytes().hex()
    return Settings(shingle, threshold, bands, width, text, fingerprint(shingle, text), exact, version())


def recall(jaccard: float, bands: int, width: int) -> float:
    """Return the chance that two sets share a band.

    >>> round(recall(0.8, 21, 6), 4), round(recall(0.8, 9, 13), 2)
    (0.9983, 0.4)
    """
    return 1 - (1 - jaccard**width) ** bands


def banded(threshold: float) -> tuple[int, int]:
    """Return how many bands of how many values: the widest that find 99% of the pairs of just the threshold.

    Raises:
        UsageError: a threshold under 0.3, where bands of one or two values suspect every row, or over 1.

    >>> banded(0.8)
    (21, 6)
    """
    if not 0.3 <= threshold <= 1:
        raise UsageError(f"the threshold of an index is from 0.3 to 1, not {threshold}; the default is {THRESHOLD}.")
    # No wider than 16, where J = 1 would take one band: a text of one word more should still be suspected.
    widths = [
        width for width in range(1, 17) if recall(threshold, PERMUTATIONS // width, width) >= _RECALL
    ]  # fmt: skip
    return PERMUTATIONS // widths[-1], widths[-1]


@cache
def fingerprint(shingle: str, permutations: str) -> str:
    """Return a hash of the signatures of a fixed text: equal here and there, rows signed here and there can be compared."""
    sets = shingled(pl.Series(_PROBE), shingle=Shingle.named(shingle), threads=1)
    both = np.frombuffer(bytes.fromhex(permutations), "<u4").astype(np.uint32)
    signed = signatures(sets, np.arange(len(_PROBE)), (both[: both.size // 2], both[both.size // 2 :]), threads=1)
    return hashlib.sha256(sets.sums.astype("<u8").tobytes() + signed.astype("<u4").tobytes()).hexdigest()[:16]


def signatures(sets: Sets, numbers: npt.NDArray[np.int64], parameters: tuple[U32, U32], *, threads: int | None) -> U32:
    """Return the MinHash signature of the sets of these numbers, (n, permutations), none of them empty."""
    starts, sizes = sets.starts[numbers], sets.sizes[numbers]
    out = np.full((numbers.size, parameters[0].size), 0xFFFFFFFF, np.uint32)
    threads = threads or os.cpu_count() or 1
    cuts = np.linspace(0, numbers.size, threads + 1).astype(int)
    sign = loops().sign

    def share(low: int, high: int) -> None:
        sign(sets.hashes, starts[low:high], sizes[low:high], *parameters, out[low:high])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(share, cuts[:-1], cuts[1:]))
    return out


def band_keys(signed: U32, settings: Settings) -> U32:
    """Return the key of each band, (bands, n): 32 bits, since a chance match is dropped like any other suspect."""
    out = np.empty((settings.bands, len(signed)), np.uint32)
    loops().band_keys(signed, settings.width, out)
    return out


def loops() -> ModuleType:
    """Return the compiled loops, or those in numpy where numba can't be had."""
    try:
        from . import kernels
    except ImportError:
        from . import kernels_in_numpy as kernels
    return kernels
