"""The commands that look and write nothing: findings, decisions, rules, exports, rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .answering import Json, SetArgument, answer
from .given import ConfigOption, SelectOption, commas, policy, warn


def findings(
    name: SetArgument,
    select: SelectOption = None,
    settled: Annotated[bool, typer.Option("--settled", help="Those that a decision has settled, too.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Most rows that are shown of a rule; 0 shows all.")] = 20,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """List the rows that the last check found, with their places; no rule runs."""
    from ..curate.dataset import Dataset
    from ..curate.listing import list_findings
    from .listing_pages import print_findings

    dataset = Dataset.open(name)
    found = list_findings(dataset, select=commas(select), settled=settled, policy=policy(config, dataset))
    warn(dataset)
    answer(found.summary(), as_json, lambda: print_findings(dataset, found, limit=limit))


def decisions(name: SetArgument, as_json: Json = False) -> None:
    """List what was decided, a line for all that can be taken back in one go."""
    from ..curate.dataset import Dataset
    from ..curate.decisions.history import batches
    from .listing_pages import print_decisions

    dataset = Dataset.open(name)
    found = batches(dataset)
    warn(dataset)
    answer({"batches": found.to_dicts()}, as_json, lambda: print_decisions(dataset, found))


def rule(
    name: Annotated[str | None, typer.Argument(help="The rule; without it, all are listed.")] = None,
    as_json: Json = False,
) -> None:
    """Explain a rule: what it finds, why it matters, what it cannot see, what to do."""
    from ..curate.decisions.policy import Policy
    from ..curate.rules import RULES, explain
    from .printing import print_rules

    if name is None:
        block = Policy().block
        known = {rule: {"finds": of.finds, "blocks": rule in block} for rule, of in RULES.items()}
        answer(known, as_json, lambda: print_rules(known))
        return
    page = explain(name)
    shown = f"{page.rstrip()}\n\nnext: vetset check NAME.vet --select {name}"
    answer({"rule": name, "page": page}, as_json, lambda: typer.echo(shown))


def verify(
    folder: Annotated[Path, typer.Argument(help="A folder that `vetset export` wrote.")],
    as_json: Json = False,
) -> None:
    """Recompute every digest and count of an export; exit code 1 if one differs."""
    from ..curate.exports.provenance import verify as run
    from .printing import print_verify

    result = run(folder)
    answer(result.summary(), as_json, lambda: print_verify(result))
    if not result.ok:
        raise typer.Exit(1)


def why(
    name: SetArgument,
    row: Annotated[str, typer.Argument(metavar="ID", help="The row, or the beginning of its id.")],
    as_json: Json = False,
) -> None:
    """Show the whole life of one row: source line, findings, decisions, splits, exports."""
    from ..curate.dataset import Dataset
    from ..curate.exports.life import why as run
    from .life_page import print_life

    dataset = Dataset.open(name)
    result = run(dataset, row)
    warn(dataset)
    answer(result.summary(), as_json, lambda: print_life(dataset, result))
