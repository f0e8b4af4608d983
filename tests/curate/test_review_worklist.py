"""The filters of a queue, against the same in plain Python, and links that somebody typed."""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from vetset.curate import findings as table
from vetset.curate.dataset import frame
from vetset.curate.decisions.applied import Decision, Ledger
from vetset.curate.errors import UsageError
from vetset.curate.review.desk import Desk
from vetset.curate.review.heads import SETTLED, SKIPPED, UNDECIDED, Heads, empty_heads, read_heads
from vetset.curate.review.view import open_view
from vetset.curate.review.worklist import FACETS, NONE, Filter, facet, findings_of, onward, pick, still
from vetset.curate.rules import RULES

WORDS = ("Card (lost)?", "card.lost*", r"a\b+", "بطاقة مفقودة", "卡片 遗失", "ÉTÉ", "été", "", "x-y&z~#", "A^$|{1}[2]")
SOUGHT = (*WORDS, "CARD", "card", "(", "[", "\\", ".", "é", "É", "مفقود", "失", "\n", "b\nC", "no such", "$", "a\\B+")
VALUE = st.sampled_from((None, "a", "b", "none", "漢字"))
RULE = st.sampled_from(("labels.conflict", "labels.rare", "duplicates.exact", "quality.roles"))
ROW = st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), *[VALUE] * len(FACETS))
FINDING = st.tuples(st.integers(0, 11), RULE, st.sampled_from((0.2, 0.5, 1.0)), st.sampled_from((None, "one", "two")))
CHOSEN = st.lists(st.sampled_from((NONE, "a", "b", "none", "漢字", "z")), max_size=3).map(tuple)


@pytest.fixture(scope="module")
def opened(make_set):
    """Make a view of rows and findings."""

    def opened(rows, found):
        given = [
            {"messages": [{"role": "user", "content": t} for t in said], **dict(zip(FACETS, of, strict=True))}
            for said, *of in rows
        ]
        made = frame([one | {"origin": one["origin"] or "human"} for one in given])
        lines = [
            {"id": made["id"][row], "rule": rule, "score": score, "cluster": cluster, "note": "A.", "suggest": "review"}
            for row, rule, score, cluster in found
            if row < made.height
        ]
        findings = pl.DataFrame(lines, schema=table.SCHEMA)
        with tempfile.TemporaryDirectory() as folder:
            return open_view(make_set(Path(folder) / "s.vet", made, findings))

    return opened


def plainly(view, wanted, over, ranks):
    """Filter and order row by row."""
    rows = view.rows.to_dicts()
    found = [line for line in view.findings.to_dicts() if (line["rule"], line["cluster"]) not in over]
    found = [x for x in found if wanted.rule in ("", "rows") or (x["rule"] + ".").startswith(wanted.rule + ".")]
    order = list(range(len(rows)))
    if wanted.ids:
        place = {row["id"]: at for at, row in enumerate(rows)}
        order = [place[one] for one in dict.fromkeys(wanted.ids) if one in place]
    elif wanted.rule != "rows":
        found.sort(key=lambda x: (list(RULES).index(x["rule"]), -x["score"], x["row"]))
        order = list(dict.fromkeys(x["row"] for x in found))
    if wanted.order == "file" and not wanted.ids:
        order.sort()
    if wanted.order == "gain" and ranks is not None and not wanted.ids:
        ahead = [at for one in dict.fromkeys(ranks) for at in order if rows[at]["id"] == one]
        order = ahead + [at for at in order if at not in ahead]

    def holds(row):
        for name in FACETS:
            values = getattr(wanted, name)
            if values and (NONE if row[name] is None else row[name]) not in values:
                return False
        text = "\n".join(message["content"] for message in row["messages"])
        return wanted.text.lower() in text.lower()

    return [at for at in order if holds(rows[at])]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ROW, max_size=9), st.lists(FINDING, max_size=14), st.tuples(*[CHOSEN] * len(FACETS)),
    st.sampled_from(("", "", *SOUGHT)), st.sampled_from(("", "rows", "rows", "labels", "labels.conflict", "leakage")),
    st.sampled_from(("worst", "file", "gain")), st.lists(st.integers(0, 9), max_size=5), st.data(),
)  # fmt: skip
@example([], [], ((),) * len(FACETS), "", "", "worst", [], None)
@example(
    [(["b", "c"], *[None] * len(FACETS))],
    [(0, "labels.rare", 0.5, None)],
    ((),) * len(FACETS),
    "b\nC",
    "",
    "gain",
    [0],
    None,
)
def test_any_filter_picks_what_plain_python_picks(opened, rows, found, chosen, text, rule, order, ids, data):
    view = opened(rows, found)
    at = [*view.rows["id"], "feedbead-0"]
    named = tuple(at[one % len(at)] for one in ids)
    by_id, ranked = data is not None and data.draw(st.booleans()), data is None or data.draw(st.booleans())
    wanted = Filter(
        rule=rule, text=text, order=order, ids=named if by_id else (), **dict(zip(FACETS, chosen, strict=True))
    ).checked()
    over = {("labels.conflict", "one"), ("labels.rare", None)} if data is not None and data.draw(st.booleans()) else ()
    ranks = pl.DataFrame({"id": named}, schema={"id": pl.String}) if ranked else None
    got = pick(view, wanted, over=over, ranks=ranks)
    # A finding without a cluster is of no conflict that could end.
    assert got.tolist() == plainly(view, wanted, {one for one in over if one[1] is not None}, named if ranked else None)
    assert got.dtype == np.int64
    inside = np.arange(view.rows.height) % 2 == 0
    assert pick(view, wanted, over=over, ranks=ranks, inside=inside).tolist() == [one for one in got if one % 2 == 0]


