"""The heat map of the grid: which lines and columns it draws, and what each cell says."""

import json

import polars as pl
from vetset.app.dashboard.synthetic_grid import chart
from vetset.curate.distill.filling import FATES, filled, heat

EVIL = "{b} <b>x</b> ann@example.com"


def table(counts, wanted=2):
    """Return the heat of cells: ``{(label, tone): accepted}``."""
    cells = {pair: json.dumps({"label": pair[0], "tone": pair[1]}) for pair in counts}
    drafts = [(cells[pair], "accepted") for pair, accepted in counts.items() for _ in range(accepted)]
    drafts = pl.DataFrame(drafts, schema={"cell": pl.String, "fate": pl.String}, orient="row")
    return heat(filled(drafts, None if wanted is None else dict.fromkeys(cells.values(), wanted)), "label", "tone")


def test_each_cell_says_how_many_of_how_many():
    option, drawn, _ = chart(table({("card", "calm"): 2, ("card", "angry"): 1, ("loan", "calm"): 0}))
    assert drawn == (2, 2)
    assert option["yAxis"]["data"] == ["loan", "card"]  # the emptiest first
    said = {
        one["name"].split(":")[0]: (one["label"]["formatter"], one["value"][2]) for one in option["series"][0]["data"]
    }
    assert said == {"card · calm": ("2/2", 1.0), "card · angry": ("1/2", 0.5), "loan · calm": ("0/2", 0.0)}
    json.dumps(option, allow_nan=False)


def test_without_a_plan_the_counts_alone_are_drawn():
    option, _, _ = chart(table({("card", "calm"): 3, ("loan", "calm"): 1}, wanted=None))
    assert option["visualMap"]["max"] == 3
    assert sorted(one["label"]["formatter"] for one in option["series"][0]["data"]) == ["1", "3"]


def test_of_a_large_grid_the_emptiest_lines_are_drawn():
    counts = {(f"label {n:03}", f"tone {m:02}"): min(n // 10, 2) for n in range(100) for m in range(30)}
    option, drawn, _ = chart(table(counts))
    assert drawn == (60, 24)
    assert option["yAxis"]["data"][0] == "label 000"
    assert len(option["series"][0]["data"]) == 60 * 24


def test_names_of_a_user_are_masked_and_no_html():
    option, _, _ = chart(table({(EVIL, EVIL): 1, ("", "a"): 1}))
    assert option["tooltip"]["renderMode"] == "richText"
    assert "ann@example.com" not in json.dumps(option)
    assert "-" in option["yAxis"]["data"]


def test_an_empty_grid_draws_nothing():
    none = heat(filled(pl.DataFrame(schema={"cell": pl.String, "fate": pl.String})))
    assert none.select(FATES).is_empty()
    assert chart(none).size == (0, 0)
