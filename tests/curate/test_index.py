"""The index of all rows ever kept: what it finds, proves, refuses, and what adding again and at once does."""

import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.dataset import frame
from vetset.curate.errors import DataError, MissingExtra, UsageError
from vetset.curate.index import adding, checking, file_store, kernels, kernels_in_numpy, redis_store, signatures, stores
from vetset.curate.index.adding import add
from vetset.curate.index.checking import check
from vetset.curate.index.describing import info
from vetset.curate.index.sketches import sketched
from vetset.curate.near import joining
from vetset.curate.near.row_texts import row_pieces
from vetset.curate.near.shingles import Shingle, shingled

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def words(seed, count=100):
    draw = random.Random(seed)
    return [f"w{draw.randrange(10**6)}" for _ in range(count)]


def text(seed, *, changed=0, count=100):
    """A text of its own for each seed, with some words exchanged."""
    own, draw = words(seed, count), random.Random(f"{seed}-{changed}")
    for at in draw.sample(range(count), changed):
        own[at] = f"x{draw.randrange(10**6)}"
    return " ".join(own)


def chat(asked, answered, **more):
    return {
        "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}],
        **more,
    }


def many(count, *, changed=0, first=0):
    return frame([{"messages": text(seed, changed=changed)} for seed in range(first, first + count)])


def copies_of_each_kind(count=60):
    """Near copies with 0 to 4 of 100 words exchanged: Jaccard from 0.67 to 1."""
    return frame([{"messages": text(seed, changed=seed % 5)} for seed in range(count)])


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory):
    """A server of our own on a free port of the loopback interface."""
    pytest.importorskip("redis", reason="Redis' client is not installed (pip install redis)")
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server on this machine (apt-get install redis-server)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        limit = time.monotonic() + 20
        while time.monotonic() < limit:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(params=["file", "redis"])
def place(request, tmp_path):
    """An address at which no index stands yet, of each kind."""
    if request.param == "file":
        return tmp_path / "kept.index"
    return f"{request.getfixturevalue('redis_server')}#{tmp_path.name}"


# What it finds


def test_a_near_copy_is_found_and_the_hit_says_where_its_peer_stands(place):
    kept = frame([{"messages": text(1), "split": "test"}, {"messages": text(2)}])
    add(place, kept, name="bank", at=NOON)
    result = check(place, frame([{"messages": text(3)}, {"messages": text(1, changed=2)}]))
    hit = result.hits.row(0, named=True)
    assert result.hits.height == 1
    assert result.hits["id"].item() == result.findings["id"].item()
    assert (hit["set"], hit["split"], hit["file"], hit["line"], hit["added"]) == ("bank", "test", "memory", 1, NOON)
    assert kept["id"][0].startswith(hit["peer"])
    assert hit["verified"]
    assert 0.8 <= hit["jaccard"] < 1
    finding = result.findings.row(0, named=True)
    assert finding["suggest"] == "drop"
    assert finding["rule"] == "index.near"
    assert "'bank', split 'test' (memory line 1, added 2026-11-22), Jaccard 0.8" in finding["note"]
    assert result.summary()["sets"] == [{"set": "bank", "split": "test", "rows": 1, "identical": 0}]


def test_a_question_seen_before_is_found_under_another_answer(place):
    add(place, frame([chat(text(1), text(2))]), name="bank")
    result = check(place, frame([chat(text(1, changed=1), text(3))]))
    assert result.hits.select("part").to_series().to_list() == ["input"]
    assert result.findings["suggest"].to_list() == ["review"]


def test_a_question_without_an_answer_meets_the_same_question_with_one(place):
    add(place, frame([{"messages": text(1), "label": "a"}]), name="bank")
    assert check(place, frame([chat(text(1), text(2))])).hits["part"].to_list() == ["input"]


def test_the_input_of_one_row_is_not_the_answer_of_another(place):
    add(place, frame([chat(text(1), text(2, count=20))]), name="bank")
    assert check(place, frame([chat(text(2, count=20), text(3))])).found == 0


