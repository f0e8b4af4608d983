"""Pages as Streamlit's own harness draws them: what goes wrong between two people, two tabs or two presses."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from vetset.app.cli import run
from vetset.curate.decisions.decision import Decision
from vetset.curate.errors import UsageError
from vetset.curate.review.desk import Desk
from vetset.curate.review.worklist import Filter


@pytest.fixture
def drawn(drawn):
    """``drawn(folder, "audit")``: a tab of one of two reviewers, at every row."""
    return lambda folder, module: drawn(folder, module, reviewers=("ann", "ben"), session={"a.rule": "every row"})


def made(place, rows):
    """Return the folder of a set of so many rows."""
    lines = [{"text": f"text {number}", "label": "ab"[number % 2]} for number in range(rows)]
    (place / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(["read", "a.jsonl"]) == 0
    return place / "a.vet"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set of twelve rows."""
    monkeypatch.chdir(tmp_path)
    return made(tmp_path, 12)


def accept(page):
    """Press A on the row at hand; returns its id."""
    (key,) = [button.key for button in page.button if button.key.startswith("accept-")]
    page.button(key).click().run()
    return key.removeprefix("accept-")


def standing(folder):
    """Return the ids of the rows of which a decision stands."""
    with Desk(folder) as desk:
        return desk.look().heads.frame["row_id"].to_list()


def said(page):
    """Return the notices on the page."""
    return " ".join(told.value for told in [*page.caption, *page.warning, *page.error])


NOTHING = "Nothing that you decided in this tab is left to undo; Decisions takes back any batch."


def test_u_takes_back_what_this_tab_decided_and_nothing_of_another_tab_of_the_same_name(folder, drawn):
    one, other = drawn(folder, "audit"), drawn(folder, "audit")
    with Desk(folder) as desk:  # what the same name decided elsewhere, in a terminal
        elsewhere = desk.look().view.rows["id"][11]
        desk.decide([Decision(elsewhere, "drop")], reviewer="ann", seen=0)
    first, second = accept(one), accept(one)
    others = accept(other.run())
    assert others not in (first, second)
    for expected, back in (
        ([elsewhere, first, others], "Took back 1 decision."), ([elsewhere, others], "Took back 1 decision."),
        ([elsewhere, others], NOTHING),
    ):  # fmt: skip
        one.button("undo").click().run()
        assert sorted(standing(folder)) == sorted(expected)
        assert back in said(one)
    other.button("undo").click().run()
    assert standing(folder) == [elsewhere]


def test_u_passes_over_what_was_taken_back_elsewhere_and_over_another_name_of_the_same_tab(folder, drawn):
    page = drawn(folder, "audit")
    first, second = accept(page), accept(page)
    with Desk(folder) as desk:
        desk.undo(desk.ledger.log()["batch"][1], reviewer="ben")
    page.session_state["reviewer"] = "ben"
    page.run().button("undo").click().run()
    assert NOTHING in said(page)
    assert standing(folder) == [first]
    page.session_state["reviewer"] = "ann"
    page.run().button("undo").click().run()
    assert standing(folder) == []
    assert second != first


def test_a_large_batch_is_taken_back_by_the_second_press_within_ten_seconds(tmp_path, monkeypatch, drawn):
    monkeypatch.chdir(tmp_path)
    folder = made(tmp_path, 130)
    from vetset.app.dashboard import acting

    page = drawn(folder, "audit")
    page.button("bulk").click().run()
    page.radio("bulk-way").set_value("skip").run()
    page.button("bulk-go").click().run()
    assert len(standing(folder)) == 130
    clock = [1_000.0]
    monkeypatch.setattr(acting.time, "monotonic", lambda: clock[0])
    for wait in (0, 11):  # a press that comes too late asks again
        clock[0] += wait
        page.button("undo").click().run()
        assert "U once more takes back 130 rows" in said(page)
        assert len(standing(folder)) == 130
    clock[0] += 9
    page.button("undo").click().run()
    assert "Took back 130 decisions." in said(page)
    assert standing(folder) == []


