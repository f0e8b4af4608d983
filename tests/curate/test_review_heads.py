"""What stands of each row, followed line by line, against a plain model, against reading it anew, and against the policy."""

import json
import tempfile

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from vetset.curate import findings as table
from vetset.curate.dataset import frame
from vetset.curate.decisions.applied import Decision, Ledger
from vetset.curate.decisions.policy import standing
from vetset.curate.errors import UsageError
from vetset.curate.review import heads as heads_room
from vetset.curate.review.heads import SETTLED, SKIPPED, UNDECIDED, empty_heads, follow, read_heads
from vetset.curate.review.view import open_view
from vetset.curate.review.worklist import Filter, pick, still


def chat(*said, **more):
    return [{"role": role, "content": text} for role, text in said[:-1]] + [
        {"role": said[-1][0], "content": said[-1][1], **more}
    ]


CALL = {"tool_calls": '[{"id": "1"}]'}
ROWS = [
    {"messages": "card?", "label": "a"},
    {"messages": "card?", "label": "b"},
    {"messages": "Card?", "label": "b"},
    {"messages": chat(("user", "how?"), ("assistant", "so"))},
    {"messages": chat(("user", "how?"), ("assistant", "otherwise"))},
    {"messages": chat(("user", "how?"), ("assistant", None), **CALL)},
    {"messages": chat(("user", "متى 何時?"), ("assistant", "now")), "rejected": "late"},
    {"messages": chat(("user", "متى 何時?"), ("assistant", "late")), "rejected": "now"},
    {"messages": "alone", "label": "a"},
]
FOUND = [
    *(("labels.conflict", row, "one") for row in (0, 1, 2)),
    *(("labels.conflict", row, "two") for row in (3, 4, 5)),
    *(("preference.conflict", row, "three") for row in (6, 7)),
    ("duplicates.exact", 1, "one"),
    ("quality.roles", 5, None),
    ("labels.conflict", 8, None),
]
STRANGER = len(ROWS)
NEW = ("a", "b", "so", "otherwise")
EDITS = (chat(("user", "card?")), chat(("user", "how?"), ("assistant", "so")), chat(("assistant", "x"), **CALL))

WHO = st.sampled_from(("ann", "bob", "cy"))
ACT = st.one_of(
    st.tuples(st.sampled_from(("keep", "drop", "skip")), st.none()),
    st.tuples(st.just("relabel"), st.sampled_from(NEW)),
    st.tuples(st.just("edit"), st.sampled_from([json.dumps(edit) for edit in EDITS])),
)
DECIDE = st.tuples(
    st.just("decide"), st.lists(st.tuples(st.integers(0, STRANGER), ACT), min_size=1, max_size=4), WHO,
    st.integers(0, 4), st.booleans(),
)  # fmt: skip
BULK = st.tuples(st.just("bulk"), ACT, WHO)
UNDO = st.tuples(st.just("undo"), st.integers(1, 14), WHO)
UNDO_BATCH = st.tuples(st.just("undo batch"), st.integers(0, 6), WHO)
STEPS = st.lists(st.tuples(st.one_of(DECIDE, DECIDE, BULK, UNDO, UNDO_BATCH), st.booleans()), max_size=10)


@pytest.fixture(scope="module")
def view(make_set, tmp_path_factory):
    rows = frame(ROWS)
    found = pl.DataFrame(
        {
            "id": [rows["id"][row] for _, row, _ in FOUND],
            "rule": [rule for rule, _, _ in FOUND],
            "score": [0.5] * len(FOUND),
            "cluster": [cluster for _, _, cluster in FOUND],
            "note": ["A note."] * len(FOUND),
            "suggest": ["review"] * len(FOUND),
        }
    )
    found = found.match_to_schema(table.SCHEMA, missing_columns="insert")
    return open_view(make_set(tmp_path_factory.mktemp("heads") / "s.vet", rows, found))


