"""Pages drawn by Streamlit's own harness, without a browser: what their elements say, and what a press writes."""

import json

import numpy as np
import polars as pl
import pytest
from vetset.app.cli import run
from vetset.curate.decisions.decision import Decision
from vetset.curate.findings import SCHEMA
from vetset.curate.review.desk import Desk
from vetset.curate.review.worklist import Filter

PICTURE = "![look](http://evil.example/a.png)"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set of twelve rows, the half of them in a split with a hostile name."""
    monkeypatch.chdir(tmp_path)
    lines = [{"text": f"text {i}", "label": "ab"[i % 2], "split": ("train", PICTURE)[i % 2]} for i in range(12)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(["read", "a.jsonl"]) == 0
    return tmp_path / "a.vet"


def test_a_split_whose_name_is_a_picture_is_a_name(folder, drawn):
    labels = [link.proto.label for link in drawn(folder, "evalset").get("page_link")]
    assert [label.endswith(": 6 rows") for label in labels] == [True]
    assert "](" not in labels[0]


def test_decided_rows_that_left_since_are_told_by_the_page_that_is_open(folder, drawn, monkeypatch):
    def decide(row):
        with Desk(folder) as desk:
            look = desk.look()
            desk.decide([Decision(look.view.rows["id"][row], "keep")], reviewer="ann", seen=look.seq)

    decide(0)
    assert not drawn(folder, "decisions").expander
    for left in (
        6,
        3,
    ):  # the file loses lines and is read anew; who decided its first row did not decide of what is here
        lines = (folder.parent / "a.jsonl").read_text().splitlines(keepends=True)
        (folder.parent / "a.jsonl").write_text("".join(lines[-left:]))
        assert run(["read", "a.jsonl", "-o", str(folder)]) == 0
        decide(0)
        many = {6: "1 row", 3: "2 rows"}[left]
        assert [told.label for told in drawn(folder, "decisions").expander] == [f"{many} decided and gone"]


def test_no_key_takes_a_batch_back_while_one_is_asked_of(folder, drawn):
    with Desk(folder) as desk:
        ids = desk.look().view.rows["id"]
        for row in (0, 1):
            done = desk.decide([Decision(ids[row], "keep")], reviewer="ann", seen=desk.look().seq)
    page = drawn(folder, "decisions")
    assert page.button("undo").proto.shortcut
    page.query_params["l.batch"] = done.batch
    page.run().button(f"undo-{done.batch}").click().run()
    assert not page.button("undo").proto.shortcut
    page.button("undo-sure").click().run()
    with Desk(folder) as desk:
        assert desk.look().heads.frame["row_id"].to_list() == [ids[0]]
    assert page.button("undo").proto.shortcut


def test_an_area_of_a_map_that_is_not_made_holds_no_row_and_later_its_rows(folder, drawn):
    from vetset.app.dashboard import map
    from vetset.curate.review.layout import make_layout

    drawn(folder, "evalset")  # so that a set is open
    with Desk(folder) as desk:
        look, wanted = desk.look(), Filter("rows", area=((-1e6, -1e6), (1e6, -1e6), (0.0, 1e6)))
        before = map.area_of(look, wanted)
        assert not before.any(), "a bulk decision on an area is never one on all rows"
        assert map.area_of(look, wanted) is before
        make_layout(look.view)
        assert map.area_of(look, wanted).sum() == 12
        assert map.area_of(look, wanted) is map.area_of(look, wanted)


def test_suggestions_of_a_conflict_that_has_ended_are_none(folder, drawn):
    from vetset.app.dashboard import bulk

    with Desk(folder) as desk:
        rows = desk.look().view.rows["id"]
        found = [("labels.conflict", 0, "x"), ("labels.conflict", 1, "x"), ("quality.length", 0, None)]
        lines = [
            {"id": rows[row], "rule": rule, "score": 1.0, "cluster": cluster, "note": "A.", "suggest": "drop"}
            for rule, row, cluster in found
        ]
        pl.DataFrame(lines, schema=SCHEMA).write_parquet(folder / "findings.parquet")
        every = np.arange(12)
        assert bulk.suggested(desk.look(), every, "labels")["id"].to_list() == [rows[0], rows[1]]
        assert bulk.suggested(desk.look(), every, "rows")["rule"].to_list() == ["labels.conflict"] * 2
        desk.decide([Decision(rows[1], "drop")], reviewer="ann", seen=0)
        assert desk.look().heads.over
        assert bulk.suggested(desk.look(), every, "labels").is_empty()
        assert bulk.suggested(desk.look(), every, "")["rule"].to_list() == ["quality.length"]


def test_a_decision_on_a_whole_filter_tells_of_what_it_replaces(folder, drawn):
    with Desk(folder) as desk:
        rows = desk.look().view.rows["id"]
        desk.decide([Decision(row, "keep") for row in rows[:2]], reviewer="ben", seen=0)
    page = drawn(folder, "audit")
    for seen, warned in (
        ("Open", []),
        ("All", ["2 of these rows are decided already; this replaces what was decided."]),
    ):
        page.session_state["a.rule"], page.session_state["a.seen"] = "every row", seen
        page.run().button("bulk").click().run()
        assert [told.value for told in page.warning] == warned
        page.session_state["dialog"] = None


def test_the_end_of_a_text_that_is_cut_shows_no_half_of_a_card_number():
    from vetset.app.dashboard.record import cut

    for before in range(80, 100):
        shown = cut("x " * (before // 2) + " " * (before % 2) + "4111 1111 1111 1111 and so on", 100)
        assert len(shown) <= 100
        assert "4111" not in shown
    assert cut("short", 100) == "short"


def test_a_press_on_a_label_is_of_that_label_and_no_other_that_stands_on_its_digit_by_now(folder, drawn):
    page = drawn(folder, "audit")
    from vetset.app.dashboard import labels

    page.session_state["a.rule"] = "every row"
    page.run()
    keys = [button.key for button in page.button if button.key.startswith("label-")]
    assert len(keys) == len(set(keys)) == 2
    with Desk(folder) as desk:
        row = desk.look().view.rows["id"][0]
    assert sorted(keys) == sorted(f"label-{labels.token(label)}-{row}" for label in "ab")


def test_the_row_that_stays_is_the_one_that_is_marked_when_a_key_is_pressed(tmp_path, monkeypatch, drawn):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.jsonl").write_text("".join(json.dumps({"text": "twice"}) + "\n" for _ in range(3)))
    assert run(["read", "b.jsonl"]) == 0
    run(["check", "b.vet", "--select", "duplicates.exact"])
    page = drawn(tmp_path / "b.vet", "duplicates")
    with Desk(tmp_path / "b.vet") as desk:
        rows = desk.look().view.rows["id"].to_list()
    page.session_state[f"marked-duplicates.exact-{rows[0]}"] = rows[
        2
    ]  # as the press on a digit leaves it, not drawn yet
    page.button(f"keep-{rows[0]}").click().run()
    with Desk(tmp_path / "b.vet") as desk:
        stands = dict(desk.look().heads.frame.select("row_id", "action").iter_rows())
    assert stands == {rows[0]: "drop", rows[1]: "drop", rows[2]: "keep"}


def test_what_was_taken_back_is_decided_again_by_a_press_of_an_older_page(folder, drawn):
    one, other = drawn(folder, "audit"), drawn(folder, "audit")
    with Desk(folder) as desk:
        row = desk.look().view.rows["id"][0]
        for page in (one, other):
            page.session_state["a.rule"], page.session_state["page-arrived"] = "every row", True
            page.query_params["a.row"] = row
            page.run()
        for undone in (True, False):  # a press that arrives twice is one decision; after an undo it is another
            (one if undone else other).button(f"accept-{row}").click().run()
            assert desk.look().heads.frame["row_id"].to_list() == [row]
            if undone:
                desk.undo([desk.look().seq], reviewer="ann")
        assert desk.ledger.log()["action"].to_list() == ["keep", "undo", "keep"]


def test_an_edit_that_comes_too_late_is_kept_told_of_and_saved_by_another_press(folder, drawn, monkeypatch):
    decide = Desk.decide

    def late(self, decisions, **options):  # somebody is quicker, by less than anybody could wait for
        monkeypatch.setattr(Desk, "decide", decide)
        decide(self, [Decision(row, "drop")], reviewer="ben", seen=0)
        return decide(self, decisions, **options)

    page = drawn(folder, "audit")
    page.session_state["a.rule"] = "every row"
    with Desk(folder) as desk:
        row = desk.look().view.rows["id"][0]
        page.run().button(f"edit-{row}").click().run()
        monkeypatch.setattr(Desk, "decide", late)
        page.text_area(f"turn-0-{row}").input("what was typed")
        page.button(f"save-{row}").click().run()
        assert "ben decided this row" in page.warning[0].value
        assert page.text_area(f"turn-0-{row}").value == "what was typed"
        assert desk.look().heads.frame["action"].to_list() == ["drop"]
        page.button(f"save-{row}").click().run()
        (said,) = desk.look().heads.frame.filter(pl.col("action") == "edit")["value"]
        assert json.loads(said)[0]["content"] == "what was typed"


@pytest.mark.parametrize("module", ["audit", "duplicates", "splits", "evalset"])
def test_a_set_whose_name_ends_the_marks_of_code_is_named_in_a_command(folder, drawn, module):
    rows = pl.read_parquet(folder / "rows.parquet").with_columns(split=pl.lit(None, pl.String))
    rows.write_parquet(folder / "rows.parquet")
    hostile = folder.rename(folder.with_name(f"a `{PICTURE.replace('/', ' ')}`.vet"))
    page = drawn(hostile, module)
    said = [told.value.split("`") for told in page.info]
    assert any("![" in inside for marks in said for inside in marks[1::2])
    assert not any("![" in outside for marks in said for outside in marks[::2])


def test_a_label_that_is_taken_off_the_list_of_others_decides_nothing(tmp_path, monkeypatch, drawn):
    monkeypatch.chdir(tmp_path)
    labels = [f"label {number}" for number in range(12)]
    lines = [{"text": f"text {n // 2}", "label": labels[n % 12], "who": "ab"[n % 2]} for n in range(24)]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(["read", "b.jsonl", "--annotator", "who"]) == 0
    page = drawn(tmp_path / "b.vet", "agreement")
    (other,) = [box for box in page.selectbox if box.key.startswith("rule-other-")]
    page.session_state[other.key] = "label 5"  # as a box has it when one goes back to its text
    page.run()
    page.selectbox(other.key).set_value(None).run()
    assert not page.error
    with Desk(tmp_path / "b.vet") as desk:
        assert not desk.look().seq
        page.selectbox(other.key).select("label 5").run()
        assert desk.look().heads.counts()["drop"] == 1