@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, max_size=12), st.sampled_from(FACETS), st.integers(1, 4))
def test_the_values_of_a_column_are_counted_the_commonest_first(opened, rows, name, most):
    view = opened(rows, [])
    every = view.rows[name].to_list()
    counts = {value: every.count(value) for value in every}
    expected = sorted(counts.items(), key=lambda item: (-item[1], item[0] is not None, item[0] or ""))
    assert facet(view, name, most=most) == expected[:most]
    assert facet(view, name, np.array([], np.int64)) == []


def test_a_long_text_and_letters_of_any_script_are_found_in_any_case(opened):
    view = opened([(["STRASSE Ünïcode ΣΊΣΥΦΟΣ" + "x" * 990], *[None] * len(FACETS))], [])
    for text in ("strasse ünïcode σίσυφο", "X" * 990, "x" * 1000):
        assert pick(view, Filter(rule="rows", text=text).checked()).size == (len(text) < 1000)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Filter(rule="labels.conflicts"), "labels.conflict"),
        (Filter(rule="'; DROP TABLE"), "no rule"),
        (Filter(rule="rows.x"), "no rule"),
        (Filter(order="best"), "there is no order 'best'; use worst, file, gain"),  # pyright: ignore[reportArgumentType]
        (Filter(text="é" * 1001), "at most 1,000 letters, this one 1,001"),
        (Filter(text="a\ud800"), "lone surrogate"),
        (Filter(ids=("a\udfff",)), "lone surrogate"),
        (Filter(source=("\ud800",)), "lone surrogate"),
    ],
)
def test_a_link_that_cannot_be_one_is_said(wanted, said):
    with pytest.raises(UsageError, match=said):
        wanted.checked()


def test_every_rule_and_family_and_the_default_can_be_asked_for():
    for name in ["", "rows", *RULES, *{rule.partition(".")[0] for rule in RULES}]:
        assert Filter(rule=name).checked().rule == name


def test_findings_of_a_rule_are_the_worst_first_and_unknown_rules_stand_last(opened):
    view = opened([([str(n)], *[None] * len(FACETS)) for n in range(4)],
                  [(0, "labels.rare", 0.2, None), (1, "labels.rare", 1.0, None), (2, "future.rule", 1.0, None),
                   (3, "duplicates.exact", 0.1, None)])  # fmt: skip
    assert findings_of(view, "")["row"].to_list() == [3, 1, 0, 2]
    assert findings_of(view, "labels")["row"].to_list() == [1, 0]


def test_open_rows_come_before_skipped_ones_and_onward_turns_the_queue(opened, tmp_path):
    view = opened([([str(n)], *[None] * len(FACETS)) for n in range(6)], [])
    every = pick(view, Filter(rule="rows"))
    ids = view.rows["id"]
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([Decision(ids[1], "skip"), Decision(ids[2], "keep")], reviewer="ann")
        heads = read_heads(view, ledger)
    of = {how: still(every, heads, how).tolist() for how in ("open", "skipped", "decided", "all")}
    assert of == {"open": [0, 3, 4, 5, 1], "skipped": [1], "decided": [2], "all": [0, 1, 2, 3, 4, 5]}
    assert list(onward(every, heads, 3)) == [4, 5, 0, 3, 1]
    assert list(onward(every, heads, 99)) == [0, 3, 4, 5, 1]
    assert list(onward(every[:0], empty_heads(view), 0)) == []


