"""Data that wants to be more than text: it is shown as it is, secrets masked, asks nobody for anything, and can be decided."""

import json
import sqlite3
from contextlib import closing

import pytest

pytestmark = pytest.mark.slow

MAIL, CARD, KEY = "ann.lee@example.org", "4111 1111 1111 1111", "AKIAIOSFODNN7EXAMPLE"
RUNS = "window.pwned=1"
TEXTS = {
    "picture": "![look](http://evil.example/a.png) [here](http://evil.example/b) <http://evil.example/c>",
    "script": f"<script>{RUNS}</script><img src=x onerror='{RUNS}'><svg onload='{RUNS}'><iframe src='http://evil.example/d'>",
    "style": "</div></section><style>*{display:none}</style><link rel=stylesheet href=http://evil.example/e.css>",
    "codes": ":material/delete: :red[x] :smile: $\\href{http://evil.example}{x}$ $$\\frac{1}{2}$$ `a` # b\n- c\n1. d\n> e",
    "turned": "\u202eevil\u202c \u2066\u2067 ع \u0000 \x1b[31mred\x1b]0;title\x07 \ufeff\u200b\U000e0041",
    "secrets": f"write to {MAIL}, pay by {CARD}, the key is {KEY}",
    "long word": "w" * 20_000,
    "long": "lorem ipsum dolor " * 11_112,
    "table": "|a|b|\n|-|-|\n" + "|x|y|\n" * 50,
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, vetset):
    """The folder of a set of such texts, each also a label and a source, and of a conversation of 500 turns."""
    base = tmp_path_factory.mktemp("hostile")
    rows = [
        {"messages": _said(f"{text} ({i})"), "label": text[:300], "source": text[:300], "annotator": text[:100]}
        for text in TEXTS.values()
        for i in range(2)
    ]
    turns = [turn for i in range(250) for turn in _said(f"turn {i} {TEXTS['picture']}")]
    calls = [{"type": "function", "function": {"name": TEXTS["script"], "arguments": '{"mail": "' + MAIL + '"}'}}]
    rows.append({"messages": turns, "label": "a", "source": "s"})
    rows.append({"messages": [*_said("call"), {"role": "assistant", "tool_calls": calls}], "label": "a", "source": "s"})
    (base / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = base / "__a__ <b>$x$ :smile:.vet"
    vetset("read", base / "a.jsonl", "-o", folder, "--label", "label", "--source", "source", "--annotator", "annotator")
    vetset("check", folder, "--select", "duplicates.exact,labels.conflict,quality,duplicates.near")
    return folder, len(rows)


def _said(text):
    return [{"role": "user", "content": text}, {"role": "assistant", "content": f"so you say {text[:500]}"}]


def strangers(page):
    """Return what the page would load from, or lead to, at another place."""
    return page.evaluate(
        """() => [...document.querySelectorAll("a, img, iframe, link, script, object, video, audio")]
            .map((part) => part.href || part.src || part.data || "")
            .filter((to) => to && !["", location.hostname].includes(new URL(to, location.href).hostname))"""
    )


def test_hostile_rows_are_shown_as_they_are_and_can_be_decided(hostile, serve, people):
    folder, rows = hostile
    server, person = serve(folder), people(width=420, height=900)
    page = person.open(f"{server.url}/audit?a.rule=every+row&a.order=As+in+the+file")
    seen, row = [], person.at_row()
    for _ in range(rows):
        seen.append(row)
        text = page.locator("body").inner_text()
        assert page.evaluate("window.pwned") is None
        assert strangers(page) == []
        assert person.overflow() <= 0
        assert person.faults() == []
        for secret in (MAIL, CARD, KEY):
            assert secret not in text
        page.keyboard.press("a" if len(seen) % 2 else "d")
        person.told(f"{'Kept' if len(seen) % 2 else 'Dropped'}: {row[:12]}")
        if len(seen) < rows:
            row = person.at_row(other_than=row)
    page.get_by_text("Nothing is left under this filter").wait_for()
    with closing(sqlite3.connect(folder / "decisions.db")) as log:
        assert [row for (row,) in log.execute("SELECT row_id FROM decision ORDER BY seq")] == seen
    assert len(set(seen)) == rows
    page.keyboard.press("u")
    person.told("Took back 1 decision.")


def test_every_page_shows_hostile_data_as_text(hostile, serve, people):
    person = people()
    server = serve(hostile[0])
    person.open(server.url)
    for name in person.walk():
        assert person.page.evaluate("window.pwned") is None, name
        assert strangers(person.page) == [], name
        assert person.faults() == [], name
        text = person.page.locator("body").inner_text()
        assert not [secret for secret in (MAIL, CARD, KEY) if secret in text], name