def test_a_long_answer_under_another_short_question_is_found(place):
    add(place, frame([chat("Tell me about it in a few words please", text(1, count=300))]), name="bank")
    result = check(place, frame([chat("What can you say of that, old friend of mine", text(1, count=300))]))
    assert result.hits["part"].to_list() == ["text"]


def test_each_set_that_holds_a_near_copy_is_named_and_one_finding_tells_of_the_eval_side_first(place):
    add(
        place,
        frame([{"messages": text(1), "split": "train"}, {"messages": text(1, changed=1), "split": "test"}]),
        name="a",
    )
    add(place, frame([{"messages": text(1)}]), name="b")
    result = check(place, frame([{"messages": text(1)}]))
    assert result.hits.select("set", "split").rows() == [("a", "train"), ("b", None), ("a", "test")]
    assert result.findings.height == 1
    assert "split 'test'" in result.findings["note"].item()
    assert result.findings["note"].item().endswith("; and in 2 more sets.")
    assert check(place, frame([{"messages": text(1)}]), apart_from=["a"]).hits["set"].to_list() == ["b"]


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("日本語のテキストはスペースなしで書かれる文です", "日本語のテキストは、スペースなしで書かれる文です!"),
        ("Straße und Café in der Mitte der Stadt", "STRASSE UND CAFE\u0301 in der\u200b Mitte der ｓｔａｄｔ"),
        ("كتاب جديد على الطاولة في الغرفة", "كِتاب جديد، على الطاولة في الغرفة"),
        ("😀🎉❤", "😀 🎉 ❤\ufe0f"),
        ("hi", "Hi!"),
    ],
)
def test_scripts_and_signs_are_folded_as_in_the_join(tmp_path, said, again):
    add(tmp_path / "i", frame([{"messages": said}]), name="one")
    assert check(tmp_path / "i", frame([{"messages": again}])).hits["jaccard"].to_list() == [1.0]
    assert check(tmp_path / "i", frame([{"messages": "🚀🚀 other 本"}])).found == 0


def test_rows_in_which_nothing_is_seen_are_counted_and_meet_nothing(place):
    blank = frame([{"messages": ""}, {"messages": " \u200b\n"}, {"messages": [{"role": "system", "content": text(1)}]}])
    assert add(place, blank, name="blank").summary()["empty"] == 3
    result = check(place, blank)
    assert (result.empty, result.found) == (3, 0)


def test_an_empty_frame_is_added_and_checked(place):
    none = frame([])
    assert add(place, none, name="none").added == 0
    result = check(place, none)
    assert result.findings.is_empty()
    assert result.summary()["sets"] == []


def test_hits_are_those_of_the_exact_join_and_their_jaccard_index_is_exact(place):
    kept, asked = many(60), copies_of_each_kind()
    add(place, kept, name="kept")
    result = check(place, asked)
    sets = shingled(*row_pieces(pl.concat([kept, asked]), "text"))
    held = np.arange(120) >= 60
    peers, scores = joining.closest(sets, joining.prepare(sets, 0.8), held, ~held)
    expected = [
        (row, kept["id"][int(peer)][:-2], score)
        for row, peer, score in zip(asked["id"], peers[60:], scores[60:], strict=True)
        if peer >= 0
    ]
    assert result.hits.select("id", "peer", "jaccard").rows() == expected
    assert 30 < len(expected) < 60
    assert result.hits["verified"].all()


