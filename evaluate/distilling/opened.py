"""What a recipe names, opened: the set, the eval sets, the teacher and what its tokens cost."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from ...curate.against import known_against
from ...curate.dataset import ROWS, Dataset
from ...curate.decisions.ledger import Ledger
from ...curate.distill.budget import Budget
from ...curate.distill.folder import JOURNAL, REPORT, SUFFIX, VERSION, check_folder, check_name
from ...curate.distill.lineage import Teacher, is_synthetic
from ...curate.distill.recipe import Recipe, read_recipe
from ...curate.distill.rows import Origin
from ...curate.errors import UsageError
from ...curate.version import version
from ..evalsets.evalset import MANIFEST_FILE, EvalSet
from ..models.openai_client import Limits
from ..models.opening import open_model
from ..models.protocol import Model
from ..scorers.prices import Price, Prices, read_prices

if TYPE_CHECKING:
    from ...curate.distill.prepared import Prepared


@dataclass(frozen=True)
class Opened:
    """A recipe with all that it names."""

    path: Path
    """Of the recipe."""
    recipe: Recipe
    folder: Path
    """Of the run."""
    dataset: Dataset
    teacher: Model
    prices: Prices | None

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.folder.name.removesuffix(SUFFIX)

    @property
    def journal(self) -> Path:
        """Where answers are kept."""
        return self.folder / JOURNAL

    @cached_property
    def prepared(self) -> Prepared:
        """The recipe with its rows; nobody is asked."""
        from ...curate.distill.prepared import prepare  # the rules that it needs take half a second to import

        return prepare(self.recipe, self.dataset, held=held_rows(self.dataset, self.against))

    @cached_property
    def against(self) -> list[str]:
        """Eval sets and files that nothing made may come close to: the recipe's, and those that the set was checked against."""
        return list(dict.fromkeys([*self.recipe.against, *known_against(self.dataset)]))

    @cached_property
    def price(self) -> Price | None:
        """What a million of the teacher's tokens cost; ``None`` without a price file."""
        return self.prices.of(self.recipe.budget.price_of or self.teacher.name) if self.prices else None

    @cached_property
    def budget(self) -> Budget:
        """The caps, with what a token of the teacher costs."""
        caps = self.recipe.budget
        return Budget(
            tokens=caps.tokens,
            money=caps.money,
            calls=caps.calls,
            seconds=caps.seconds,
            input_price=self.price.input / 1e6 if self.price else None,
            output_price=self.price.output / 1e6 if self.price else None,
            currency=self.prices.currency if self.prices else "",
        )

    def price_of(self, model: str) -> Price | None:
        """Return what a million tokens of another model, such as a judge, cost; ``None`` without a price file."""
        return self.prices.of(model) if self.prices else None

    @cached_property
    def origin(self) -> Origin:
        """What its rows say of where they come from."""
        recipe = self.recipe
        return Origin(
            run=self.name,
            kind=recipe.plan.kind,
            teacher=self.teacher.name,
            about=teacher_of(recipe, self.teacher),
            parameters=msgspec.to_builtins(recipe.teacher.parameters),
            license=recipe.license,
            made=day_of(self.folder),
            recipe=self.text_digest,
            input_price=self.price.input / 1e6 if self.price else None,
            output_price=self.price.output / 1e6 if self.price else None,
            currency=self.prices.currency if self.prices else None,
        )

    @cached_property
    def text_digest(self) -> str:
        """The SHA-256 of the recipe as it is written: its paths would differ by the folder that one stands in."""
        return sha256(self.path.read_bytes()).hexdigest()

    def digest(self) -> str:
        """Return the SHA-256 of all that decides what the run's files say besides the answers themselves."""
        rows = self.dataset.rows
        with Ledger.open(self.dataset.folder) as ledger:
            decided = ledger.last()
        told = [
            VERSION, version(), self.text_digest, dict(self.teacher.identity()), self.name,
            digest_places(rows.filter(~is_synthetic(rows))), self.dataset.manifest.get("train"), decided,
            [_digest_of(path) for path in self._files()],
            self.budget.input_price, self.budget.output_price,
        ]  # fmt: skip
        return sha256(_json(told)).hexdigest()

    def _files(self) -> list[str]:
        """Return the files, sets and folders that the recipe names and that decide verdicts."""
        recipe = self.recipe
        named = [spec.partition(":")[2].partition(":")[0] for spec in recipe.verify]
        rubric = recipe.judge.rubric if recipe.judge else ""
        return [*self.against, *named, recipe.plan.failures or "", rubric, recipe.encoder or ""]


