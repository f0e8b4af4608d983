"""Addresses that people mend by hand, cut short or keep for too long: what is not there is told, and the rest is shown."""

import json

import pytest
from vetset.app.cli import run
from vetset.app.dashboard.context import ARRIVED
from vetset.curate import Dataset
from vetset.curate.decisions.decision import Decision
from vetset.curate.review.desk import Desk


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """A set of thirteen rows, three of each of four texts and one by itself, with one decision."""
    monkeypatch.chdir(tmp_path)
    lines = [{"text": f"text {i % 4}", "label": "ab"[i % 2], "source": "xy"[i % 2]} for i in range(12)]
    lines.append({"text": "one that stands alone", "label": "a", "source": "x"})
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(["read", "a.jsonl"]) == 0
    run(["check", "a.vet", "--select", "duplicates.exact"])
    with Desk(tmp_path / "a.vet") as desk:
        desk.decide([Decision(desk.look().view.rows["id"][0], "keep")], reviewer="ann", seen=0)
    return tmp_path / "a.vet"


@pytest.mark.parametrize(
    ("module", "address"),
    [
        ("audit", {"a.rule": "labels.nonesuch"}), ("audit", {"a.seen": "Later"}), ("audit", {"a.label": "nobody"}),
        ("audit", {"a.row": "00000000"}), ("duplicates", {"d.rule": "labels.nonesuch"}), ("duplicates", {"d.seen": "Later"}),
        ("duplicates", {"d.cluster": "00000000"}), ("decisions", {"l.reviewer": "nobody"}), ("decisions", {"l.batch": "00"}),
        ("exporting", {"x.format": "xml"}),
    ],
)  # fmt: skip
def test_an_address_that_asks_for_what_is_not_there_is_told_so(copies, drawn, module, address):
    page = drawn(copies, module, address=address, session={ARRIVED: True})
    said = [warning.value for warning in page.warning if "address asks" in warning.value]
    assert len(said) == 1
    assert next(iter(address.values())).partition(".")[0] in said[0]
    assert not [warning for warning in drawn(copies, module).warning if "address asks" in warning.value]


def test_a_row_may_be_named_by_how_its_id_begins(copies, drawn):
    ids = Dataset.open(copies).rows["id"].to_list()
    begins = ids[-1][:8]
    assert sum(row.startswith(begins) for row in ids) == 1
    page = drawn(copies, "audit", address={"a.row": begins, "a.rule": "every row"}, session={ARRIVED: True})
    assert page.query_params["a.row"] == ids[-1]