def test_one_of_a_crowd_of_a_template_is_found_though_the_crowd_shares_its_bands(tmp_path):
    form = [f"t{at}" for at in range(90)]

    def filled(seed, own=14):
        draw, said = random.Random(seed), list(form)
        for at in range(3, 90, 90 // own):
            said[at] = f"v{draw.randrange(10**9)}"
        return said

    crowd = [filled(seed) for seed in range(3_000)]
    add(tmp_path / "i", frame([{"messages": " ".join(said)} for said in crowd]), name="crowd", threshold=0.8)
    asked = [[*crowd[at][:-1], "end"] for at in range(0, 3_000, 100)]
    result = check(tmp_path / "i", frame([{"messages": " ".join(said)} for said in asked]))
    assert result.hits["line"].to_list() == [at + 1 for at in range(0, 3_000, 100)]


def template(word, count):
    form = " ".join(f"t{at}" for at in range(90))
    return frame([{"messages": f"{form} {word}{seed} and then"} for seed in range(count)])


def test_nearly_all_is_not_called_all(tmp_path):
    words = [f"w{at}" for at in range(5_000)]
    add(tmp_path / "i", frame([{"messages": " ".join(words)}]), name="a")
    found = check(tmp_path / "i", frame([{"messages": " ".join([*words, "more"])}])).findings
    assert "Jaccard 0.999." in found["note"][0]


def test_a_crowd_is_held_against_a_crowd_a_portion_at_a_time(place, monkeypatch):
    add(place, template("kept", 150), name="crowd", at=NOON)
    add(place, many(20), name="others", at=NOON)
    asked = pl.concat([template("new", 60), copies_of_each_kind(20)])
    whole = check(place, asked).hits
    assert len(whole) > 60
    seen = []
    loops = signatures.loops()
    plain = loops.common
    monkeypatch.setattr(loops, "common", lambda *given: seen.append(given[3].size) or plain(*given))
    monkeypatch.setattr(checking, "_PAIRS", 97)
    monkeypatch.setattr(file_store, "_QUERIES", 7)
    monkeypatch.setattr(redis_store, "_ASKED_AT_ONCE", 7)
    assert check(place, asked).hits.equals(whole)
    assert max(seen) <= 97
    monkeypatch.setattr(checking, "_SHINGLES", 1_000)
    assert check(place, asked).hits.equals(whole)
    monkeypatch.setattr(checking, "_LIMIT", 5)
    few = check(place, asked).hits
    assert few["id"].to_list() == whole["id"].to_list()
    assert few["jaccard"].to_list() == whole["jaccard"].to_list()


def test_a_crowd_that_does_not_count_hides_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(checking, "_LIMIT", 10)
    own = template("own", 300)
    further = [
        text.replace("t45", "x") for text in template("other", 3)["messages"].list.first().struct.field("content")
    ]
    add(tmp_path / "i", frame([{"messages": text} for text in further]), name="benchmark")
    add(tmp_path / "i", own, name="own")  # in one segment with the three, and nearer to each other
    hits = check(tmp_path / "i", own, apart_from=["own"]).hits
    assert hits["id"].to_list() == own["id"].to_list()
    assert set(hits["set"]) == {"benchmark"}


def test_of_a_band_that_a_template_fills_so_many_rows_are_looked_at(tmp_path):
    add(tmp_path / "i", template("kept", 400), name="crowd")
    rows = template("new", 50)
    head = signatures.made("word5", 0.8, exact=True)
    sketches = sketched(rows, Shingle())
    signed = signatures.signatures(sketches.sets, sketches.numbers, head.parameters, threads=1)
    with stores.opened(tmp_path / "i") as store:
        found = pl.concat(
            [pl.DataFrame({"query": one, "handle": other}) for one, other in store.suspects(signed, 10)], how="vertical"
        )
    assert found["handle"].max() < 100  # of 400, the first 40 of each of 21 bands
    assert set(found.group_by("query").len()["len"]) == {10}
    assert check(tmp_path / "i", rows).found == 50


def test_test_rows_of_the_bank_intents_that_stand_nearly_in_train_are_found(shared, tmp_path):
    texts = {side: pl.read_csv(shared / "bank_intents" / f"{side}.csv")["text"] for side in ("train", "test")}
    kept, asked = (frame([{"messages": said} for said in texts[side]]) for side in ("train", "test"))
    add(tmp_path / "i", kept, name="bank", shingle="char5")
    found = set(check(tmp_path / "i", asked).hits["id"])
    sets = shingled(*row_pieces(pl.concat([kept, asked]), "input"), shingle=Shingle("char", 5))
    held = np.arange(len(kept) + len(asked)) >= len(kept)
    peers, _ = joining.closest(sets, joining.prepare(sets, 0.8), held, ~held)
    true = set(asked["id"].filter(pl.Series(peers[len(kept) :] >= 0)))
    assert found <= true
    assert len(true) > 50
    assert len(found) >= 0.98 * len(true)


# Adding


def test_adding_twice_changes_no_byte_of_the_file(tmp_path):
    path = tmp_path / "kept.index"
    rows = frame([chat(text(seed), text(-seed), split="train") for seed in range(1, 40)])
    assert add(path, rows, name="bank").summary() == {
        "index": str(path), "name": "bank", "rows": 39, "added": 39, "known": 0, "empty": 0,
    }  # fmt: skip
    before = path.read_bytes()
    assert add(path, rows, name="bank").known == 39
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["kept.index"]


def test_adding_twice_changes_no_answer(place):
    rows = many(10)
    add(place, rows, name="bank", at=NOON)
    before = info(place).summary(), check(place, rows).hits
    assert add(place, rows, name="bank").added == 0
    assert info(place).summary() == before[0]
    assert check(place, rows).hits.equals(before[1])


def test_a_row_may_stand_in_several_sets_and_splits_and_only_new_rows_are_added(place):
    add(place, many(10), name="a")
    assert add(place, many(15), name="a").summary() | {"index": ""} == {
        "index": "", "name": "a", "rows": 15, "added": 5, "known": 10, "empty": 0,
    }  # fmt: skip
    assert add(place, many(5), name="b").added == 5
    assert add(place, many(5).with_columns(split=pl.lit("dev")), name="b").added == 5
    told = info(place)
    assert [(entry["set"], entry["split"], entry["rows"]) for entry in told.sets] == [
        ("a", None, 15), ("b", None, 5), ("b", "dev", 5),
    ]  # fmt: skip
    assert told.sketches == 15


def test_rows_that_repeat_each_other_are_one_row_that_stands_many_times(place):
    result = add(place, frame([{"messages": text(1), "label": label} for label in ("a", "a", "b")]), name="bank")
    assert (result.added, result.known) == (2, 1)
    assert check(place, frame([{"messages": text(1)}])).hits["times"].item() == 2
    assert info(place).sketches == 1


def test_rows_added_one_by_one_make_few_segments_and_are_all_found(tmp_path):
    path, rows = tmp_path / "i", many(40)
    for row in rows.iter_slices(1):
        add(path, row, name="bank", at=NOON)
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*), sum(count) FROM segment").fetchone() == (2, 40)
    raw.close()
    assert check(path, rows).hits["line"].to_list() == list(range(1, 41))


