"""The verb ``evalset build``: choose rows, keep them apart from what is trained on, and say what they can see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...curate import disk
from ...curate.dataset import Dataset, is_set
from ...curate.embed.encoder import Encoder, find_encoder
from ...curate.embed.encoding import Report
from ...curate.errors import UsageError
from ...curate.leakage.closeness import How, leaving, with_cosine
from ...curate.options import Options
from ...curate.version import version
from ...curate.wording import shell
from .aside import Aside, Before, before, put_back, refuse_namesake, set_aside, taken
from .candidates import pool_of, standing
from .choosing import EDGE_SHARE, Chosen, choose, design, region_count
from .edges import edge_cases
from .evalset import EVAL_ROWS, MANIFEST_FILE, EvalSet, save_evalset
from .forms import forms_in, forms_note
from .freezing import parts_of
from .keeping import ENOUGH, kept_rules, refuse_to_empty
from .parting import DEV, RESERVE, SHIP, Shares
from .reserve import read_reserve, write_reserve
from .sight import Sight, sight
from .unsettled import contested, unsettled, unsettled_notes

ROWS = 200
"""What a team can label in a day or two; ``Sight`` says what so many can see, and what more would."""

_MANY_COPIES = 0.05  # of the rest: more than the rows that a split of this size would take anyway


@dataclass(frozen=True)
class Built:
    """An eval set that was built, and what became of the set that its rows are from."""

    evalset: EvalSet
    chosen: Chosen
    aside: Aside
    sights: list[Sight]
    population: dict[str, Any]
    notes: list[str]
    dataset: Path
    remaining: int
    """Rows that stand in the set outside of eval sets, before the drops."""
    forms: int
    """Eval rows that train holds with other numbers and names (``forms``)."""
    doubted: Mapping[str, int] | None
    """Chosen rows on which a finding stands, by rule (``unsettled``); ``None`` where the set was never checked."""
    contested: tuple[int, int]
    """Chosen rows that ask what a row with another label asks, and those of which that one is chosen, too."""

    @property
    def rows(self) -> pl.DataFrame:
        """All chosen rows, those of the reserve too."""
        return self.chosen.rows

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        parts = dict(self.rows.group_by("part").len().sort("part").iter_rows())
        tags = self.rows["tags"].explode().drop_nulls().value_counts().sort(by="tags")
        return {
            "evalset": str(self.evalset.folder), "set": str(self.dataset), "rows": self.rows.height, "parts": parts,
            "population": self.population, "covered": self.chosen.covered, "edge_cases": dict(tags.iter_rows()),
            "too_close": {"rows": sum(self.aside.counts.values()), "of": self.remaining, "by_rule": dict(self.aside.counts)},
            "forms": self.forms, "split": self.aside.split, "batch": self.aside.batch, "unchecked": self.aside.unchecked,
            "unsettled": None if self.doubted is None else dict(self.doubted), "contested": list(self.contested),
            "sees": [one.summary() for one in self.sights], "notes": self.notes,
        }  # fmt: skip


def build(
    dataset: Dataset,
    out: str | Path,
    *,
    rows: int = ROWS,
    shares: Shares | None = None,
    by: Sequence[str] | None = None,
    split: str | None = None,
    edge_share: float = EDGE_SHARE,
    most_copies: int | None = None,
    keep_close: Sequence[str] | None = None,
    encoder: str | None = None,
    cosine: float | None = None,
    download: bool = False,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
    progress: Report | None = None,
) -> Built:
    """Choose the rows of an eval set; drop from the set what is too close to one of them.

    What is chosen stands in the split ``eval`` of the set, what is too close gets one batch of decisions; the rows themselves
    stay what they are. The same command again, before the set is frozen, takes its own doing back first.

    Args:
        dataset: the set.
        out: folder of the eval set.
        rows: how many.
        shares: of dev and of the reserve.
        by: columns of the strata (``candidates.pool_of``).
        split: rows of this split alone are chosen.
        edge_share: share of the rows that should be edge cases.
        most_copies: texts that stand more often are left out.
        keep_close: rules (``closeness.ALIKE``) whose finds stay in train; every later look at this eval set leaves them out, too.
            ``("none",)``: all may leave, even if they are most rows.
        encoder: for the regions, and for what means the same.
        cosine: least cosine of the same meaning.
        download: whether the encoder may be fetched.
        seed: of every random choice.
        say: told what takes time.
        progress: told how far an encoding is.

    Raises:
        UsageError: an option makes no sense, or ``out`` is frozen or something else.
        DataError: so many rows can't be chosen so.
        GateError: most of the other rows would leave, and nobody has said whether they may.
    """
    out, shares = Path(out), shares or Shares()
    if rows < 2:
        raise UsageError(f"--rows {rows} makes no eval set; 200 is usual, and the page says what so many can see.")
    if not 0 <= edge_share < 1:
        raise UsageError(f"--edge-share {edge_share} is no share; give one from 0 to under 1.")
    kept = kept_rules(keep_close)
    old = _standing_there(out)
    if not disk.writable(dataset.folder):
        raise UsageError(
            f"{dataset.folder} can't be written, so chosen rows could not leave its train side; copy it to a folder of yours."
        )
    name = out.name.removesuffix(".evalset")
    refuse_namesake(dataset, name, out)
    found = find_encoder(encoder, download=download).encoder if encoder is not None else None
    was = before(dataset, name, None if old is None else _chosen_before(old))
    try:
        return _build(
            dataset, out, name, was, found, rows=rows, shares=shares, by=by, split=split, edge_share=edge_share,
            most_copies=most_copies, kept=kept, asked=keep_close is not None, encoder=encoder, cosine=cosine,
            download=download, seed=seed, say=say, progress=progress,
        )  # fmt: skip
    except BaseException:
        put_back(dataset, name, was.undone)
        raise


def _build(
    dataset: Dataset, out: Path, name: str, was: Before, found: Encoder | None, *, rows: int, shares: Shares,
    by: Sequence[str] | None, split: str | None, edge_share: float, most_copies: int | None, kept: tuple[str, ...],
    asked: bool, encoder: str | None, cosine: float | None, download: bool, seed: int, say: Callable[[str], None],
    progress: Report | None,
) -> Built:  # fmt: skip
    cache = dataset.folder / "vectors"
    others = [one for key, one in taken(dataset).items() if key != name]
    stand = standing(dataset).drop("split").join(was.splits, on="id", how="left", maintain_order="left")
    stand = stand.select(dataset.rows.columns).filter(~pl.col("split").is_in(others) | pl.col("split").is_null())
    say(f"choosing {rows:,} of {stand.height:,} rows ...")
    pool = pool_of(
        dataset, stand, by=by, split=split, most_copies=most_copies, encoder=encoder, download=download, cache=cache,
        progress=progress,
    )  # fmt: skip
    region = pool.regions(region_count(rows))
    planned = design(pool, edge_cases(pool, region, dataset, rows=rows), region, rows=rows, edge_share=edge_share)
    chosen = choose(planned, shares, seed=seed)
    rest = stand.filter(~pl.col("id").is_in(chosen.rows["id"].implode()))
    doubted, twofold = unsettled(dataset, chosen.rows), contested(pool.rows, chosen.rows)
    notes = [*unsettled_notes(dataset, chosen.rows.height, doubted, twofold), *pool.notes]
    say(f"looking among {rest.height:,} rows for those that are too close ...")
    how = How(
        Options.given(dataset.manifest.get("options", {})),
        found,
        cosine,
        cache,
        progress,
        say,
        one_source=True,
        kept=kept,
    )
    how = with_cosine(how, rest, chosen.rows, notes)
    close = leaving(rest, chosen.rows, how, train=dataset.manifest.get("train", "train"), notes=notes)
    if not asked:
        refuse_to_empty(rest, chosen.rows, close, how)
    left = rest.filter(~pl.col("id").is_in(close["id"].implode()))
    if left["split"].null_count() < left.height:
        left = left.filter(pl.col("split") == dataset.manifest.get("train", "train"))
    forms = len(forms_in(chosen.rows, left))
    notes += forms_note(forms, chosen.rows.height, kept)
    if kept:
        notes.append(
            f"what {', '.join(kept)} would find stays in train, so scores are of forms that a model may have seen; "
            "`vetset check` still tells of it"
        )
    if found is None:
        notes.append("meaning was not compared: rows in other words may stand in train (--encoder NAME compares it)")
    copies = close.filter(pl.col("rule") == "leakage.exact").height
    if copies > _MANY_COPIES * rest.height:
        notes.append(
            f"{copies:,} rows of the set repeat a chosen text (short replies?) and leave train with it; --most-copies 20 keeps "
            "texts that stand oftener in train, and the eval set then speaks of the other rows alone"
        )
    population = {
        "from": str(dataset.folder), "rows": pool.rows.height, "units": len(planned.size), "split": split,
        "dropped": pool.dropped, "blank": pool.blank, "common": pool.common,
    }  # fmt: skip
    options = {
        "rows": rows, "dev_share": shares.dev, "confirm_share": shares.reserve, "by": list(pool.by), "edge_share": edge_share,
        "raised": round(planned.raised, 6), "most_copies": most_copies, "keep_close": list(kept),
        "encoder": pool.encoder, "cosine": how.cosine,
    }  # fmt: skip
    evalset = _save(out, name, chosen, population, options, dataset, seed)
    aside = set_aside(dataset, name, was.splits, chosen.rows, close, out=out, seed=seed)
    sights = [sight(evalset.rows, part) for part in (DEV, SHIP) if (chosen.rows["part"] == part).any()]
    notes += _thinned(rest.height - sum(aside.counts.values()), rest.height, aside.counts)
    return Built(
        evalset, chosen, aside, sights, population, notes, dataset.folder, rest.height, forms, doubted, twofold
    )


def _save(
    out: Path, name: str, chosen: Chosen, population: dict[str, Any], options: dict[str, Any], dataset: Dataset, seed: int
) -> EvalSet:  # fmt: skip
    open_rows = chosen.rows.filter(pl.col("part") != RESERVE)
    manifest = {
        "name": name, "version": 1, "digest": None,
        "built": {"version": version(), "set_digest": dataset.manifest.get("digest"), "seed": seed, "options": options},
        "population": [{**population, "share": 1.0}], "parts": parts_of(open_rows), "covered": chosen.covered,
        "since": {DEV: 1, SHIP: 1}, "reserve": int((chosen.rows["part"] == RESERVE).sum()), "alpha": 0.05, "history": [],
    }  # fmt: skip
    saved = save_evalset(out, manifest, open_rows.with_columns(digest=pl.lit("")).select(EVAL_ROWS.names()))
    write_reserve(out, chosen.rows.filter(pl.col("part") == RESERVE))
    return saved


def _standing_there(out: Path) -> EvalSet | None:
    """Return the eval set that is built anew; refuse to write over one that is frozen, or over anything else."""
    if not out.exists():
        return None
    if is_set(out) or not out.is_dir():
        raise UsageError(f"{out} is no eval set; name a folder for it with -o, such as {out.stem}.evalset.")
    if not (out / MANIFEST_FILE).is_file():
        if any(item.name != ".lock" for item in out.iterdir()):
            raise UsageError(f"{out} holds other files; name a new folder with -o.")
        return None
    old = EvalSet.open(out)
    if old.digest is not None:
        raise UsageError(
            f"{out} is frozen (digest {old.digest[:12]}), so that its scores stay comparable; renew a part of it with `vetset "
            f"evalset refresh {shell(out)} --from NEWER.vet`, or build another one with -o."
        )
    return old


def _chosen_before(old: EvalSet) -> pl.DataFrame:
    return pl.concat([old.rows.select("id", "split"), read_reserve(old.folder).select("id", "split")])


def _thinned(left: int, had: int, counts: Mapping[str, int]) -> list[str]:
    """Return what there is to say where little is left to train on."""
    if left >= ENOUGH or had == left:
        return []
    rule, rows = max(counts.items(), key=lambda one: one[1])
    return [
        f"only {left:,} of {had:,} rows are left to train on, and a verdict asks for {ENOUGH}: {rule} found most of the others "
        f"({rows:,}). Fewer eval rows (--rows), or more data; where the texts are filled-in forms, they are copies of each other"
    ]
