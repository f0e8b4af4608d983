"""Thirty decisions by keys alone, two taken back, and the exported file: it says what was pressed. And no key ever decides a row
that was not shown."""

import json
import sqlite3
from contextlib import closing

import polars as pl
import pytest

pytestmark = pytest.mark.slow

ROUND = ["accept", "suggestion", "digit", "drop", "typed", "skip", "accept", "edit", "suggestion", "digit"]
"""What is pressed, three times over: thirty decisions."""


def lines(folder):
    """Return the log: reviewer, action, row, value."""
    with closing(sqlite3.connect(folder / "decisions.db")) as log:
        return log.execute("SELECT reviewer, action, row_id, value FROM decision ORDER BY seq").fetchall()


def focus_by_tab(page, label, most=80):
    """Press Tab until the field of that name has the focus; returns how often."""
    for pressed in range(1, most):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == label:
            return pressed
    raise AssertionError(f"Tab does not reach {label}")


KEYS = {
    "accept": ("a", "Kept", "keep"), "drop": ("d", "Dropped", "drop"), "skip": ("n", "Skipped", "skip"),
    "use drop": ("s", "Dropped", "drop"), "use the mended text": ("s", "Edited", "edit"),
}  # fmt: skip
"""Key, the notice's first word, and the action, of what one key does."""


def press(person, act, row, label):
    """Press the keys of one act and wait for its notice; returns action and value (``...``: what it is the log says)."""
    page = person.page
    if act == "suggestion":
        says = page.locator(f"[class*=st-key-use-][class*='{row}'] button")
        says = says.first.inner_text().lower() if says.count() else ""  # Streamlit draws a second, hidden one
        act = next((name for name in KEYS if name in says), "accept")
    if act in KEYS:
        key, notice, action = KEYS[act]
        page.keyboard.press(key)
    elif act == "edit":
        notice, action = "Edited", "edit"
        _edit(person)
    else:
        other = next(name for name in ("neutral", "positive") if name != label)
        notice, action = f"Relabelled to {other}", "relabel"
        (_type if act == "typed" else _digit)(page, other)
    person.told(f"{notice}: {row[:12]}")
    return action, other if action == "relabel" else ... if action == "edit" else None


def _digit(page, label):
    page.keyboard.press({"negative": "1", "neutral": "2", "positive": "3"}[label])


def _type(page, label):
    page.keyboard.press("l")
    page.wait_for_function("document.activeElement.getAttribute('aria-label') === 'Any label'")
    page.keyboard.type(label[:5])  # its letters are keys elsewhere
    page.keyboard.press("Enter")


def _edit(person):
    page = person.page
    page.keyboard.press("e")
    page.get_by_role("dialog").wait_for()
    person.settled()
    focus_by_tab(page, "user", 10)
    page.keyboard.press("Control+End")
    page.keyboard.type(" (mended and signed)")
    focus_by_tab(page, "Why", 5)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for(state="detached")


def test_thirty_decisions_by_keys_alone_come_out_as_they_were_pressed(served, person, vetset, tmp_path):
    server = served("arabic_sentiment")
    rows = pl.read_parquet(server.folder / "rows.parquet")
    read = {row["id"]: (row["label"], row["messages"][0]["content"]) for row in rows.iter_rows(named=True)}
    page = person.open(f"{server.url}/audit?a.rule=any+rule")
    pressed, row = [], person.at_row()
    for act in ROUND * 3:
        assert page.locator(f".st-key-accept-{row}").is_visible()
        action, value = press(person, act, row, read[row][0])
        pressed.append(("ann", action, row, value))
        row = person.at_row(other_than=row)
    for number in (-1, -2):
        page.keyboard.press("u")
        page.wait_for_function(
            "(id) => document.querySelector(`.st-key-accept-${id}`) !== null", arg=pressed[number][2]
        )
        person.settled()
    person.outage = True
    server.stop()

    wrote = lines(server.folder)
    assert [line[:3] for line in wrote[:30]] == [line[:3] for line in pressed]
    assert all(value is ... or value == line[3] for line, (*_, value) in zip(wrote, pressed, strict=False))
    assert [line[:3] for line in wrote[30:]] == [("ann", "undo", pressed[-1][2]), ("ann", "undo", pressed[-2][2])]
    assert {action for _, action, _, _ in pressed} == {"keep", "drop", "relabel", "edit", "skip"}

    vetset("export", server.folder, "-o", tmp_path / "out", "--format", "text-label", "--held", "keep")
    found = exported(tmp_path / "out")
    for (_, action, row, value), (*_, kept) in zip(pressed[:-2], wrote, strict=False):
        label, text = read[row]
        if action == "drop":
            assert row not in found
        elif action == "relabel":
            assert found[row] == (value, text)
        elif action == "edit":
            assert found[row] == (label, json.loads(kept)[0]["content"])
            assert found[row] != read[row]
        else:
            assert found[row] == (label, text)
    for row in (pressed[-1][2], pressed[-2][2]):
        assert found[row] == read[row]
    touched = {row for _, _, row, _ in pressed}
    assert {row: said for row, said in found.items() if row not in touched} == {
        row: said for row, said in read.items() if row not in touched
    }