def test_the_same_additions_make_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        add(tmp_path / name, many(30), name="a", at=NOON)
        add(tmp_path / name, many(30, first=20), name="b", at=NOON, threads=3)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_checking_changes_nothing(tmp_path):
    path = tmp_path / "i"
    add(path, many(10), name="a")
    before = path.read_bytes(), path.stat().st_mtime_ns
    check(path, many(10))
    info(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [file.name for file in tmp_path.iterdir()] == ["i"]


ADDER = """
import sys
from vetset.curate.dataset import frame
from vetset.curate.index.adding import add
place, name = sys.argv[1:]
for round in range(6):
    rows = [{"messages": " ".join(f"{who}{round}w{at}" for at in range(30))} for who in (name, "both")]
    add(place, frame(rows), name="bank")
"""


def test_two_adders_at_once_lose_nothing(place):
    adders = [subprocess.Popen([sys.executable, "-c", ADDER, str(place), name]) for name in ("ann", "bob")]
    assert [adder.wait() for adder in adders] == [0, 0]
    told = info(place)
    assert told.sets[0]["rows"] == told.sketches == 18
    said = [" ".join(f"{who}{at}w{word}" for word in range(30)) for who in ("ann", "bob", "both") for at in range(6)]
    assert check(place, frame([{"messages": one} for one in said])).found == 18


# Without the shingles


def test_without_shingles_hits_are_estimated_and_say_so(place):
    kept, asked = many(60), copies_of_each_kind()
    add(place, kept, name="kept", exact=False)
    result = check(place, asked)
    assert not result.exact
    near = dict(result.hits.select("id", "jaccard").rows())
    exact = shingled(*row_pieces(pl.concat([kept, asked]), "text"))
    for seed, row in enumerate(asked["id"]):
        own, other = (
            set(exact.hashes[exact.starts[at] : exact.starts[at] + exact.sizes[at]].tolist())
            for at in (seed, seed + 60)
        )
        true = len(own & other) / len(own | other)
        assert true < 0.92 or row in near
        assert abs(near.get(row, true) - true) < 0.15
    assert set(result.hits.filter("verified")["jaccard"]) == {1.0}
    assert result.hits.filter(~pl.col("verified"))["jaccard"].max() < 1
    assert "not verified" in result.findings["note"][1]


def test_an_index_without_shingles_holds_neither_text_nor_hashes_of_it(tmp_path):
    rows = frame([{"messages": "my secret word stands here in the middle of it all"}])
    for exact in (True, False):
        add(tmp_path / str(exact), rows, name="bank", exact=exact)
    hashes = sketched(rows, Shingle()).hashes(0)
    assert hashes[:8] in (tmp_path / "True").read_bytes()
    stored = (tmp_path / "False").read_bytes()
    assert not [at for at in range(0, len(hashes), 8) if hashes[at : at + 8] in stored]
    for path in tmp_path.iterdir():
        assert b"secret" not in path.read_bytes()


# Signatures


def test_signatures_are_those_of_datasketch():
    from datasketch import MinHash

    head = signatures.made("word5", 0.8, exact=True)
    sketches = sketched(copies_of_each_kind(), Shingle())
    signed = signatures.signatures(sketches.sets, sketches.numbers, head.parameters, threads=2)
    for number, own in enumerate(signed):
        one = MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=int)
        one.update_batch(np.frombuffer(sketches.hashes(number), "<u8") >> np.uint64(32))
        assert own.tolist() == one.hashvalues.tolist()


