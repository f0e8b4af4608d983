"""Synthetic before a real browser: its keys, hostile rows, a phone; and what a key press costs at 50,000 synthetic rows."""

import random
import statistics
import time

import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.distill.lineage import Teacher, Verdict
from vetset.tests.app.dashboard.test_hostile import CARD, KEY, MAIL, TEXTS, strangers
from vetset.tests.app.dashboard.test_synthetic_page import at_hand, standing, written
from vetset.tests.curate.synthetic_made import LABELS, TONES, made_row, mixed, real_rows

pytestmark = pytest.mark.slow


def test_keys_decide_rows_of_a_browser(tmp_path, serve, person):
    folder = written(tmp_path / "a.vet", mixed())
    page = person.open(f"{serve(folder).url}/synthetic")
    first = person.at_row()
    page.keyboard.press("a")
    second = person.at_row(other_than=first)
    page.keyboard.press("d")
    third = person.at_row(other_than=second)
    page.keyboard.press("n")
    fourth = person.at_row(other_than=third)
    assert standing(folder) == {first: "keep", second: "drop", third: "skip"}
    page.keyboard.press("u")
    person.told("Took back 1 decision.")
    assert person.at_row(other_than=fourth) == third
    assert standing(folder) == {first: "keep", second: "drop"}
    for view in ("Grid", "Diversity", "Spend and terms", "Rows"):
        page.get_by_role("button", name=view, exact=True).or_(
            page.get_by_role("radio", name=view, exact=True)
        ).first.click()
        person.settled()
        assert person.faults() == [], view


def test_a_click_on_a_cell_of_the_grid_leads_to_its_rows(tmp_path, serve, person):
    folder = written(tmp_path / "a.vet", mixed())
    page = person.open(f"{serve(folder).url}/synthetic?y.view=Grid")
    canvas = page.locator("canvas").first
    canvas.wait_for()
    person.settled()
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    button = page.locator(".st-key-synthetic-cell button").first
    button.wait_for()
    said = button.inner_text()
    label = next(label for label in LABELS if label in said)
    tone = next(tone for tone in TONES if tone in said)
    button.click()
    person.at_row()
    person.told("0 of 1 decided")
    assert f"{label}, {tone}, case" in page.locator("body").inner_text()


def test_hostile_synthetic_rows_are_text_on_a_phone(tmp_path, serve, people):
    lines = []
    for n, text in enumerate(TEXTS.values()):
        name = text[:200]
        evil = {
            "run": name, "cell": {name: name, "tone": "a"}, "why": text, "fate": "review",
            "teacher": Teacher(name, revision=name),
            "verdicts": (Verdict(name, "review", 0.5, text), Verdict("distill.judge", "pass", 0.25)), "made_extra": {name: text},
        }  # fmt: skip
        lines.append(made_row(n, [], **evil) | {"messages": text, "label": text[:300]})
    rows = frame(lines)
    rows = rows.vstack(frame([made_row(99, rows["id"].to_list())]))
    folder = written(tmp_path / "e.vet", rows)
    person = people(width=420, height=900)
    page = person.open(f"{serve(folder).url}/synthetic")
    row = person.at_row()
    for n in range(rows.height):
        assert page.evaluate("window.pwned") is None
        assert strangers(page) == []
        assert person.overflow() <= 0
        assert person.faults() == []
        text = page.locator("body").inner_text()
        assert not [secret for secret in (MAIL, CARD, KEY) if secret in text]
        page.keyboard.press("a")
        if n < rows.height - 1:
            row = person.at_row(other_than=row)
    page.get_by_text("Nothing is left under this filter").wait_for()
    for view in ("Grid", "Diversity", "Spend+and+terms"):
        person.open(f"{page.url.partition('?')[0]}?y.view={view}")
        assert page.evaluate("window.pwned") is None
        assert strangers(page) == []
        assert person.faults() == []
        assert person.overflow() <= 0


def test_a_key_press_at_50_000_synthetic_rows_is_quick(tmp_path, drawn):
    real = real_rows(1_000)
    ids, draw = real["id"].to_list(), random.Random(0)
    few = frame([made_row(n, draw.sample(ids, 3)) for n in range(1_200)])
    rows = pl.concat([few] * 42)[:50_000].with_columns(
        pl.format("{}{}", pl.int_range(50_000).hash(), pl.lit("-0")).alias("id")
    )
    folder = written(tmp_path / "s.vet", real.vstack(rows))
    page = drawn(folder, "synthetic")
    costs = []
    for _ in range(12):
        key, started = f"accept-{at_hand(page)}", time.process_time()
        page.button(key).click().run()
        costs.append(time.process_time() - started)
    print(f"CPU ms a key press: {[round(1e3 * one) for one in costs]}")
    assert statistics.median(costs) < 0.2
    assert len(standing(folder)) == 12
    assert page.get("progress")[0].proto.text.startswith("12 of 50,000 decided")
    assert len(LABELS) * len(TONES) == 12
