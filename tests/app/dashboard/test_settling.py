"""Duplicates and Splits as Streamlit's own harness draws them: where a tab is, and what a press and a batch write."""

import json

import pytest
from vetset.app.cli import run
from vetset.curate.decisions.decision import Decision
from vetset.curate.errors import UsageError
from vetset.curate.masking import mask
from vetset.curate.review.desk import Desk


@pytest.fixture
def drawn(drawn):
    """``drawn(folder, "splits")``: a tab of one of two reviewers."""

    def by(folder, module, *, reviewer="ann"):
        return drawn(folder, module, reviewers=("ann", "ben"), session={"reviewer": reviewer})

    return by


@pytest.fixture
def made(tmp_path, monkeypatch):
    """``made(*rows)``: a desk at a set of such rows, checked for copies and leaks."""
    monkeypatch.chdir(tmp_path)
    desks = []

    def made(*rows):
        (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert run(["read", "a.jsonl"]) == 0
        run(["check", "a.vet", "--select", "duplicates.exact,leakage.exact"])
        desks.append(Desk(tmp_path / "a.vet"))
        return desks[-1]

    yield made
    for desk in desks:
        desk.close()


def copies(*texts):
    return [{"text": text} for text in texts for _ in range(2)]


def leaks(*texts, evals=("test",)):
    return [{"text": text, "split": split} for text in texts for split in ("train", *evals)]


def keys(page, start):
    return [button.key.removeprefix(start) for button in page.button if button.key.startswith(start)]


def stands(desk):
    return dict(desk.look().heads.frame.select("row_id", "action").iter_rows())


def arrived(page, **named):
    """Draw the page as for somebody who comes to it by a link."""
    page.session_state["page-arrived"] = True
    for name, value in named.items():
        page.query_params[name.replace("_", ".")] = value
    page.run()
    page.session_state["page-arrived"] = False
    return page


def cut_short(monkeypatch):
    """Have what is told of a write end the run, as the next press does."""
    from streamlit.runtime.scriptrunner import StopException
    from vetset.app.dashboard import acting

    def told(*_):
        monkeypatch.undo()
        raise StopException

    monkeypatch.setattr(acting, "_tell", told)


@pytest.mark.parametrize(
    ("module", "rows", "button"), [("duplicates", copies("a", "b"), "all-"), ("splits", leaks("a", "b"), "both-")]
)
def test_a_press_that_is_cut_short_after_the_write_goes_on_to_the_next(made, drawn, module, rows, button):
    desk = made(*rows)
    page = drawn(desk.folder, module)
    (first,) = keys(page, button)
    with pytest.MonkeyPatch.context() as patch:
        cut_short(patch)
        page.button(f"{button}{first}").click().run()
    assert len(stands(desk)) == 1
    (second,) = keys(page.run(), button)
    assert second != first


@pytest.mark.parametrize(
    ("module", "rows", "button", "parameter"),
    [("duplicates", copies("a", "b", "c"), "all-", "d_cluster"), ("splits", leaks("a", "b", "c"), "both-", "s_row")],
)
def test_every_address_that_somebody_comes_by_opens_what_it_names(made, drawn, module, rows, button, parameter):
    desk = made(*rows)
    page = drawn(desk.folder, module)
    ids = desk.look().view.rows["id"]
    at = (0, 2, 4) if module == "duplicates" else (1, 3, 5)
    for row in (ids[at[2]], ids[at[0]], ids[at[1]]):
        (key,) = keys(arrived(page, **{parameter: row}), button)
        assert key.startswith(row)
    page.query_params[parameter.replace("_", ".")] = ids[at[0]]  # as a browser tells it that is a key press behind
    (key,) = keys(page.run(), button)
    assert key.startswith(ids[at[1]])


def test_the_address_of_a_copy_opens_the_cluster_that_holds_it(made, drawn):
    desk = made(*copies("a", "b"))
    ids = desk.look().view.rows["id"]
    assert keys(arrived(drawn(desk.folder, "duplicates"), d_cluster=ids[3]), "all-") == [ids[2]]


def test_an_address_that_is_silent_of_its_cell_opens_it(made, drawn):
    desk = made(*leaks("a", "b", evals=("test", "dev")), *leaks("c"))
    view = desk.look().view
    page = drawn(desk.folder, "splits")
    for split in ("dev", "test"):
        row = view.rows["id"][(view.rows["split"] == split).arg_max()]
        (key,) = keys(arrived(page, s_row=row), "both-")
        assert key.startswith(row)
        assert page.session_state["s.cell"] == f"{split} in train"


def test_a_list_without_the_cluster_at_hand_begins_with_its_first(made, drawn):
    desk = made(*copies("a", "b"))
    page = drawn(desk.folder, "duplicates")
    (first,) = keys(page, "all-")
    page.button(f"all-{first}").click().run()
    page.session_state["d.seen"] = "Settled"
    assert keys(page.run(), "all-") == [first]


@pytest.mark.parametrize(
    ("module", "rows", "said"), [("duplicates", copies("a"), "cluster"), ("splits", leaks("a"), "pair")]
)
def test_ones_own_other_tab_is_nobody_else(made, drawn, module, rows, said):
    desk = made(*rows)
    drawn(desk.folder, module)
    name = desk.look().view.rows["id"][0 if module == "duplicates" else 1]
    parameter = "d_cluster" if module == "duplicates" else "s_row"
    for who, told in (("ann", []), ("ben", [f"ann looks at this {said}, too."])):
        page = arrived(drawn(desk.folder, module, reviewer=who), **{parameter: name})
        assert [info.value for info in page.info if "looks at" in info.value] == told


@pytest.mark.parametrize(
    ("module", "rows", "button"), [("duplicates", copies("a"), "all-"), ("splits", leaks("a"), "both-")]
)
def test_an_error_of_a_press_is_a_sentence(made, drawn, monkeypatch, module, rows, button):
    from vetset.app.dashboard import acting

    desk = made(*rows)
    page = drawn(desk.folder, module)
    (name,) = keys(page, button)

    for error, said in ((UsageError("No such row"), "No such row"), (ValueError("?"), "A fault of vetset's")):

        def fails(*_, error=error, **__):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(acting, "decide", fails)
            page.button(f"{button}{name}").click().run()
        assert not page.exception
        assert said in page.error[0].value
        assert keys(page, button) == [name]


@pytest.mark.parametrize(
    ("module", "rows", "button"), [("duplicates", copies("a"), "keep-"), ("splits", leaks("a"), "train-")]
)
@pytest.mark.parametrize("who", ["ann", "ben"])
def test_a_press_that_replaces_what_another_decided_names_them(made, drawn, module, rows, button, who):
    desk = made(*rows)
    row = desk.look().view.rows["id"][0 if module == "splits" else 1]
    desk.decide([Decision(row, "keep")], reviewer=who, seen=0)
    page = drawn(desk.folder, module)
    if module == "duplicates":
        page.session_state["d.seen"] = "All"
        page.run()
    (name,) = keys(page, button)
    page.button(f"{button}{name}").click().run()
    assert stands(desk)[row] == "drop"
    told = [warning.value for warning in page.warning]
    assert [said.endswith("This replaced a decision of ben.") for said in told] == ([] if who == "ann" else [True])


def opened_dialog(page, module):
    page.button("policy" if module == "duplicates" else "leaks").click().run()
    start = "policy" if module == "duplicates" else "leaks"
    page.text_input(f"{start}-why").input("typed").run()
    return f"{start}-go", f"{start}-why"


@pytest.mark.parametrize(("module", "rows"), [("duplicates", copies("a", "b")), ("splits", leaks("a", "b"))])
def test_a_batch_that_cant_be_written_stays_in_its_dialog_with_the_reason(made, drawn, monkeypatch, module, rows):
    desk = made(*rows)
    page = drawn(desk.folder, module)
    go, why = opened_dialog(page, module)

    def full(*_, **__):
        raise UsageError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(Desk, "decide", full)
        page.button(go).click().run()
    assert ["The disk is full" in error.value for error in page.error] == [True]
    assert page.text_input(why).value == "typed"
    assert stands(desk) == {}
    page.button(go).click().run()
    assert len(stands(desk)) == len(rows)
    assert not page.error
    assert go not in [button.key for button in page.button]
    assert set(desk.ledger.log()["reason"].str.ends_with("typed")) == {True}


@pytest.mark.parametrize(("module", "rows"), [("duplicates", copies("a", "b")), ("splits", leaks("a", "b"))])
def test_what_others_decide_while_a_dialog_is_open_is_told_and_stands(made, drawn, module, rows):
    desk = made(*rows)
    page = drawn(desk.folder, module)
    go, _ = opened_dialog(page, module)
    row = desk.look().view.rows["id"][0]
    desk.decide([Decision(row, "skip")], reviewer="ben", seen=desk.look().seq)
    page.run()  # all of the page is drawn anew, in sight of what ben decided
    page.button(go).click().run()
    assert stands(desk)[row] == "skip"
    assert ["1 row left as others decided" in told.value for told in page.warning] == [True]


def test_of_a_row_of_megabytes_the_beginning_is_masked_and_no_more(monkeypatch):
    from vetset.app.dashboard import differing, record

    read = []
    monkeypatch.setattr(record, "mask", lambda text: (read.append(len(text)), mask(text))[1])
    row = {"messages": [{"role": "user", "content": "ann@example.com says " + "word " * 500_000, "tool_calls": None}]}
    said = differing.spoken(row | {"rejected": None})
    assert max(read) <= 20_000
    assert len(said) <= 10_000
    assert "ann@example.com" not in said
    assert said.count("word") > 1_000


def test_leaks_that_others_look_at_are_not_settled(made, drawn):
    desk = made(*leaks("a"))
    drawn(desk.folder, "splits")
    page = drawn(desk.folder, "splits", reviewer="ben")
    assert any("Others are looking" in info.value for info in page.info)
    assert not any("is settled" in done.value for done in page.success)
