"""Where a ship part comes from that nobody has looked at, and how far a set has moved on from one of its versions."""

from __future__ import annotations

from ...curate.wording import shell
from .evalset import MANIFEST_FILE, VERSIONS, EvalSet
from .reserve import RESERVE_FILE


def fresh_part(evalset: EvalSet) -> str:
    """Return the command that brings a part at which nobody has looked.

    ``refresh --from`` is none: rows that stay keep their looks.
    """
    home = belongs_to(evalset)
    if (home.folder / RESERVE_FILE).is_file():
        return f"`vetset evalset refresh {shell(home.folder)} --confirm`"
    other = home.folder.with_name(f"{home.folder.name.removesuffix('.evalset')}-2.evalset")
    return f"`vetset evalset build NEWER.vet -o {shell(other)} --confirm-share 0.25`"


def belongs_to(evalset: EvalSet) -> EvalSet:
    """Return the set of which this is a version: itself, where it is no old one."""
    folder = evalset.folder.resolve()
    return EvalSet(evalset.folder.parent.parent) if folder.parent.name == VERSIONS else evalset


def moved_on(evalset: EvalSet) -> str | None:
    """Return what there is to say where the set has a later version than the one at hand; ``None`` where it has not."""
    home = belongs_to(evalset)
    if not (home.folder / MANIFEST_FILE).is_file():
        return None
    then, now = int(evalset.manifest.get("version", 1)), int(home.manifest.get("version", 1))
    return None if now <= then else f"of version {then} of {home.name}, which is at version {now} now"