def test_a_fault_says_in_the_terminal_where_it_happened_and_nothing_of_a_row(folder, drawn, monkeypatch, capsys):
    from vetset.app.dashboard import neighbours

    row = "\x1b]0;evil\x07 ann@example.com 4111 1111 1111 1111 " + "a long text " * 40

    def fails(*_):
        try:
            int(row)
        except ValueError:
            raise KeyError(row) from None

    page = drawn(folder, "audit")
    monkeypatch.setattr(neighbours, "find", fails)
    capsys.readouterr()
    page.run()
    assert "A fault of vetset's, not yours: KeyError" in page.error[0].value
    told = [line for line in capsys.readouterr().err.splitlines() if "ScriptRunContext" not in line]
    assert told[0].startswith("vetset review: a fault, KeyError: ")
    assert "[mail address] [card number]" in told[0]
    assert len(told[0]) < 260
    assert any("dashboard/audit.py:" in line for line in told)
    assert all(line.rpartition(":")[2].isdigit() for line in told if line.startswith("  /"))
    whole = "\n".join(told)
    for secret in ("\x1b", "ann@example", "4111", "raise KeyError", "int(row)"):
        assert secret not in whole


def test_a_filter_that_could_not_be_decided_is_asked_again_in_its_dialog_with_what_was_chosen(
    folder, drawn, monkeypatch
):
    decide = Desk.decide

    def held(*_, **__):
        raise UsageError("another process writes.")

    page = drawn(folder, "audit")
    page.button("bulk").click().run()
    page.radio("bulk-way").set_value("drop").run()
    page.text_input("bulk-why").input("no use")
    monkeypatch.setattr(Desk, "decide", held)
    page.button("bulk-go").click().run()
    assert "another process writes" in page.error[0].value
    assert (page.radio("bulk-way").value, page.text_input("bulk-why").value) == ("drop", "no use")
    monkeypatch.setattr(Desk, "decide", decide)
    page.button("bulk-go").click().run()
    with Desk(folder) as desk:
        assert desk.ledger.log().select("action", "reason").unique().rows() == [("drop", "no use")]
    assert len(standing(folder)) == 12
    assert "bulk-go" not in [button.key for button in page.button]


def test_what_others_decide_while_a_filter_is_asked_of_is_not_written_over(folder, drawn):
    page = drawn(folder, "audit")
    page.session_state["a.seen"] = "All"
    page.run().button("bulk").click().run()
    with Desk(folder) as desk:
        row = desk.look().view.rows["id"][3]
        desk.decide([Decision(row, "keep")], reviewer="ben", seen=0)
        page.radio("bulk-way").set_value("drop").run()  # the page behind it is drawn anew, too
        page.button("bulk-go").click().run()
        assert "11 decided; 1 row left as others decided them meanwhile" in said(page)
        page.button("bulk").click().run()  # opened anew, it is of what stands now
        page.radio("bulk-way").set_value("drop").run()
        page.button("bulk-go").click().run()
        assert desk.look().heads.counts()["drop"] == 12


def test_nearest_rows_and_an_order_that_were_damaged_are_there_once_they_are_made_again(folder, drawn, monkeypatch):
    from vetset.app.dashboard import gaining, neighbours
    from vetset.curate.review import making
    from vetset.curate.review.sketch import make_sketch, sketch_path

    drawn(folder, "evalset")
    with Desk(folder) as desk:
        look = desk.look()
        make_sketch(look.view)
        (sketch_path(look.view) / "matrix.npy").write_bytes(b"cut off")
        assert neighbours._sketch(look) is None
        make_sketch(look.view)
        assert neighbours._sketch(look) is not None

        found = [None, (pl.DataFrame({"id": ["x"]}), {"fitted_with": 0, "precision": None, "decided": 0})]
        monkeypatch.setattr(gaining, "ask_gain", lambda *_: making.Making(True, 1.0, "done"))
        monkeypatch.setattr(gaining, "open_gain", lambda _: found.pop(0))
        wanted = Filter("rows", order="gain")
        assert gaining.ranks(look, wanted) is None
        assert gaining.ranks(look, wanted)["id"].to_list() == ["x"]


def test_two_tabs_that_ask_for_the_same_count_are_answered_by_one_process(folder, drawn, monkeypatch):
    from vetset.app.dashboard import export_counting

    drawn(folder, "evalset")
    asked, both = [], threading.Barrier(2, timeout=30)

    def ask(_, told):
        asked.append(told["format"])
        time.sleep(0.2)  # the other tab comes in meanwhile
        return {"counted": told["format"]}

    def tab(form):
        both.wait()
        return export_counting._once(("a key", form), {"format": form})

    monkeypatch.setattr(export_counting.aside, "ask", ask)
    with ThreadPoolExecutor(2) as tabs:
        assert list(tabs.map(tab, ["csv", "csv"])) == [{"counted": "csv"}] * 2
        assert asked == ["csv"]
        for number in range(80):
            export_counting._known()[number] = {}
        assert list(tabs.map(tab, ["x", "y"])) == [{"counted": "x"}, {"counted": "y"}]
    assert len(export_counting._known()) <= 32
    assert not export_counting._counting