def exported(folder):
    """Return label and text of each row that was exported, by its id."""
    lineage = pl.read_parquet(folder / "lineage.parquet").filter(pl.col("file").is_not_null())
    files = {name: (folder / name).read_text().splitlines() for name in lineage["file"].unique()}
    said = {}
    for row, file, line in lineage.select("id", "file", "record").iter_rows():
        read = json.loads(files[file][line - 1])
        said[row] = (read["label"], read["text"])
    return said


def test_a_reason_is_reached_left_and_written_by_keys(served, person):
    server = served("bank_intents")
    page = person.open(f"{server.url}/audit?a.rule=duplicates.near")
    row = person.at_row()
    focus_by_tab(page, "Why")
    page.keyboard.type("a drop in the sea")  # a, d, s, e, n and more are keys elsewhere
    page.keyboard.press("Tab")
    page.keyboard.press("a")
    person.told(f"Kept: {row[:12]}")
    person.at_row(other_than=row)
    with closing(sqlite3.connect(server.folder / "decisions.db")) as log:
        assert log.execute("SELECT action, row_id, reason FROM decision").fetchall() == [
            ("keep", row, "a drop in the sea")
        ]


def test_one_of_77_labels_is_found_by_a_part_of_its_name(served, person):
    server = served("bank_intents")
    page = person.open(f"{server.url}/audit?a.rule=duplicates.near")
    row = person.at_row()
    page.keyboard.press("l")
    page.wait_for_function("document.activeElement.getAttribute('aria-label') === 'Any label'")
    page.keyboard.type("passcode forg")
    page.keyboard.press("Enter")
    person.told(f"Relabelled to passcode_forgotten: {row[:12]}")
    assert lines(server.folder) == [("ann", "relabel", row, "passcode_forgotten")]


def test_keys_that_come_too_fast_decide_no_row_that_was_not_shown(served, person):
    server = served("bank_intents")
    page = person.open(f"{server.url}/audit?a.rule=duplicates.near")
    row = person.at_row()
    page.evaluate(
        """() => {
            window.shown = []
            document.addEventListener("keydown", () => window.shown.push(
                [...document.querySelectorAll('[class*="st-key-accept-"]')].map((it) => it.className.match(/accept-(\\S+)/)[1])
            ), {capture: true})
        }"""
    )
    # A press while another is worked on is one that Streamlit cuts in with.
    pauses = [0, 0, 20, 50, 100, 150, 200, 300]  # ms between two presses: before, within and after a rerun
    for pause in pauses:
        page.keyboard.press("a")
        page.wait_for_timeout(pause)
        page.keyboard.press("a")
        row = person.at_row(other_than=row)
    decided = [row for _, _, row, _ in lines(server.folder)]
    shown = page.evaluate("window.shown")
    assert len(shown) == 2 * len(pauses)
    assert len(decided) >= len(pauses)
    assert len(set(decided)) == len(decided)  # a double press is one decision
    assert set(decided) <= {row for rows in shown for row in rows}
