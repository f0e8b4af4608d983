"""Small sets with findings, and what tests of a desk do with one."""

import polars as pl
from vetset.curate import findings as table
from vetset.curate.decisions.applied import Decision

ROWS = [{"messages": f"ticket {n % 7}", "label": "ab"[n == 9]} for n in range(12)]


def found(rows, *at, rule="duplicates.exact"):
    lines = [{"id": rows["id"][n], "rule": rule, "score": 1.0, "note": "A.", "suggest": "drop"} for n in at]
    return pl.DataFrame(lines, schema=table.SCHEMA)


def ids(desk):
    return desk.look().view.rows["id"]


def keep(desk, row, *, who="ann"):
    return desk.decide([Decision(ids(desk)[row], "keep")], reviewer=who, seen=desk.look().heads.seq)