class Model:
    """The ledger as a list of lines, each a dict; what is undone says so."""

    def __init__(self, ids):
        self.ids, self.lines, self.batches = [*ids, "feedbead-0"], [], []

    def write(self, ledger, wanted, who, expect):
        """Write decisions and the lines that they should make; returns the decisions."""
        last = {line["row"]: line for line in self.lines}
        asked = [Decision(self.ids[row], action, value) for row, (action, value) in wanted]
        outcome = ledger.decide(asked, reviewer=who, expect=expect)
        late = {row for row, line in last.items() if line["seq"] > expect and line["who"] != who}
        assert {conflict.uid for conflict in outcome.conflicts} == {d.uid for d in asked if d.row_id in late}
        self.batches.append(outcome.batch)
        for one in asked:
            if one.row_id not in late:
                self._add(one.row_id, one.action, who, value=one.value, uid=one.uid, batch=len(self.batches) - 1)
        return [one for one in asked if one.row_id not in late]

    def undo(self, ledger, what, meant, who):
        if not meant or meant[0]["action"] == "undo":
            with pytest.raises(UsageError):
                ledger.undo(what, reviewer=who)
            return
        ledger.undo(what, reviewer=who)
        for line in [line for line in meant if not line["undone"]]:
            line["undone"] = True
            self._add(line["row"], "undo", who)

    def _add(self, row, action, who, *, value=None, uid=None, batch=None):
        line = {"row": row, "action": action, "who": who, "value": value, "uid": uid, "batch": batch, "undone": False}
        self.lines.append(line | {"seq": len(self.lines) + 1})

    def play(self, ledger, step):
        if step[0] == "decide":
            _, wanted, who, back, again = step
            written = self.write(ledger, wanted, who, max(len(self.lines) - back, 0))
            if again:  # the click arrives twice
                assert ledger.decide(written, reviewer=who, expect=0).seqs == ()
        elif step[0] == "bulk":
            self.write(ledger, [(row, step[1]) for row in range(len(ROWS))], step[2], len(self.lines))
        elif step[0] == "undo":
            self.undo(ledger, [step[1]], [line for line in self.lines if line["seq"] == step[1]], step[2])
        else:
            what = self.batches[step[1]] if step[1] < len(self.batches) else "none"
            self.undo(ledger, what, [line for line in self.lines if line["batch"] == step[1]], step[2])

    def heads(self):
        """Return row id to its standing lines, in order."""
        stand = {}
        for line in self.lines:
            if line["undone"] or line["action"] == "undo":
                continue
            before = stand.get(line["row"], [])
            adds_up = line["action"] in ("edit", "relabel")
            kept = [one for one in before if adds_up and one["action"] in {"edit", "relabel"} - {line["action"]}]
            stand[line["row"]] = [*kept, line]
        return stand

    def marks(self):
        stand = self.heads()
        return [self._mark(ROWS[place], stand.get(row, [])) for place, row in enumerate(self.ids[:STRANGER])]

    @staticmethod
    def _mark(row, lines):
        if not lines:
            return UNDECIDED
        if lines[0]["action"] == "skip":
            return SKIPPED
        said, settles = row["messages"], 0
        for line in lines:
            calls = not isinstance(said, str) and bool(said[-1].get("tool_calls")) and said[-1]["role"] == "assistant"
            refused = line["action"] == "relabel" and row.get("label") is None and calls
            settles += not refused
            said = json.loads(line["value"]) if line["action"] == "edit" else said
        return SETTLED if settles else UNDECIDED


def check_all(heads, view, ledger, model):
    """Hold what was followed against the model, against reading it anew, and against the policy."""
    anew = read_heads(view, ledger)
    assert_frame_equal(heads.frame.sort("row_id", "seq"), anew.frame.sort("row_id", "seq"))
    assert (heads.seq, heads.stale, heads.over) == (anew.seq, anew.stale, anew.over)
    assert heads.marks.tolist() == anew.marks.tolist() == model.marks()
    expected = model.heads()
    told = {(row, action, value, seq) for row, action, value, seq in
            heads.frame.select("row_id", "action", "value", "seq").iter_rows()}  # fmt: skip
    assert told == {(x["row"], x["action"], x["value"], x["seq"])
                    for lines in expected.values() for x in lines if x["row"] in model.ids[:STRANGER]}  # fmt: skip
    assert heads.stale == (model.ids[STRANGER] in expected)
    assert sum(heads.counts().values()) == len(told)
    rows = view.rows.drop("text")
    stands = standing(view.findings.select(table.SCHEMA.names()), ledger.head(), rows)
    for rule in {rule for rule, _, _ in FOUND}:
        every = pick(view, Filter(rule=rule), over=heads.over)
        open_, skipped, decided = (still(every, heads, how) for how in ("open", "skipped", "decided"))
        assert {view.rows["id"][int(at)] for at in open_} == set(stands.filter(rule=rule)["id"])
        assert set(skipped.tolist()) <= set(open_.tolist())
        assert sorted([*open_, *decided]) == sorted(every)
        assert open_.tolist()[len(open_) - len(skipped) :] == skipped.tolist(), "what was skipped stands last"


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from((3, 5_000)))
def test_following_any_decisions_and_undos_gives_what_reading_anew_the_model_and_the_policy_say(view, steps, many):
    model = Model(view.rows["id"])
    with (
        tempfile.TemporaryDirectory() as folder, Ledger.open(folder) as ledger, Ledger.open(folder) as other,
        pytest.MonkeyPatch.context() as patch,
    ):  # fmt: skip
        patch.setattr(heads_room, "_MANY", many)
        heads = read_heads(view, ledger)
        for step, looks in steps:
            model.play(other, step)
            if looks:
                heads = follow(heads, view, ledger)
                assert follow(heads, view, ledger) is heads, "nothing was decided since"
        check_all(follow(heads, view, ledger), view, ledger, model)


