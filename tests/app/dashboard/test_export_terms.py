"""The Export page of a set with synthetic rows: closed terms keep the button shut until somebody says why."""

import json

from vetset.app.cli import run
from vetset.curate.dataset import Dataset
from vetset.curate.distill.handoff import bring_in
from vetset.tests.curate.children_made import child, children


def made_set(folder, model):
    rows = [{"text": f"ticket {n} about my card", "label": "ab"[n % 2]} for n in range(20)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run(["read", str(folder / "a.jsonl"), "-o", str(folder / "a.vet")]) == 0
    dataset = Dataset.open(folder / "a.vet")
    bring_in(dataset, children(child("made <b>one</b>", dataset.rows["id"][0], label="a", model=model)))
    return dataset.folder


def test_closed_terms_shut_the_button_and_a_reason_opens_it_under_the_reviewers_name(drawn, tmp_path):
    page = drawn(made_set(tmp_path, "gpt-4o"), "exporting", reviewers=("ann", "ben"), session={"reviewer": "ben"})
    assert "not for models that compete" in page.warning[-1].value
    assert page.button(key="exporting-write").disabled
    page.text_input(key="exporting-waiver").set_value("no competing model").run()
    assert not page.button(key="exporting-write").disabled
    page.button(key="exporting-write").click().run()
    told = json.loads((tmp_path / "a-vetted" / "provenance.json").read_text())
    assert told["synthetic"]["waiver"] == {"reason": "no competing model", "by": "ben"}
    assert not page.error


def test_open_terms_ask_for_nothing_and_are_told(drawn, tmp_path):
    page = drawn(made_set(tmp_path, "HuggingFaceTB/SmolLM2-360M-Instruct"), "exporting")
    assert not page.button(key="exporting-write").disabled
    assert [one.key for one in page.text_input if one.key == "exporting-waiver"] == []
    assert "Synthetic rows" in [one.value for one in page.subheader]