def open_recipe(path: str | Path, out: str | Path | None = None, *, download: bool = False) -> Opened:
    """Open all that a recipe names; nobody is asked.

    Args:
        path: of the recipe.
        out: folder of the run; beside the recipe, by its name, for ``None``.
        download: a local teacher that is not here may be fetched.

    Raises:
        UsageError: the recipe, or something that it names, can't be used.
        DataError: the same, of damaged files.
    """
    path = Path(path)
    recipe = read_recipe(path)
    folder = Path(out) if out is not None else path.with_name(path.stem + SUFFIX)
    check_name(folder.name)
    check_folder(folder)
    dataset = Dataset.open(recipe.seeds)
    prices = read_prices(recipe.budget.prices) if recipe.budget.prices else None
    return Opened(path, recipe, folder, dataset, _teacher(recipe, download), prices)


def held_rows(dataset: Dataset, against: Sequence[str]) -> pl.DataFrame | None:
    """Return the rows of eval sets and of files, ``ROWS``; ``None`` where none is named.

    Raises:
        UsageError: one of them is not there.
        DataError: one of them can't be read.
    """
    from ...curate.eval_rows import eval_rows  # reading files takes a third of a second to import

    frames = []
    for path in against:
        if (Path(path) / MANIFEST_FILE).is_file():
            frames.append(EvalSet.open(path).rows.select(pl.col(name).cast(kind) for name, kind in ROWS.items()))
        elif (found := eval_rows(dataset, [path]).rows) is not None:
            frames.append(found)
    return pl.concat(frames) if frames else None


def _teacher(recipe: Recipe, download: bool) -> Model:
    said = recipe.teacher
    if said.model.startswith("openai:"):
        limits = Limits(
            concurrency=said.concurrency,
            requests_per_minute=said.requests_per_minute,
            tokens_per_minute=said.tokens_per_minute,
        )
        return open_model(said.model, key_env=said.key_env, extra=said.extra or None, limits=limits)
    of_servers = {"key_env": said.key_env, "extra": said.extra, "requests_per_minute": said.requests_per_minute}
    if named := [name for name, value in of_servers.items() if value]:
        raise UsageError(f"teacher.{named[0]} is of a server, which {said.model} is not; leave it out.")
    return open_model(said.model, download=download)


def teacher_of(recipe: Recipe, model: Model) -> Teacher:
    """Return the teacher as the rows' lineage tells it."""
    said = recipe.teacher
    url = model.identity().get("url")
    terms = said.terms.model_dump(mode="json") if said.terms else None
    return Teacher(model.name, url=url if isinstance(url, str) else None, revision=said.revision, terms=terms)


def day_of(folder: Path) -> str:
    """Return the day on which a run was begun: of its journal's first line, today where it has none.

    It stands in every row, so a run that goes on tomorrow must not give its rows another.
    """
    from ..models.journal_lines import read_line

    try:
        with (folder / JOURNAL).open("rb") as lines:
            for text in lines:
                read = read_line(text.strip())
                if read.line is not None and read.line.at:
                    return datetime.datetime.fromtimestamp(read.line.at, datetime.UTC).date().isoformat()
    except OSError:
        pass
    try:  # a run that took over all of its answers has sent nothing
        return str(json.loads((folder / REPORT).read_bytes())["made"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def digest_places(rows: pl.DataFrame) -> str:
    """Return the SHA-256 of what rows pass on and of the side that each stands on, in order: id, split, group, time, source."""
    told = sha256()
    for row in rows.select("id", "split", "group", "time", "source").iter_rows():
        told.update(msgspec.json.encode(row) + b"\n")
    return told.hexdigest()


def _digest_of(path: str) -> str | None:
    """Return the SHA-256 of a file, of a set's rows, of an encoder's weights; ``None`` where there is none."""
    place = Path(path)
    if place.is_dir():
        place = next(
            (file for name in ("rows.parquet", "model.safetensors") if (file := place / name).is_file()), place
        )
    return sha256(place.read_bytes()).hexdigest() if path and place.is_file() else None


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()
