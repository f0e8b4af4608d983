"""Two people on one set, a server that is killed, a link that is passed on, a stranger's page that knocks."""

import base64
import os
import socket
import sqlite3
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.slow

QUEUE = "/audit?a.rule=duplicates.near"


def lines(folder):
    """Return the log: reviewer, action, row."""
    with closing(sqlite3.connect(folder / "decisions.db")) as log:
        return log.execute("SELECT reviewer, action, row_id FROM decision ORDER BY seq").fetchall()


def test_two_people_get_different_rows_and_the_second_on_one_row_is_told(served, people):
    server = served("bank_intents", "ann", "ben")
    ann, ben = people(), people()
    ann.open(f"{server.url}{QUEUE}")
    first = ann.at_row()
    ben.open(f"{server.url}{QUEUE}&reviewer=ben")
    assert ben.at_row() != first

    ben.open(f"{server.url}{QUEUE}&reviewer=ben&a.row={first}")
    assert ben.at_row() == first
    ben.told("ann looks at this row, too.")
    ann.page.keyboard.press("a")
    ann.told(f"Kept: {first[:12]}")
    ben.page.keyboard.press("d")
    ben.told("ann decided this row while you looked at it: keep. Yours was not written")
    assert ben.at_row() == first
    assert lines(server.folder) == [("ann", "keep", first)]
    ben.page.keyboard.press("d")  # now that ben has seen it
    ben.told(f"Dropped: {first[:12]}")
    assert lines(server.folder) == [("ann", "keep", first), ("ben", "drop", first)]


def test_a_page_that_is_reloaded_is_not_somebody_else(served, person):
    server = served("bank_intents", "ann", "ben")
    page = person.open(f"{server.url}{QUEUE}")
    row = person.at_row()
    person.open(page.url)
    assert person.at_row() == row
    assert page.get_by_text("looks at this row, too").count() == 0


def test_a_killed_server_loses_no_decision_that_was_told_and_the_tab_comes_back(served, person):
    server = served("bank_intents")
    page = person.open(f"{server.url}{QUEUE}")
    told, row = [], person.at_row()
    for _ in range(5):
        page.keyboard.press("a")
        person.told(f"Kept: {row[:12]}")
        told.append(row)
        row = person.at_row(other_than=row)
    person.outage = True
    page.keyboard.press("a")  # nobody waits for this one
    server.kill()
    page.wait_for_function(
        "document.querySelector('[data-testid=\"stApp\"]').dataset.testConnectionState !== 'CONNECTED'"
    )
    server.start()
    person.told("Keys are printed on the buttons.")  # of a new session
    row = person.at_row()
    page.keyboard.press("a")
    person.told(f"Kept: {row[:12]}")
    told.append(row)
    server.stop()
    with closing(sqlite3.connect(server.folder / "decisions.db")) as log:
        assert log.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    wrote = [row for _, _, row in lines(server.folder)]
    assert set(told) <= set(wrote)
    assert len(wrote) <= len(told) + 1


def test_an_address_opens_the_same_filter_and_the_same_row_elsewhere(served, people):
    server = served("bank_intents", "ann", "ben")
    ann, ben = people(), people()
    page = ann.open(f"{server.url}/audit")
    ann.at_row()
    page.get_by_role("combobox", name="Found by").click()
    page.get_by_role("option", name="every row").click()
    page.get_by_text("of 13,083 decided").wait_for()
    page.get_by_role("textbox", name="Search").or_(page.get_by_role("searchbox", name="Search")).fill("exchange rate")
    page.keyboard.press("Enter")
    page.get_by_text("of 13,083 decided").wait_for(state="detached")
    ann.settled()
    page.get_by_role("radio", name="All").or_(page.get_by_role("button", name="All", exact=True)).first.click()
    page.wait_for_url("**a.seen=All**")
    ann.settled()
    page.get_by_role("button", name="Next").first.click()
    row = ann.at_row(other_than=ann.row())
    page.wait_for_url(f"**{row}**")
    said = page.get_by_text("decided").first.inner_text()

    asked = parse_qs(urlsplit(page.url).query)
    assert asked["a.rule"] == ["every row"]
    assert asked["a.text"] == ["exchange rate"]
    there = ben.open(page.url.replace("reviewer=ann", "") + "&reviewer=ben")
    assert ben.at_row() == row
    assert there.get_by_text("decided").first.inner_text() == said
    assert "exchange rate" in there.locator('[data-testid="stChatMessage"]').first.inner_text().lower()


def test_another_filter_goes_to_its_first_row(served, person):
    server = served("bank_intents")
    page = person.open(f"{server.url}{QUEUE}")
    row = person.at_row()
    page.get_by_role("combobox", name="Found by").click()
    page.get_by_role("option", name="quality.length").click()
    page.wait_for_url("**quality.length**")
    assert person.at_row(other_than=row)
    page.get_by_text("of 89 decided").wait_for()


def test_a_page_from_elsewhere_can_not_speak_to_the_server(served):
    server = served("pubmedqa")
    assert "101" in _upgraded(server.port, f"http://127.0.0.1:{server.port}")
    assert "101" not in _upgraded(server.port, "http://evil.example")
    assert "101" not in _upgraded(server.port, "null")


def _upgraded(port, origin):
    """Ask for a WebSocket as a page of that origin would; returns the first line of the answer."""
    ask = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: streamlit\r\nOrigin: {origin}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(ask.encode())
        return line.recv(4096).decode(errors="replace").split("\r\n", 1)[0]
