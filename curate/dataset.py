"""The set: a folder ``NAME.vet/`` of rows, rejects, findings and decisions, and the fixed schema of a row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl

from . import disk, parts
from . import manifest as manifest_file
from .errors import DataError, StaleError, UsageError
from .messages import Content, Said, content_hash
from .wording import shell

MESSAGE = pl.Struct(
    {
        "role": pl.String,  # system, user, assistant, tool; other words are kept as they came
        "content": pl.String,  # null for a turn that only calls tools
        "tool_calls": pl.String,  # JSON array in OpenAI's shape, characters as in the source
        "tool_call_id": pl.String,
        "extra": pl.String,  # JSON object: what else the source said of this message
    }
)

ROWS = pl.Schema(
    {
        "id": pl.String,  # content hash, "-", ordinal among identical rows
        "messages": pl.List(MESSAGE),  # the conversation; a last assistant turn is the target
        "tools": pl.String,  # JSON schemas of the tools on offer, characters as in the source
        "rejected": pl.String,  # the worse reply, for preference data
        "label": pl.String,  # class or reference answer
        "group": pl.String,  # user, conversation, repository: what must not stand on both sides of a split
        "time": pl.Datetime("us", "UTC"),
        "annotator": pl.String,
        "source": pl.String,
        "license": pl.String,  # an SPDX identifier where known
        "origin": pl.String,  # "human" or the teacher that wrote it where the source says so; "unknown" otherwise
        "split": pl.String,  # an official split, or the one that vetset made
        "file": pl.String,  # where the row was read: path as given
        "line": pl.Int64,  # and line (or record, in files without lines), from 1
        "extra": pl.String,  # JSON object: the rest of the source row
    }
)
"""Columns of the rows frame, in order; ``id, messages, origin, file, line, extra`` are never null."""

FORMAT = 1  # of the folder; raised when an older vetset could misread it


@dataclass(frozen=True)
class Dataset:
    """An opened set. Frames are read once and kept; open the set again to see what another process wrote."""

    folder: Path

    @classmethod
    def open(cls, folder: str | Path) -> Dataset:
        """Open a set, finishing a change that a kill cut off.

        Raises:
            UsageError: there is no set at ``folder``.
            DataError: it was written by a newer vetset, or its manifest is damaged.
        """
        folder = Path(folder)
        if folder.is_file():
            raise UsageError(
                f"{folder} is a file and no set; run `vetset read {shell(folder)}`, which says where its set is."
            )
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such set; make one with `vetset read FILE -o {shell(folder)}`.")
        if any((folder / name).exists() for name in ("manifest.json", ".commit.json")):  # else it is no folder of ours
            disk.recover(folder)
        if not (folder / "manifest.json").exists():
            raise UsageError(
                f"{folder} holds no manifest.json, so it is not a set (or its first read was cut off); "
                f"run `vetset read FILE -o {shell(folder)}`."
            )
        dataset = cls(folder)
        version = dataset.manifest.get("format")
        if version != FORMAT:
            raise DataError(
                f"{folder}/manifest.json has format {version!r}, this vetset reads {FORMAT}; update vetset."
            )
        return dataset

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What was read and done: inputs, mapping, steps, exports."""
        path = self.folder / "manifest.json"
        found = manifest_file.load(path)
        if found is None:
            raise DataError(f"{path} is damaged; read the source files again with `vetset read`: decisions are kept.")
        return found

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The rows as read, ``ROWS`` columns, with ``split`` as vetset's own split has it where one was made."""
        rows = self._rows_as_read()
        if not (self.folder / parts.SPLITS).exists():
            if parts.is_lost(self.folder, parts.SPLITS):
                raise DataError(
                    f"{self.folder / parts.SPLITS} is gone or cut off, and with it the split that was made here; put it "
                    f"back from a copy, or run `vetset split {shell(self.folder)}` again (manifest.json holds its seed and "
                    "options)."
                )
            return rows
        made = self._parquet(parts.SPLITS)
        if made.height != rows.height or not made["id"].equals(rows["id"]):
            raise StaleError(
                f"{self.folder}/splits.parquet belongs to other rows; run `vetset split {shell(self.folder)}`."
            )
        return rows.with_columns(made["split"])

    @cached_property
    def findings(self) -> pl.DataFrame | None:
        """What the checks said, or ``None`` before the first check of these rows."""
        if parts.is_lost(self.folder, parts.FINDINGS):
            raise DataError(
                f"{self.folder / parts.FINDINGS} is gone or cut off; run `vetset check {shell(self.folder)}`, which makes it "
                "again."
            )
        return self._parquet(parts.FINDINGS) if (self.folder / parts.FINDINGS).exists() else None

    def as_read(self) -> Dataset:
        """Return the set with its rows in the splits of their source: what a new split starts from.

        The split that was made before may be lost, or be of other rows.
        """
        bare = Dataset(self.folder)
        bare.__dict__.update(manifest=self.manifest, rows=self._rows_as_read())
        return bare

    def official_split(self, row_id: str) -> str | None:
        """Return the split that the source gave a row, whatever vetset's own split says."""
        found = (
            pl.scan_parquet(self.folder / "rows.parquet", glob=False)
            .filter(pl.col("id") == row_id)
            .select("split")
            .collect()
        )
        return found.item() if found.height else None

    def rejects(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that could not become rows: ``file, line, reason, text``."""
        path = self.folder / parts.REJECTS
        if parts.is_lost(self.folder, parts.REJECTS):
            raise DataError(f"{path} is gone; read the source files again with `vetset read`: decisions are kept.")
        if path.exists():
            with path.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)

    def save(
        self, files: Mapping[str, disk.Writer | None], *, step: dict[str, Any] | None = None, **manifest: Any
    ) -> None:
        """Write files of the set and the manifest that tells of them as one change.

        Another process may have written in the meantime. Steps are appended to those that stand, a writer may read what
        stands in its file's place, and a manifest entry may be a function of what stands there: all of them are called
        while nobody else can write.

        Args:
            files: name to writer; ``None`` removes the file.
            step: appended to the manifest's steps.
            **manifest: other manifest entries to replace; a function is told the entry that stands, or ``None``.

        Raises:
            StaleError: the set was read or split anew since this one was opened; nothing was written.
        """
        with disk.locked(self.folder):
            now = manifest_file.load(self.folder / "manifest.json") or {"format": FORMAT, "steps": []}
            self._check_still(now, replaced={*manifest, *files})
            now.update({key: new(now.get(key)) if callable(new) else new for key, new in manifest.items()})
            if step is not None:
                now["steps"] = [*now.get("steps", []), step]
            now["parts"] = parts.after(self.folder, now, files)
            text = json.dumps(now, indent=1, ensure_ascii=False) + "\n"
            disk.replace_together(self.folder, {**files, "manifest.json": lambda beside: _write_text(beside, text)})
        self.forget()

    def forget(self) -> None:
        """Read what stands anew at the next look: it was changed, also by way of ``as_read``."""
        for name in ("manifest", "rows", "findings"):
            self.__dict__.pop(name, None)

    def _check_still(self, now: dict[str, Any], *, replaced: set[str]) -> None:
        """Raise where the rows that were seen are not those that stand, unless this very change replaces them."""
        seen = self.__dict__.get("manifest", {})
        if seen.get("digest") is not None and "digest" not in replaced and now.get("digest") != seen["digest"]:
            raise StaleError(
                f"{self.folder} was read anew in the meantime, so what was found belongs to other rows and was not "
                "written; run the command again."
            )
        if replaced & {"digest", "splits.parquet"} or "rows" not in self.__dict__:
            return
        made = self.folder / "splits.parquet"
        split = pl.read_parquet(made if made.exists() else self.folder / "rows.parquet", columns=["split"], glob=False)[
            "split"
        ]
        if now.get("train") != seen.get("train") or not split.equals(self.rows["split"]):
            raise StaleError(
                f"{self.folder} was split anew in the meantime, so what was found belongs to the split before and was "
                "not written; run the command again."
            )

    def _rows_as_read(self) -> pl.DataFrame:
        _ = self.manifest  # first: ``save`` must not take rows that were read anew after this for these
        rows = self._parquet(parts.ROWS)
        told = parts.known(self.manifest).get(parts.ROWS)
        if told is None or told == digest_of(rows["id"]):  # a twenty-fifth of what reading the rows costs
            return rows
        disk.recover(self.folder)  # waits for a change that is being put in place
        if (manifest_file.load(self.folder / "manifest.json") or {}).get("digest") != told:
            raise StaleError(f"{self.folder} was read anew in the meantime; run the command again.")
        raise DataError(
            f"{self.folder / parts.ROWS} holds other rows than those that were read here; put it back from a copy, or "
            "read the source files again with `vetset read`: decisions are kept."
        )

    def _parquet(self, name: str) -> pl.DataFrame:
        path = self.folder / name
        try:
            return pl.read_parquet(path, glob=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(
                f"{path} can't be read as Parquet ({type(error).__name__}); make it again with `vetset read`, "
                "then `vetset check`; decisions are kept."
            ) from error


def digest_of(ids: pl.Series) -> str:
    """Return the digest of rows by their ids, as ``vetset read`` notes it in the manifest: an id a line, in order."""
    return blake2b((ids + "\n").str.join("").item().encode(), digest_size=16).hexdigest()


def is_whole(folder: Path) -> bool:
    """Say whether the set's manifest can be read."""
    return manifest_file.load(folder / "manifest.json") is not None


def is_set(folder: Path) -> bool:
    """Say whether a folder is a set, damaged or not; other tools write a ``manifest.json``, too."""
    if not any((folder / name).is_file() for name in ("manifest.json", ".commit.json")):
        return False
    found = manifest_file.load(folder / "manifest.json") or {}
    return {"format", "inputs", "steps"} <= found.keys() or folder.resolve().name.endswith(".vet")


def sources_of(folder: Path) -> list[str]:
    """Return the paths that the set was read from, as they were given; none where its manifest can't be read."""
    inputs = (manifest_file.load(folder / "manifest.json") or {}).get("inputs")
    entries = [entry for entry in inputs if isinstance(entry, dict)] if isinstance(inputs, list) else []
    return [path for entry in entries if isinstance(path := entry.get("path"), str)]


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def parquet(frame: pl.DataFrame) -> disk.Writer:
    """Return a writer of ``frame`` as Parquet (zstd)."""
    return lambda path: frame.write_parquet(path, compression="zstd", compression_level=1)


def frame(records: list[dict[str, Any]]) -> pl.DataFrame:
    """Return a rows frame from Python records; missing columns are filled. For tests and small sets.

    ``id`` is computed; ``messages`` may be a string (one user turn) or a list of messages.

    >>> frame([{"messages": "hi", "label": "greeting"}]).select("label", "origin").row(0)
    ('greeting', 'unknown')
    """
    seen: dict[str, int] = {}
    full = []
    for line, record in enumerate(records, 1):
        given = record["messages"]
        said = [{"role": "user", "content": given}] if isinstance(given, str) else given
        messages: list[dict[str, Any]] = [{f.name: message.get(f.name) for f in MESSAGE.fields} for message in said]
        row = {"origin": "unknown", "file": "memory", "line": line, "extra": "{}", **record, "messages": messages}
        content = Content(
            [Said(**message) for message in messages], row.get("tools"), row.get("rejected"), row.get("label")
        )
        digest = content_hash(content)
        seen[digest] = seen.get(digest, -1) + 1
        full.append({name: row.get(name) for name in ROWS} | {"id": f"{digest}-{seen[digest]}"})
    return pl.DataFrame(full, schema=ROWS, orient="row")