@settings(max_examples=15, deadline=None)
@given(STEPS, st.lists(st.integers(0, STRANGER), max_size=5), st.integers(0, 20))
def test_heads_of_some_rows_and_rows_touched_since_are_those_of_the_whole_ledger(view, steps, asked, seq):
    model = Model(view.rows["id"])
    with tempfile.TemporaryDirectory() as folder, Ledger.open(folder) as ledger:
        for step, _ in steps:
            model.play(ledger, step)
        ids = [model.ids[row] for row in asked]
        assert_frame_equal(ledger.head(ids), ledger.head().filter(pl.col("row_id").is_in(ids)))
        touched = ledger.touched_since(seq)
        assert sorted(touched) == sorted(set(ledger.log().filter(pl.col("seq") > seq)["row_id"]))


def test_a_relabel_that_cannot_be_carried_out_leaves_its_row_open_and_its_conflict_standing(view, tmp_path):
    ids = view.rows["id"]
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([Decision(ids[4], "relabel", "so"), Decision(ids[5], "relabel", "so")], reviewer="ann")
        heads = read_heads(view, ledger)
        assert heads.marks[[4, 5]].tolist() == [SETTLED, UNDECIDED]
        assert heads.over == frozenset(), "the call still differs from the answers"
        ledger.decide([Decision(ids[5], "drop")], reviewer="ann")
        heads = follow(heads, view, ledger)
        assert heads.over == {("labels.conflict", "two")}
        assert 3 not in pick(view, Filter(rule="labels.conflict"), over=heads.over)
        ledger.undo([3], reviewer="bob")
        assert follow(heads, view, ledger).over == frozenset()


def test_a_ledger_that_was_put_in_the_place_of_another_is_read_anew(view, tmp_path):
    ids = view.rows["id"]
    for name, row in (("here", 0), ("copy", 1)):
        (tmp_path / name).mkdir()
        with Ledger.open(tmp_path / name) as ledger:
            ledger.decide([Decision(ids[row], "drop")], reviewer="ann")
    with Ledger.open(tmp_path / "here") as ledger:
        heads = read_heads(view, ledger)
        (tmp_path / "copy" / "decisions.db").replace(tmp_path / "here" / "decisions.db")
        heads = follow(heads, view, ledger)  # it has as many lines
        assert heads.marks.nonzero()[0].tolist() == [1]


def test_no_decision_and_no_ledger_leave_every_row_open(view, tmp_path):
    with Ledger.open(tmp_path) as ledger:
        heads = read_heads(view, ledger)
    for none in (heads, empty_heads(view)):
        assert (none.seq, none.stale, none.over, none.marks.sum()) == (0, 0, frozenset(), 0)
        assert none.frame.is_empty()
        assert set(none.counts().values()) == {0}


def test_a_row_decided_by_one_that_was_not_seen_stays_where_it_is_for_the_other(view, tmp_path):
    row = view.rows["id"][0]
    with Ledger.open(tmp_path) as ann, Ledger.open(tmp_path) as bob:
        seen = read_heads(view, ann)
        bob.decide([Decision(row, "keep")], reviewer="bob")
        outcome = ann.decide([Decision(row, "drop")], reviewer="ann", expect=seen.seq)
        assert [conflict.reviewer for conflict in outcome.conflicts] == ["bob"]
        assert follow(seen, view, ann).frame.select("row_id", "action").rows() == [(row, "keep")]
