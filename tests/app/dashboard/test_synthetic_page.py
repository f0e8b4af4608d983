"""The page Synthetic: rows beside their seeds, decided by the keys of Audit; grid, diversity, spend and terms."""

import json

import polars as pl
import pytest
from vetset.curate.dataset import Dataset, digest_of, frame, parquet
from vetset.curate.distill.lineage import Teacher, Verdict
from vetset.curate.review.desk import Desk
from vetset.tests.curate.synthetic_made import made_row, mixed, real_rows

EVIL = "![a](http://evil.example/a.png) <script>x</script> **b** :material/delete: write to ann@example.com"


def written(folder, rows):
    """Write rows as a set that nobody checked."""
    folder.mkdir()
    Dataset(folder).save(
        {"rows.parquet": parquet(rows), "rejects.jsonl": lambda path: path.touch()},
        step={"verb": "read"}, rows=rows.height, rejects=0, inputs=[], digest=digest_of(rows["id"]),
    )  # fmt: skip
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set of 24 real rows and twelve synthetic ones, four of them under review."""
    monkeypatch.chdir(tmp_path)
    return written(tmp_path / "a.vet", mixed())


def at_hand(page):
    (key,) = [button.key for button in page.button if button.key.startswith("accept-")]
    return key.removeprefix("accept-")


def said(page):
    parts = [*page.caption, *page.markdown, *page.info, *page.warning, *page.error, *page.success]  # Markdown
    return "\n".join(part.value for part in parts) + "".join(part.proto.body for part in page.get("html"))


def standing(folder):
    with Desk(folder) as desk:
        heads = desk.look().heads.frame
        return dict(zip(heads["row_id"], heads["action"], strict=True))


def test_a_set_without_synthetic_rows_says_what_makes_some(tmp_path, drawn):
    page = drawn(written(tmp_path / "b.vet", real_rows(3)), "synthetic")
    assert "vetset distill RECIPE" in said(page)


def test_the_most_doubtful_row_under_review_comes_first_beside_its_seeds(folder, drawn):
    page = drawn(folder, "synthetic")
    told = said(page)
    assert "under review" in told
    assert "disagreement 100%" in told
    assert "the judge was of two minds" in told
    assert told.count("of last week, number") == 2  # its two seeds
    assert "0 of 12 decided" in str(page.get("progress")[0].proto.text)
    assert "**judge** review 0.50" in told


def test_the_keys_of_audit_decide_and_undo(folder, drawn):
    page = drawn(folder, "synthetic")
    keys = {button.proto.shortcut: button.label for button in page.button if button.proto.shortcut}
    assert {"A", "D", "N", "J", "K", "U", "E", "B", "1", "2", "3", "4"} <= {key.upper() for key in keys}
    rows = []
    for what in ("accept", "drop", "skip"):
        rows.append(at_hand(page))
        page.button(f"{what}-{rows[-1]}").click().run()
        assert not page.exception
    rows.append(at_hand(page))
    (label,) = [button.key for button in page.button if button.key.startswith("label-") and button.label == "transfer"]
    page.button(label).click().run()
    assert len(set(rows)) == 4
    stands = standing(folder)
    assert [stands[row] for row in rows[:3]] == ["keep", "drop", "skip"]
    assert stands[rows[3]] in ("relabel", "keep")
    with Desk(folder) as desk:
        assert set(desk.ledger.log()["rule"]) == {"synthetic.review"}
    page.button("undo").click().run()
    assert rows[3] not in standing(folder)
    assert at_hand(page) == rows[3]


def test_accepted_rows_follow_those_under_review(folder, drawn):
    page = drawn(folder, "synthetic")
    fates = []
    for _ in range(12):
        fates.append("under review" if "badge[:material/help: under review]" in said(page) else "accepted")
        page.button(f"accept-{at_hand(page)}").click().run()
    assert fates == ["under review"] * 4 + ["accepted"] * 8
    assert "Nothing is left under this filter" in said(page)


def test_an_address_opens_a_row_and_a_filter(folder, drawn):
    with Desk(folder) as desk:
        wanted = desk.look().view.rows["id"][30]
    page = drawn(folder, "synthetic", address={"y.row": wanted}, session={"page-arrived": True})
    assert at_hand(page) == wanted
    page = drawn(folder, "synthetic", address={"y.fate": ["accepted"], "y.cell": ["label: card", "tone: angry"]})
    assert page.get("progress")[0].proto.text == "0 of 1 decided"
    assert "accepted by its gates" in said(page)
    page = drawn(folder, "synthetic", address={"y.run": ["nonesuch"], "y.view": "Nowhere"})
    assert "The address asks for" in said(page)


def test_a_real_row_in_the_address_is_shown_as_none(folder, drawn):
    with Desk(folder) as desk:
        wanted = desk.look().view.rows["id"][0]
    page = drawn(folder, "synthetic", address={"y.row": wanted}, session={"page-arrived": True})
    assert "This row is not synthetic" in said(page)


def test_rows_decided_elsewhere_are_told_and_not_written_over(folder, drawn):
    page = drawn(folder, "synthetic", reviewers=("ann", "ben"))
    row = at_hand(page)
    from vetset.curate.decisions.decision import Decision

    with Desk(folder) as desk:
        desk.decide([Decision(row, "drop")], reviewer="ben", seen=0)
    page.button(f"accept-{row}").click().run()
    assert "decided this row while you looked at it" in said(page)
    assert standing(folder) == {row: "drop"}


def test_a_whole_filter_is_decided_as_one_batch(folder, drawn):
    page = drawn(folder, "synthetic", address={"y.fate": ["review"]})
    page.button("bulk").click().run()
    page.radio("bulk-way").set_value("drop").run()
    page.button("bulk-go").click().run()
    assert list(standing(folder).values()) == ["drop"] * 4


def report(folder, **more):
    cells = [
        {"cell": {"label": label, "tone": tone}, "wanted": 2, "drafts": 3, "accepted": n % 3, "rejected": 1, "review": 0,
         "failed": 0}
        for n, (label, tone) in enumerate((label, tone) for label in ("card", EVIL) for tone in ("calm", "angry", "short"))
    ]  # fmt: skip
    run = folder.parent / "first.distill"
    run.mkdir()
    (run / "drafts.parquet").touch()
    (run / "report.json").write_text(json.dumps({"planned": 18, "cells": cells, **more}))
    settled = {"calls": 18, "prompt_tokens": 1800, "completion_tokens": 360, "money": 0.018}
    paid = {"currency": "USD", "settled": settled, "unknown": {"calls": 1}}
    (run / "spend.json").write_text(json.dumps(paid))


def test_the_grid_is_a_heat_map_of_accepted_and_wanted(folder, drawn):
    report(folder)
    page = drawn(folder, "synthetic", session={"y.view": "Grid"})
    told = said(page)
    assert "**12** wanted" in told
    assert "cells short" in told
    table = page.dataframe[0].value
    assert table["missing"].to_list() == [2, 2, 1, 1]
    assert "ann@example.com" not in str(table)


def test_without_the_folder_of_a_run_the_grid_counts_what_stands_in_the_set(folder, drawn):
    page = drawn(folder, "synthetic", session={"y.view": "Grid"})
    assert "is not beside this set" in said(page)
    assert "**8** accepted" in said(page)


def test_a_damaged_report_is_a_sentence(folder, drawn):
    run = folder.parent / "first.distill"
    run.mkdir()
    (run / "drafts.parquet").touch()
    (run / "report.json").write_text('{"cells": 3, "diversity": {"made": 1}}')
    page = drawn(folder, "synthetic", session={"y.view": "Grid"}, errors=True)
    assert "tells of no cells" in said(page).replace("\\", "")
    page = drawn(folder, "synthetic", session={"y.view": "Diversity"}, errors=True)
    assert "diversity is damaged" in said(page).replace("\\", "")
    assert page.button("synthetic-measure")


def test_diversity_is_measured_on_request(folder, drawn):
    page = drawn(folder, "synthetic", session={"y.view": "Diversity"})
    assert not page.dataframe
    page.button("synthetic-measure").click().run()
    (table,) = page.dataframe
    assert table.value["measure"].to_list()[0] == "Distinct words"
    assert table.value.shape[0] == 11
    assert "only 12 rows to compare" in said(page)


def test_spend_and_terms_are_told(folder, drawn):
    report(folder)
    page = drawn(folder, "synthetic", session={"y.view": "Spend and terms"})
    told = said(page)
    assert "18 calls, 1,800 prompt tokens, 360 reply tokens, 0.018 USD, 1 call that may have been paid" in told
    assert page.dataframe[0].value["rows"].to_list() == [6, 6]
    assert "HuggingFaceTB" in told
    assert "12 rows" in told


@pytest.mark.parametrize("view", ["Rows", "Grid", "Diversity", "Spend and terms"])
def test_hostile_lineage_is_shown_as_text(tmp_path, drawn, view):
    evil = {
        "run": EVIL, "kind": EVIL, "cell": {EVIL: EVIL, "tone": "a"}, "why": EVIL, "fate": "review", "currency": EVIL,
        "made": EVIL,
        "teacher": Teacher(EVIL, url=EVIL, revision=EVIL, terms={"training": "allowed", "source": EVIL, "dated": EVIL}),
        "verdicts": (Verdict(EVIL, "review", 0.5, EVIL), Verdict("distill.judge", "pass", 1e300, EVIL)),
        "made_extra": {EVIL: EVIL, "votes": {EVIL: 2}},
    }  # fmt: skip
    lines = [made_row(n, [EVIL, f"x-{n}"], **evil) | {"messages": f"{EVIL} {n}", "label": EVIL} for n in range(3)]
    lines += [made_row(n, []) for n in range(3, 6)]
    lines.append(
        {"messages": "odd", "extra": '{"distill": {"parents": [3], "teacher": null, "cell": 4, "verdicts": "x"}}'}
    )
    lines.append({"messages": "none", "extra": '{"distill": "x"}'})
    page = drawn(written(tmp_path / "e.vet", frame(lines)), "synthetic", session={"y.view": view})
    if view == "Diversity":
        page.button("synthetic-measure").click().run()
    told = said(page)
    assert "ann@example.com" not in told
    assert "<script>" not in told.replace("\\<", "")
    assert not [part.value for part in [*page.markdown, *page.caption] if "](http" in part.value]
    assert not page.exception
    for table in page.dataframe:
        assert "ann@example" not in str(table.value.to_dict())


def test_a_row_of_one_parent_shows_what_differs(tmp_path, drawn):
    rows = real_rows(2)
    rows = rows.vstack(frame([made_row(0, [rows["id"][0]], kind="paraphrase")]))
    page = drawn(written(tmp_path / "p.vet", rows), "synthetic")
    assert "<ins" in said(page)
    assert "only in the row it was made from" in said(page)


def test_parents_that_are_gone_are_named(tmp_path, drawn):
    page = drawn(written(tmp_path / "l.vet", frame([made_row(0, ["gone-0"]), made_row(1, [])])), "synthetic")
    assert "not in this set: gone" in said(page)
    page.button(f"accept-{at_hand(page)}").click().run()
    assert "It was made from no row" in said(page)


def test_every_decided_row_stays_decided_when_the_set_is_read_again(folder, drawn):
    page = drawn(folder, "synthetic")
    row = at_hand(page)
    page.button(f"drop-{row}").click().run()
    with Desk(folder) as desk:
        look = desk.look()
        assert look.view.rows.filter(pl.col("id") == row).height == 1
        assert int(look.heads.marks[look.view.positions([row])[0]]) == 2