def test_suspects_are_those_of_datasketch(tmp_path):
    from datasketch import MinHash, MinHashLSH

    head = signatures.made("word5", 0.8, exact=True)
    lsh = MinHashLSH(num_perm=128, params=(head.bands, head.width))
    kept, asked = many(60, changed=0), copies_of_each_kind()
    add(tmp_path / "i", kept, name="kept")

    def hashed(rows):
        sketches = sketched(rows, Shingle())
        signed = signatures.signatures(sketches.sets, sketches.numbers, head.parameters, threads=1)
        return signed, [MinHash(hashvalues=own, permutations=head.parameters, scheme="affine32") for own in signed]

    for number, one in enumerate(hashed(kept)[1]):
        lsh.insert(number + 1, one)
    signed, ones = hashed(asked)
    with stores.opened(tmp_path / "i") as store:
        found = list(store.suspects(signed, 1_000))
    ours = sorted(pair for both in found for pair in zip(*(part.tolist() for part in both), strict=True))
    assert ours == sorted((query, number) for query, one in enumerate(ones) for number in lsh.query(one))
    assert len(ours) > 50


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.8, 0.9, 1.0])
def test_bands_find_99_of_100_pairs_of_just_the_threshold(threshold):
    bands, width = signatures.banded(threshold)
    assert signatures.recall(threshold, bands, width) >= 0.99
    assert 2 <= bands * width <= 128


def test_the_fingerprint_stands_still():
    # It changes with folding, shingles, their hashes or the permutations: every index that stands would be refused. If that is
    # meant, say so in CHANGELOG.md and put the new value here.
    assert signatures.made("word5", 0.8, exact=True).fingerprint == "59fe7a29ebe74705"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(alphabet="ab cd", max_size=40), max_size=30), st.integers(1, 4), st.integers(1, 8))