def test_onward_finds_what_is_far_away_on_either_side():
    marks = np.full(4_000, SETTLED, np.uint8)
    marks[[100, 3_500, 3_900]], marks[2_500] = UNDECIDED, SKIPPED
    heads, every = Heads(None, 0, pl.DataFrame(), 0, marks, frozenset()), np.arange(4_000)
    assert list(onward(every, heads, 1_000)) == [3_500, 3_900, 100, 2_500]
    assert list(onward(every, heads, 3_600)) == [3_900, 100, 3_500, 2_500]


def test_the_findings_of_rows_are_those_of_a_filter(opened):
    columns = [None] * len(FACETS)
    view = opened(
        [([str(n)], *columns) for n in range(6)], [(n, "duplicates.exact", 1.0 - n / 10, None) for n in (1, 3, 5)]
    )
    for rows in ([], [0], [1], [5, 3, 0], range(6)):
        wanted = view.findings.filter(pl.col("row").is_in(list(rows)))
        assert view.found_on(np.array(rows, np.int64)).equals(wanted)


def test_two_picks_by_one_ranking_are_both_remembered(make_set, tmp_path, monkeypatch):
    monkeypatch.setattr("vetset.curate.review.desk._KEPT", 5_000)
    rows = frame([{"messages": str(n)} for n in range(100)])
    ranks = rows.select("id")
    assert ranks.estimated_size() > 2_000
    with Desk(make_set(tmp_path / "s.vet", rows)) as desk:
        filters = [Filter(rule="rows", text=text) for text in ("1", "2")]
        first = [desk.pick(desk.look(), one, ranks=ranks) for one in filters]
        again = [desk.pick(desk.look(), one, ranks=ranks) for one in filters]
        assert all(one is other for one, other in zip(first, again, strict=True))


def test_a_desk_remembers_what_was_picked_and_mixes_up_no_two_rankings(make_set, tmp_path):
    rows = frame([{"messages": str(n)} for n in range(5)])
    with Desk(make_set(tmp_path / "s.vet", rows)) as desk:
        look, wanted = desk.look(), Filter(rule="rows", order="gain")
        first = desk.pick(look, wanted)
        assert desk.pick(desk.look(), Filter(rule="rows", order="gain")) is first
        assert first.tolist() == [0, 1, 2, 3, 4]
        for turn in range(5):  # a frame that is gone leaves its ``id`` to the next
            ids = [*rows["id"][turn:], *rows["id"][:turn]]
            assert desk.pick(look, wanted, ranks=pl.DataFrame({"id": ids}))[0] == turn
        for kept in (1, 3):
            inside = np.arange(5) == kept
            area = Filter(rule="rows", area=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))
            assert desk.pick(look, area, inside=inside).tolist() == [kept]
        with pytest.raises(ValueError, match="read-only"):
            first[0] = 9


def test_what_a_desk_remembers_is_bounded(make_set, tmp_path, monkeypatch):
    monkeypatch.setattr("vetset.curate.review.desk._KEPT", 100)
    with Desk(make_set(tmp_path / "s.vet", frame([{"messages": str(n)} for n in range(10)]))) as desk:
        for text in "0123456789":
            assert desk.pick(desk.look(), Filter(rule="rows", text=text)).size == 1
            assert desk.pick(desk.look(), Filter(rule="rows")).size == 10
            assert sum(one.found.nbytes for one in desk._picked.values()) <= 100


def test_what_a_row_was_picked_by_counts_in_what_a_desk_remembers(make_set, tmp_path, monkeypatch):
    monkeypatch.setattr("vetset.curate.review.desk._KEPT", 400)
    rows = frame([{"messages": str(n)} for n in range(100)])
    with Desk(make_set(tmp_path / "s.vet", rows)) as desk:
        for number in range(20):  # an area around one row: 8 bytes are picked by 100
            assert desk.pick(desk.look(), Filter(rule="rows"), inside=np.arange(100) == number).tolist() == [number]
            assert desk.pick(desk.look(), Filter(rule="rows"), ranks=rows.select("id"))[0] == 0
        held = [thing for one in desk._picked.values() for thing in one.of if thing is not None]
        assert len(held) <= 4
