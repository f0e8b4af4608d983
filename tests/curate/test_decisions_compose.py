"""Several decisions on one row: the last edit and the last relabel add up, and undo peels one off."""

import json
import tempfile

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate import findings as table
from vetset.curate.dataset import frame
from vetset.curate.decisions.applied import Decision, Ledger, apply, head_for
from vetset.curate.decisions.policy import standing


def edit_to(*said: tuple[str, str], **more) -> str:
    return json.dumps([{"role": role, "content": text, **more} for role, text in said], ensure_ascii=False)


def vetted(ledger: Ledger, rows: pl.DataFrame) -> list[tuple]:
    done = apply(rows, head_for(ledger, rows).heads).rows
    return [
        (label, [(m["role"], m["content"]) for m in messages])
        for label, messages in done.select("label", "messages").iter_rows()
    ]


def decide(ledger: Ledger, row: str, *acts: tuple) -> None:
    for action, *value in acts:
        ledger.decide([Decision(row, action, *value)], reviewer="ann")


def test_a_relabel_and_an_edit_of_one_row_both_apply_whichever_came_first(tmp_path):
    rows = frame([{"messages": "tset", "label": "a"}])
    relabel, edit = ("relabel", "b"), ("edit", edit_to(("user", "test 漢字 🙂")))
    for name, acts in (("one", [relabel, edit]), ("two", [edit, relabel])):
        (tmp_path / name).mkdir()
        with Ledger.open(tmp_path / name) as ledger:
            decide(ledger, rows["id"][0], *acts)
            assert vetted(ledger, rows) == [("b", [("user", "test 漢字 🙂")])]
            assert sorted(ledger.head()["action"]) == ["edit", "relabel"]
            counts = apply(rows, ledger.head()).counts
            assert (sum(counts.values()), counts[acts[-1][0]]) == (1, 1)
            ledger.undo([2], reviewer="ann")
            assert ledger.head()["action"].to_list() == [acts[0][0]]


def test_a_keep_a_drop_or_a_skip_takes_the_place_of_all_before_it_and_undo_brings_both_back(tmp_path):
    rows = frame([{"messages": "tset", "label": "a"}])
    row = rows["id"][0]
    with Ledger.open(tmp_path) as ledger:
        decide(ledger, row, ("relabel", "b"), ("edit", edit_to(("user", "test"))), ("keep",))
        assert vetted(ledger, rows) == [("a", [("user", "tset")])]
        decide(ledger, row, ("relabel", "c"))
        assert vetted(ledger, rows) == [("c", [("user", "tset")])], "what was before the keep stays away"
        ledger.undo([4, 3], reviewer="ann")
        assert vetted(ledger, rows) == [("b", [("user", "test")])]
        decide(ledger, row, ("drop",))
        assert vetted(ledger, rows) == []


def test_where_the_answer_is_the_last_turn_the_later_of_edit_and_relabel_has_the_last_word_on_it(tmp_path):
    turns = [{"role": "user", "content": "how?"}, {"role": "assistant", "content": "No."}]
    rows = frame([{"messages": turns}, {"messages": [*turns, turns[0], turns[1]]}])
    new = edit_to(("user", "How?"), ("assistant", "Edited."))
    with Ledger.open(tmp_path) as ledger:
        decide(ledger, rows["id"][0], ("edit", new), ("relabel", "Relabelled."))
        decide(ledger, rows["id"][1], ("relabel", "Relabelled."), ("edit", new))
        first, second = vetted(ledger, rows)
    assert first == (None, [("user", "How?"), ("assistant", "Relabelled.")])
    assert second == (None, [("user", "How?"), ("assistant", "Edited.")])


def test_a_relabel_that_cannot_be_carried_out_leaves_the_edit_standing(tmp_path):
    rows = frame([{"messages": "x"}])
    call = edit_to(("user", "x"), ("assistant", ""), tool_calls="[]")
    found = pl.DataFrame({"id": rows["id"], "score": [1.0], "note": ["A note."], "suggest": ["review"]})
    with Ledger.open(tmp_path) as ledger:
        decide(ledger, rows["id"][0], ("edit", call), ("relabel", "text"))
        heads = head_for(ledger, rows).heads
    done = apply(rows, heads)
    assert done.unapplied["action"].to_list() == ["relabel"]
    assert done.rows["messages"][0].struct.field("role").to_list() == ["user", "assistant"]
    assert (done.counts["edit"], done.counts["unapplied"], sum(done.counts.values())) == (1, 0, 1)
    assert standing(table.report(found, "quality.roles"), heads, rows).is_empty()


ROWS = [
    {"messages": "asks", "label": "old"},
    {"messages": [{"role": "user", "content": "asks"}, {"role": "assistant", "content": "tells"}]},
    {"messages": "plain"},
]
EDITS = ([("user", "edited 1")], [("user", "edited 2"), ("assistant", "answer 2")])
ACT = st.one_of(
    st.tuples(st.sampled_from(("keep", "drop", "skip"))),
    st.tuples(st.just("relabel"), st.sampled_from(("new 1", "new 2"))),
    st.tuples(st.just("edit"), st.sampled_from(range(len(EDITS)))),
    st.tuples(st.just("undo"), st.integers(0, 9)),
)


def plainly(row: dict, acts: list[tuple]) -> tuple | None:
    """The law, row by row: the last keep, drop or skip, or, since the last of these, the last edit and relabel."""
    live = [act for act in acts if act is not None]
    last = max((n for n, act in enumerate(live) if act[0] in ("keep", "drop", "skip")), default=-1)
    since = live[last + 1 :]
    if not since and live and live[last][0] == "drop":
        return None
    said = row["messages"]
    said = [("user", said)] if isinstance(said, str) else [(m["role"], m["content"]) for m in said]
    label = row.get("label")
    latest = {act[0]: (n, act[1]) for n, act in enumerate(since)}
    for action, (_, value) in sorted(latest.items(), key=lambda item: item[1][0]):
        if action == "edit":
            said = EDITS[value]
        elif label is None and said[-1][0] == "assistant":
            said = [*said[:-1], ("assistant", value)]
        else:
            label = value
    return label, said


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), ACT), max_size=9))
def test_any_decisions_and_undos_give_what_the_law_says(steps):
    rows = frame(ROWS)
    log: list[tuple[int, tuple | None]] = []  # row and act; an act that is undone, or an undo, is None
    with tempfile.TemporaryDirectory() as folder, Ledger.open(folder) as ledger:
        for at, act in steps:
            if act[0] == "undo":
                if act[1] < len(log) and log[act[1]][1] is not None:
                    ledger.undo([act[1] + 1], reviewer="bob")
                    log[act[1]] = (log[act[1]][0], None)
                    log.append((log[act[1]][0], None))
                continue
            value = edit_to(*EDITS[act[1]]) if act[0] == "edit" else act[1] if len(act) > 1 else None
            ledger.decide([Decision(rows["id"][at], act[0], value)], reviewer="ann")
            log.append((at, act))
        expected = [plainly(row, [act for where, act in log if where == at]) for at, row in enumerate(ROWS)]
        assert vetted(ledger, rows) == [one for one in expected if one is not None]
        assert sum(apply(rows, ledger.head()).counts.values()) == len(ROWS)