def test_the_loops_in_numpy_give_what_the_compiled_ones_give(texts, width, limit):
    sets = shingled(pl.Series(texts, dtype=pl.String), shingle=Shingle("char", 2))
    numbers = np.flatnonzero(sets.sizes > 0)
    starts, sizes = sets.starts[numbers], sets.sizes[numbers]
    a, b = np.arange(1, 25, 2, dtype=np.uint32) * np.uint32(2_654_435_761), np.arange(12, dtype=np.uint32)
    results = []
    for loops in (kernels, kernels_in_numpy):
        signed = np.full((numbers.size, 12), 0xFFFFFFFF, np.uint32)
        loops.sign(sets.hashes, starts, sizes, a, b, signed)
        keys = np.empty((12 // width, numbers.size), np.uint32)
        loops.band_keys(signed, width, keys)
        members = np.argsort(keys, axis=1, kind="stable").astype(np.uint32)
        ordered = np.take_along_axis(keys, members.astype(np.int64), 1)
        lows, highs = (
            np.array([np.searchsorted(own, key, side) for own, key in zip(ordered, keys, strict=True)]).reshape(
                keys.shape
            )
            for side in ("left", "right")
        )
        queries, found = loops.sharing(lows, highs, members, limit)
        common = np.empty(queries.size, np.int64)
        loops.common(sets.hashes, starts, sizes, queries, sets.hashes, starts, sizes, found, common)
        pairs = sorted(zip(queries.tolist(), found.tolist(), common.tolist(), strict=True))
        results.append((signed.tolist(), keys.tolist(), pairs))
    assert results[0] == results[1]


# Refusals


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("shingle", "char5", "shingle word5, not char5"),
        ("threshold", 0.9, "0.8, not 0.9"),
        ("exact", False, "True, not False"),
    ],
)
def test_an_option_that_differs_from_the_index_is_refused(place, option, value, words):
    add(place, many(2), name="a")
    with pytest.raises(UsageError, match=words):
        add(place, many(2), name="a", **{option: value})
    assert add(place, many(3), name="a", shingle="word5", threshold=0.8, exact=True).added == 1


def edited(path, old, new):
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE head SET settings = replace(settings, ?, ?)", [old, new])
    raw.close()


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ('"version": 1', '"version": 2', UsageError, "signatures of version 2, this vetset makes version 1"),
        ('"fingerprint": "', '"fingerprint": "0', UsageError, "folds or hashes text in another way"),
        ('"shingle": "word5"', '"shingle": "word4"', UsageError, "folds or hashes text in another way"),
        ('"width": 6', '"width": 600', DataError, "makes no sense"),
        ("{", "", DataError, "damaged"),
        ('"bands"', '"hands"', DataError, "damaged"),
    ],
)
def test_signatures_that_differ_are_refused_with_the_next_step(tmp_path, old, new, error, words):
    path = tmp_path / "i"
    add(path, many(3), name="a")
    edited(path, old, new)
    for act in (lambda: check(path, many(1)), lambda: add(path, many(1), name="a"), lambda: info(path)):
        with pytest.raises(error, match=words) as caught:
            act()
        assert "add the sets to a new index" in str(caught.value)


@pytest.mark.parametrize("index", ["gone", "folder", "empty", "other.db", "text", "folder/none/i"])
def test_what_is_no_index_is_refused_in_a_sentence(tmp_path, index):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("no database at all " * 100)
    with sqlite3.connect(tmp_path / "other.db") as raw:
        raw.execute("CREATE TABLE mine (a)")
    raw.close()
    with pytest.raises((UsageError, DataError), match=index.split("/")[0]):
        check(tmp_path / index, many(1))
    if index not in ("gone", "empty"):
        before = (tmp_path / index).read_bytes() if (tmp_path / index).is_file() else None
        with pytest.raises((UsageError, DataError), match=index.split("/")[0]):
            add(tmp_path / index, many(1), name="a")
        assert before is None or (tmp_path / index).read_bytes() == before


@pytest.mark.parametrize("cut", [50_000, 4_096, 700, 100])
def test_a_file_cut_short_is_called_damaged(tmp_path, cut):
    path = tmp_path / "i"
    add(path, many(200), name="a")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises((DataError, UsageError), match=r"damaged|can't be read|no index"):
        check(path, many(200))


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM band WHERE number = 3", "UPDATE band SET keys = x'00'", "DROP TABLE band", "DELETE FROM sketch",
        "UPDATE sketch SET evidence = x'000000'", "DELETE FROM head", "UPDATE band SET members = zeroblob(40) || x'ffffffff'",
        "UPDATE band SET members = CAST(zeroblob(40) || x'ffffffff' AS BLOB)", "UPDATE sketch SET evidence = 3",
    ],
)  # fmt: skip
def test_tables_that_were_tampered_with_are_called_damaged(tmp_path, sql):
    add(tmp_path / "i", many(11), name="a")
    with sqlite3.connect(tmp_path / "i") as raw:
        raw.execute(sql)
    raw.close()
    with pytest.raises(DataError, match="damaged"):
        check(tmp_path / "i", many(11))


