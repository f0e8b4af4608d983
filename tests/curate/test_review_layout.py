"""The map of a set: what lies where, who is drawn, and which rows a polygon holds."""

import random
import time

import numpy as np
import polars as pl
import pytest
from vetset.curate import read
from vetset.curate.dataset import frame
from vetset.curate.review.layout import (
    LAYOUT,
    ask_layout,
    inside,
    is_laid_out,
    layout,
    layout_path,
    make_layout,
    open_layout,
)
from vetset.curate.review.sketch import is_made, make_sketch, open_sketch
from vetset.curate.review.spreading import nearest_points, spread
from vetset.curate.review.view import View, open_view

TOPICS = {
    "card": ["card", "lost", "stolen", "bank", "pin", "block", "swallowed", "machine", "limit", "plastic"],
    "flight": ["flight", "plane", "gate", "luggage", "seat", "airport", "delayed", "boarding", "aisle", "pilot"],
    "食物": ["汤太咸", "面包", "服务员", "菜单", "很饿", "披萨", "甜点", "盘子", "辣椒", "餐厅"],
}


def records(rows=240, seed=1):
    """Texts of three topics with their labels; a tenth says what another says."""
    draw = random.Random(seed)
    found = []
    for number in range(rows):
        label = list(TOPICS)[number % 3]
        text = " ".join(["please", *draw.sample(TOPICS[label], 4), str(number)])
        found.append({"text": text, "label": label, "source": "web" if number % 50 == 0 else "mail"})
    return found + found[: rows // 10]


def viewed(folder, of, name="x") -> View:
    """A view of a set of these records."""
    path = folder / f"{name}.jsonl"
    path.write_text(pl.DataFrame(of).write_ndjson(), encoding="utf-8")
    read([path], out=folder / f"{name}.vet")
    return open_view(folder / f"{name}.vet")


def bare(said):
    """A view of rows with these texts, with no set behind it."""
    rows = frame([{"messages": [{"role": "user", "content": text}]} for text in said])
    return rows.with_columns(text=pl.lit(""))


def laid(view, **options):
    """Its map, of a sketch that is made here."""
    make_sketch(view)
    sketch = open_sketch(view)
    assert sketch is not None
    return layout(view, sketch, **options)


def purity(view, found, near=10):
    """The share of the nearest on the map that have a row's label."""
    labels = view.rows["label"].gather(found["row"]).to_numpy()
    places = found.select("x", "y").to_numpy().astype(np.float64)
    apart = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    return float((labels[np.argsort(apart, axis=1)[:, :near]] == labels[:, None]).mean())


def test_texts_of_one_topic_lie_together(tmp_path):
    view = viewed(tmp_path, records())
    found = laid(view)
    assert found.schema == LAYOUT
    assert found["row"].to_list() == list(range(view.rows.height))
    assert found["x"].is_finite().all()
    assert found["y"].is_finite().all()
    assert purity(view, found) > 0.95


def test_the_same_rows_give_the_same_bytes_and_another_seed_others(tmp_path):
    view = viewed(tmp_path, records())
    found = laid(view)
    assert laid(view).equals(found)
    assert not laid(view, seed=1).equals(found)


def test_the_order_of_the_rows_changes_no_place(tmp_path):
    told = []
    of = records()
    for name, order in (("a", of), ("b", random.Random(5).sample(of, len(of)))):
        view = viewed(tmp_path, order, name)
        found = laid(view, most=150)
        told.append(found.with_columns(id=view.rows["id"].gather(found["row"])).drop("row").sort("id"))
    assert told[0].drop("drawn").equals(told[1].drop("drawn"))
    assert told[0]["drawn"].equals(told[1]["drawn"])


def test_rows_that_say_the_same_lie_in_one_place_and_one_of_them_is_drawn(tmp_path):
    view = viewed(tmp_path, records())
    found = (
        laid(view)
        .with_columns(text=view.rows["text"])
        .group_by("text")
        .agg(pl.col("x", "y").n_unique(), pl.col("drawn").sum())
    )
    assert found["x"].max() == found["y"].max() == 1
    assert found["drawn"].unique().to_list() == [1]


def test_rows_that_are_not_drawn_lie_among_those_that_they_are_like(tmp_path):
    view = viewed(tmp_path, records(600))
    found = laid(view, most=200)
    assert found["drawn"].sum() == 200
    assert found.height == view.rows.height
    assert purity(view, found) > 0.9


def test_of_too_many_rows_only_the_drawn_texts_have_a_place(tmp_path):
    view = viewed(tmp_path, records(600))
    found = laid(view, most=200, placed=300)
    assert found["drawn"].sum() == 200
    assert view.rows["text"].gather(found["row"]).n_unique() == 200


def test_a_rare_label_is_drawn_over_its_share(tmp_path):
    of = [{"text": f"common words {number}", "label": "common"} for number in range(900)]
    of += [{"text": f"another thing {number}", "label": "rare"} for number in range(9)]
    view = viewed(tmp_path, of)
    found = laid(view, most=50).filter("drawn")
    rare = (view.rows["label"].gather(found["row"]) == "rare").sum()
    assert 3 <= rare <= 9


@pytest.mark.parametrize(
    "texts", [[], ["one"], ["one", "two"], ["one", "two", "three"], ["same"] * 9, ["", " ", "word"]]
)
def test_few_rows_equal_ones_and_empty_ones_have_a_map(tmp_path, texts):
    view = View(tmp_path, "k", bare(texts), pl.DataFrame(), checked=False, manifest={})
    found = laid(view)
    assert found.schema == LAYOUT
    assert found.height == sum(1 for text in texts if text.strip())
    assert found["x"].is_finite().all()
    assert found["drawn"].sum() == len({text for text in texts if text.strip()})


def test_another_process_makes_the_map_and_its_sketch(tmp_path):
    view = viewed(tmp_path, records())
    assert not is_laid_out(view)
    assert open_layout(view) is None
    said, until = set(), time.monotonic() + 120
    while not (made := ask_layout(view)).done:
        assert not made.failed, made.said
        assert 0 <= made.share <= 1
        assert time.monotonic() < until
        said.add(made.said)
        time.sleep(0.1)  # as a page does
    assert said
    assert is_made(view)
    found = open_layout(view)
    assert found is not None
    sketch = open_sketch(view)
    assert sketch is not None
    assert found.equals(layout(view, sketch))


def test_the_making_tells_how_far_it_is(tmp_path):
    told = []
    make_layout(viewed(tmp_path, records()), tell=lambda share, said: told.append((share, said)))
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert 0 <= told[0][0] <= told[-1][0] <= 1
    assert any("turn 50 of 100" in said for _, said in told)


def test_a_damaged_map_is_as_none(tmp_path):
    view = viewed(tmp_path, records(30))
    make_layout(view).write_bytes(b"cut off")
    assert open_layout(view) is None
    assert not layout_path(view).exists()


def placed(points):
    """A map of these points."""
    x, y = zip(*points, strict=True) if points else ((), ())
    return pl.DataFrame({"row": range(len(x)), "x": x, "y": y, "drawn": [True] * len(x)}, schema=LAYOUT)


def test_a_polygon_holds_what_lies_within():
    found = inside(placed([(1, 1), (3, 1), (-1, 1), (1, 3)]), [(0, 0), (2, 0), (2, 2), (0, 2)], rows=4)
    assert found.tolist() == [True, False, False, False]


def test_a_star_that_crosses_itself_has_a_hole():
    star = [(0, 3), (1.8, -2.4), (-2.9, 0.9), (2.9, 0.9), (-1.8, -2.4)]
    assert inside(placed([(0, 0), (0, 2), (5, 5)]), star, rows=3).tolist() == [False, True, False]


def test_a_polygon_agrees_with_a_point_at_a_time():
    draw = random.Random(3)
    points = [(draw.uniform(-1, 1), draw.uniform(-1, 1)) for _ in range(300)]
    corners = [(draw.uniform(-1, 1), draw.uniform(-1, 1)) for _ in range(9)]
    expected = []
    for x, y in np.float32(points).astype(float).tolist():
        odd = False
        for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
                odd = not odd
        expected.append(odd)
    assert inside(placed(points), corners, rows=300).tolist() == expected
    assert 0 < sum(expected) < 300


@pytest.mark.parametrize("corners", [[], [(0, 0)], [(0, 0), (5, 5)], [(0, 0), (5, 0), (9, 0)]])
def test_a_polygon_without_an_area_holds_nothing(corners):
    assert not inside(placed([(1, 1), (0, 0)]), corners, rows=2).any()


def test_rows_without_a_place_lie_nowhere():
    found = inside(placed([(1, 1)]).with_columns(row=pl.lit(3, pl.UInt32)), [(0, 0), (2, 0), (2, 2), (0, 2)], rows=5)
    assert found.tolist() == [False, False, False, True, False]
    assert not inside(placed([]), [(0, 0), (2, 0), (2, 2)], rows=5).any()


def test_a_million_places_are_asked_at_once():
    draw = np.random.default_rng(0)
    many = pl.DataFrame(
        {"row": np.arange(1_000_000), "x": draw.normal(size=1_000_000), "y": draw.normal(size=1_000_000)}
    )
    around = [(np.cos(turn) + 0.1, np.sin(turn)) for turn in np.linspace(0, 2 * np.pi, 60, endpoint=False)]
    before = time.process_time()
    found = inside(many, around, rows=1_000_000)
    assert time.process_time() - before < 2.0
    assert abs(found.mean() - 0.39) < 0.02  # 1 - exp(-1/2) of the plane, a little off its middle


def test_the_nearest_points_are_those_of_brute_force():
    values = np.random.default_rng(0).normal(size=(700, 12)).astype(np.float32)
    products = values @ values.T
    np.fill_diagonal(products, -np.inf)
    expected = np.sort(np.argsort(-products, axis=1)[:, :5], axis=1)
    assert (np.sort(nearest_points(values, 5), axis=1) == expected).all()


def test_two_clouds_stay_two():
    draw = np.random.default_rng(0)
    middles = np.repeat(draw.normal(size=(2, 20)) * 3, 60, axis=0)
    values = (middles + draw.normal(size=(120, 20))).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    found = spread(values, draw.normal(size=(120, 2)).astype(np.float32))
    side = np.repeat([0, 1], 60)
    apart = ((found[:, None] - found[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (side[apart.argmin(axis=1)] == side).mean() > 0.95


@pytest.mark.slow
def test_on_the_map_of_a_banks_questions_neighbours_share_labels(shared, tmp_path):
    read([shared / "bank_intents" / "train.csv", shared / "bank_intents" / "test.csv"], out=tmp_path / "bank.vet")
    view = open_view(tmp_path / "bank.vet")
    found = laid(view)
    from sklearn.neighbors import KDTree

    labels, places = view.rows["label"].gather(found["row"]).to_numpy(), found.select("x", "y").to_numpy()
    near = KDTree(places).query(places, 11)[1][:, 1:]
    assert (labels[near] == labels[:, None]).mean() > 0.54  # 0.57, of 0.62 in the sketch; by chance 0.013