def test_another_process_that_failed_says_in_the_terminal_where_and_nothing_of_a_row(capsys):
    from vetset.curate.review import aside

    with pytest.raises(UsageError, match="ended with 1 and no answer"):
        aside.ask("errors", {"mail": "ann@example.com"})  # a module that answers nothing
    told = capsys.readouterr().err
    assert "AttributeError" in told
    assert "aside.py':" in told
    assert "importlib.import_module" not in told
    trace = (
        '  File "/a/b.py", line 3, in c\n    a row of ben@example.com\nValueError: \x1b[2J ben@example.com ' + "x" * 300
    )
    told = aside._places(trace)
    assert "'/a/b.py':3" in told
    assert "[mail address]" in told
    assert "\x1b" not in told
    assert "ben@" not in told
    assert max(map(len, told.splitlines())) < 220


BOX = """
<div id="place"><div class="vetset-labels"><input><ul hidden></ul></div></div>
<script>
SOURCE
window.picked = []
window.draw = (cut) => component({
  data: {labels: ["positive", "negative"], cut, row: "r"}, parentElement: document.getElementById("place"),
  setTriggerValue: (_, choice) => window.picked.push(choice.label),
})
window.draw(false)
</script>"""


def test_a_new_label_takes_a_second_enter_and_one_that_is_known_does_not(browser):
    from vetset.app.dashboard import context

    source = Path(context.__file__).with_name("label_search.js").read_text(encoding="utf-8")
    page = browser.new_page()
    page.set_content(BOX.replace("SOURCE", source.replace("export default function (", "function component (")))
    box, items = page.locator("input"), page.locator("li")

    def press(text, *keys):
        box.focus()
        page.keyboard.type(text)
        for key in keys:
            page.keyboard.press(key)
        return page.evaluate("window.picked.splice(0)")

    assert press("posi", "Enter") == ["positive"]
    assert press("<b>positve", "Enter") == []
    assert items.all_inner_texts() == ["New label: <b>positve — Enter once more"]
    assert press("x", "Enter") == []  # typing begins it anew
    assert press("", "Enter") == ["<b>positvex"]
    assert press("negatives", "Enter", "Escape") == []
    assert press("negatives", "Enter") == []
    assert press("", "ArrowDown", "Enter") == []
    assert press("", "Enter") == ["negatives"]
    assert press("nega", "ArrowDown", "Enter") == []
    assert items.all_inner_texts() == ["negative", "New label: nega — Enter once more"]
    assert press("", "ArrowUp", "Enter") == ["negative"]
    assert "typed whole" not in box.get_attribute("placeholder")
    page.evaluate("window.draw(true)")
    assert box.get_attribute("placeholder").endswith("rarer ones have to be typed whole")
    assert press("rare", "Enter") == []
    assert items.all_inner_texts() == ["New or rare label: rare — Enter once more"]
    page.close()


def test_audit_has_the_seat_that_the_other_pages_have(folder, drawn):
    from vetset.app.dashboard.seat import Seat

    seated = drawn(folder, "audit").session_state["audit-seat"]
    assert type(seated) is Seat
    assert seated.every.size == 12
    assert seated.takes(seated.at)


def test_what_a_dialog_shows_is_spread_over_all(folder, drawn):
    from vetset.app.dashboard.sampled import spread

    assert [spread(count).tolist() for count in (0, 1, 2, 5, 9)] == [[], [0], [0, 1], [0, 1, 2, 3, 4], [0, 2, 4, 6, 8]]
    page = drawn(folder, "audit")
    page.session_state["a.rule"] = "every row"
    page.run().button("bulk").click().run()
    table = next(element.value for element in page.dataframe if "becomes" in element.value)
    assert table["becomes"].to_list() == ["keep"] * 5
    rows = [caption.value for caption in page.caption if "spread over all" in caption.value]
    assert rows == ["5 of 12 rows, spread over all:"]