def test_a_disk_that_fills_keeps_the_batches_before_and_says_so(tmp_path, monkeypatch):
    path, rows = tmp_path / "i", many(400)
    monkeypatch.setattr(adding, "BATCH", 100)
    plain, written = file_store.FileStore.write, []

    def write(store, batch):
        if written:  # so many pages and no more, as on a disk that is full
            store.connection.execute(f"PRAGMA max_page_count={path.stat().st_size // 4096 + 2}")
        written.append(batch)
        return plain(store, batch)

    monkeypatch.setattr(file_store.FileStore, "write", write)
    with pytest.raises(
        UsageError, match="a disk that is full; free some space; then run the command again: what it added"
    ):
        add(path, rows, name="a")
    monkeypatch.setattr(file_store.FileStore, "write", plain)
    assert check(path, rows).found == 100
    assert add(path, rows, name="a").added == 300


def test_a_writer_that_holds_the_file_is_waited_for_and_then_named(tmp_path, monkeypatch):
    path = tmp_path / "i"
    add(path, many(2), name="a")
    monkeypatch.setattr(file_store, "_WAIT", 0.1)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert check(path, many(2)).found == 2
        with pytest.raises(
            UsageError,
            match="in use by another process; wait for it to end; then run the command again: what it added before stands",
        ):
            add(path, many(3), name="a")
        other.execute("ROLLBACK")
    other.close()
    assert add(path, many(3), name="a").added == 1


def test_wrong_calls_are_refused_in_a_sentence(tmp_path):
    path = tmp_path / "i"
    with pytest.raises(UsageError, match="1 to 200 characters"):
        add(path, many(1), name="")
    for name in ("a\nb", "\udcff", "\x1b[2J"):
        with pytest.raises(UsageError, match="visible characters"):
            add(path, many(1), name=name)
    with pytest.raises(UsageError, match="word or char"):
        add(path, many(1), name="a", shingle="line")
    with pytest.raises(UsageError, match=r"from 0.3 to 1"):
        add(path, many(1), name="a", threshold=0.1)
    with pytest.raises(UsageError, match="time zone"):
        add(path, many(1), name="a", at=datetime(2026, 1, 1))
    assert not path.exists()
    add(path, many(1), name="a")
    for threshold in (0.7, 1.1, float("nan")):
        with pytest.raises(UsageError, match=r"thresholds from 0\.8 to 1"):
            check(path, many(1), threshold=threshold)
    with pytest.raises(UsageError, match="no set 'b' stands in the index"):
        check(path, many(1), apart_from=["b"])
    with pytest.raises(UsageError, match="name a file, or redis://"):
        check("http://example.com/i", many(1))


# Redis alone


def test_redis_without_its_client_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtra, match="pip install redis"):
        check("redis://127.0.0.1:1/0", many(1))


def test_a_server_that_is_not_there_is_named_without_its_password():
    pytest.importorskip("redis", reason="Redis' client is not installed (pip install redis)")
    with pytest.raises(UsageError, match="can't be reached") as caught:
        check("redis://ann:swordfish@127.0.0.1:1/0", many(1))
    assert "swordfish" not in str(caught.value)
    assert "127.0.0.1:1/0" in str(caught.value)


def test_rows_whose_addition_to_redis_was_cut_off_are_no_hits_and_are_added_again(redis_server):
    import redis

    place = f"{redis_server}#cut"
    add(place, many(4), name="a")
    with redis.Redis.from_url(redis_server) as client:
        client.delete("vetset:cut:evidence", *client.keys("vetset:cut:standing:*"))
    assert check(place, many(4)).found == 0
    assert add(place, many(4), name="a").added == 4
    assert check(place, many(4)).found == 4


def test_two_indexes_in_one_database_keep_apart(redis_server):
    add(f"{redis_server}#one", many(2), name="a")
    add(f"{redis_server}#two", many(2, first=5), name="a")
    assert check(f"{redis_server}#two", many(10)).found == 2
    with pytest.raises(UsageError, match="no such index"):
        info(f"{redis_server}#three")
