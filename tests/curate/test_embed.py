"""Encoders, their cache, and the fallback without a model."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from hashlib import blake2b

import numpy as np
import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.embed import encoder as encoders
from vetset.curate.embed import vector_cache
from vetset.curate.embed.encoder import TFIDF, find_encoder
from vetset.curate.embed.encoding import encode, row_texts, tell
from vetset.curate.embed.sentence_model import SentenceModel
from vetset.curate.embed.tfidf import tfidf_vectors
from vetset.curate.errors import DataError, MissingExtra, UsageError


class Letters:
    """An encoder of its own: how often each letter stands in a text; it keeps what it was asked."""

    def __init__(self, fingerprint="letters 1", batch=4):
        self.fingerprint, self.batch, self.asked = fingerprint, batch, []

    def __call__(self, texts):
        self.asked.append(list(texts))
        return np.array([[text.lower().count(chr(97 + at)) for at in range(26)] for text in texts], np.float32)

    @property
    def texts(self):
        return [text for batch in self.asked for text in batch]


TEXTS = pl.Series(["a quick fox", "", "lazy dogs sleep all day", "a quick fox", "fox", "zebra crossing", "12345"])


def test_only_distinct_texts_are_encoded_the_longest_first():
    letters = Letters(batch=2)
    encoded = encode(TEXTS, letters)
    assert letters.texts == ["lazy dogs sleep all day", "zebra crossing", "a quick fox", "12345", "fox"]
    assert encoded.of_row.tolist() == [0, -1, 1, 0, 2, 3, -1]
    assert (encoded.fresh, encoded.unread) == (5, 1)
    assert np.allclose(np.linalg.norm(encoded.vectors, axis=1), 1, atol=1e-6)


def test_added_rows_cost_only_their_own_encoding(tmp_path):
    first, second = Letters(), Letters()
    whole = encode(TEXTS, first, cache=tmp_path)
    more = encode(pl.concat([TEXTS, pl.Series(["new text"])]), second, cache=tmp_path)
    assert second.texts == ["new text"]
    assert np.array_equal(more.vectors[:4], whole.vectors)
    assert np.array_equal(encode(TEXTS, Letters()).vectors, whole.vectors)


def test_another_model_has_vectors_of_its_own(tmp_path):
    encode(TEXTS, Letters(), cache=tmp_path)
    other = Letters("letters 2")
    encode(TEXTS, other, cache=tmp_path)
    assert len(other.texts) == 5


def test_an_encoder_without_a_fingerprint_leaves_nothing_on_disk(tmp_path):
    letters = Letters()
    encode(TEXTS, letters.__call__, cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "version", "stranger"])
def test_a_damaged_cache_is_made_anew_and_never_trusted(tmp_path, harm):
    whole = encode(TEXTS, Letters(), cache=tmp_path).vectors
    (path,) = tmp_path.rglob("*.vectors")
    content = bytearray(path.read_bytes())
    if harm == "flip":
        content[-3] ^= 64
    elif harm == "version":
        content = content.replace(b"vectors 1", b"vectors 9", 1)
    path.write_bytes({"cut": content[:-5], "empty": b"", "stranger": b"PK\3\4"}.get(harm, content))
    again = Letters()
    assert np.array_equal(encode(TEXTS, again, cache=tmp_path).vectors, whole)
    assert len(again.texts) == 5
    third = Letters()
    encode(TEXTS, third, cache=tmp_path)
    assert not third.texts


def test_a_file_of_another_version_is_passed_over_and_left(tmp_path):
    encode(TEXTS, Letters(), cache=tmp_path)
    (path,) = tmp_path.rglob("*.vectors")
    newer = path.read_bytes().replace(b"vectors 1", b"vectors 2", 1)
    beside = path.with_name(f"{blake2b(newer, digest_size=16).hexdigest()}.vectors")
    beside.write_bytes(newer)
    path.unlink()
    again = Letters()
    encode(TEXTS, again, cache=tmp_path)
    assert len(again.texts) == 5
    assert beside.read_bytes() == newer


def test_large_files_are_not_written_again_with_the_small_ones(tmp_path, monkeypatch):
    keys = vector_cache.text_keys([str(at) for at in range(60_000)])
    vectors = np.full((60_000, 8), 0.5, np.float16)
    assert vector_cache.add(tmp_path, "m", keys[:50_000], vectors[:50_000])
    (large,) = tmp_path.rglob("*.vectors")
    monkeypatch.setattr(vector_cache, "_SMALL", 1 << 20)
    for low in range(50_000, 60_000, 200):
        assert vector_cache.add(tmp_path, "m", keys[low : low + 200], vectors[low : low + 200])
    assert large.exists()
    assert len(list(tmp_path.rglob("*.vectors"))) < 40
    assert vector_cache.load(tmp_path, "m", keys)[0].all()


def test_what_was_not_read_or_not_kept_is_said_once(tmp_path):
    (tmp_path / "file").write_text("no folder")
    notes = ["before"]
    for _ in range(2):
        tell(encode(TEXTS, Letters(), cache=tmp_path / "file"), notes)
    assert notes[1] == "The encoder makes nothing of 1 text, such as emoji alone: they are like none."
    assert "could not be written" in notes[2]
    assert len(notes) == 3
    tell(encode(TEXTS[:1], Letters()), None)
    assert encode(TEXTS[:1], Letters()).notes == []


@pytest.mark.parametrize(
    ("files", "reach"),
    [
        ({"sentence_bert_config": {"max_seq_length": 256}, "config": {"max_position_embeddings": 512}}, 768),
        ({"tokenizer_config": {"model_max_length": 10**30}, "config": {"max_position_embeddings": 512}}, 1536),
        ({"tokenizer_config": {"model_max_length": 128}, "config": {"max_position_embeddings": 512}}, 384),
        ({"sentence_bert_config": {"max_seq_length": None}, "config": {"max_position_embeddings": 64}}, 192),
        ({"config": []}, None),
        ({}, None),
    ],
)
def test_the_reach_of_a_model_is_read_from_its_folder(tmp_path, files, reach):
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    assert SentenceModel(tmp_path, name="m").reach == reach


def test_a_folder_that_changed_under_its_name_is_another_model(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"one")
    one = SentenceModel(tmp_path, name="m").fingerprint
    assert SentenceModel(tmp_path, name="other").fingerprint == one
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert SentenceModel(tmp_path, name="m").fingerprint != one


def test_many_files_become_one_and_hold_the_same(tmp_path):
    letters = Letters()
    texts = [f"text {chr(97 + at % 26) * (at + 1)}" for at in range(70)]
    for at in range(1, 71):
        encode(pl.Series(texts[:at]), letters, cache=tmp_path)
    assert len(letters.texts) == 70
    assert len(list(tmp_path.rglob("*.vectors"))) < 40
    known, vectors = vector_cache.load(tmp_path, "letters 1", vector_cache.text_keys(texts))
    assert known.all()
    assert vectors.shape == (70, 26)


def test_a_kill_leaves_whole_files_only(tmp_path):
    script = textwrap.dedent(f"""
        from pathlib import Path
        import numpy as np
        from vetset.curate.embed import vector_cache as c
        at = 0
        while True:
            texts = [str(at * 500 + i) for i in range(500)]
            c.add(Path({str(tmp_path)!r}), "m", c.text_keys(texts), np.full((500, 64), at % 100, np.float16))
            at += 1
            print(at, flush=True)
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        for _ in range(5):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    texts = [str(at) for at in range(2_500)]
    known, vectors = vector_cache.load(tmp_path, "m", vector_cache.text_keys(texts))
    assert known.all()
    assert np.array_equal(vectors[:, 0], np.repeat(np.arange(5), 500))
    assert not list(tmp_path.rglob("*.part*"))


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    encoded = encode(TEXTS, Letters(), cache=blocked)
    assert "could not be written" in encoded.note
    assert len(encoded.vectors) == 4


def test_progress_tells_rate_and_time_left():
    told = []
    encode(pl.Series([f"text {at}" for at in range(40)]), Letters(batch=10), progress=told.append)
    assert [p.done for p in told] == [10, 20, 30, 40]
    assert all(p.total == 40 and p.rate > 0 for p in told)
    assert told[-1].seconds_left == 0
    assert told[0].seconds_left > 0


@pytest.mark.parametrize(
    "broken", [lambda t: np.zeros((1, 4)), lambda t: np.zeros(len(t)), lambda t: np.full((len(t), 4), np.nan)]
)
def test_a_broken_encoder_raises(broken):
    with pytest.raises(DataError):
        encode(TEXTS, broken)


def test_the_text_of_a_row_leaves_out_the_system_prompt():
    rows = frame(
        [
            {"messages": [{"role": "system", "content": "be nice"}, {"role": "user", "content": " hi "},
                          {"role": "assistant", "content": "hello"}]},
            {"messages": []},
            {"messages": "مرحبا 😀"},
        ]
    )  # fmt: skip
    assert row_texts(rows).to_list() == ["hi \nhello", "", "مرحبا 😀"]
    assert row_texts(rows, "input").to_list() == ["hi", "", "مرحبا 😀"]
    assert row_texts(rows.clear()).to_list() == []


def test_the_fallback_says_what_is_lost(monkeypatch):
    monkeypatch.setattr(encoders, "find_spec", lambda name: None)
    found = find_encoder()
    assert found.name == TFIDF
    assert "pip install 'vetset[embed]'" in found.note
    assert "What is lost" in found.note
    assert "not meanings" in (find_encoder(TFIDF).note or "")  # asked for by name: still said


def test_a_model_that_is_named_needs_the_extra(monkeypatch):
    monkeypatch.setattr(encoders, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'vetset\[embed\]'"):
        find_encoder("sentence-transformers/all-MiniLM-L6-v2")


def test_a_hub_name_that_is_not_here_is_never_fetched_unasked(monkeypatch, tmp_path):
    import huggingface_hub

    def fetch(*_, **__):
        raise AssertionError("fetched")

    monkeypatch.setattr(encoders, "find_spec", lambda name: name)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    with pytest.raises(UsageError, match=r"would be fetched from https://huggingface.co/owner/model .*--download"):
        find_encoder("owner/model")
    found = find_encoder()
    assert found.name == TFIDF
    assert "--download" in found.note
    assert "90 MB" in found.note
    with pytest.raises(UsageError, match="could not be fetched"):
        find_encoder("owner/model", download=True)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "a/b/c"])
def test_a_path_without_a_model_raises(monkeypatch, name):
    monkeypatch.setattr(encoders, "find_spec", lambda name: name)
    with pytest.raises(UsageError, match="no folder with a model"):
        find_encoder(name)


def test_tfidf_vectors_know_shared_words_and_parts():
    vectors = tfidf_vectors(["reset my password", "resetting my passwords", "weather in Oslo", "😀", ""])
    products = vectors @ vectors.T
    assert products[0, 1] > 0.4
    assert products[0, 2] < 0.05
    assert not vectors[3:].any()
    assert tfidf_vectors([]).shape == (0, 1)
    assert np.allclose(np.linalg.norm(tfidf_vectors(["one"]), axis=1), 1, atol=1e-5)


def test_tfidf_by_svd_is_the_same_each_time():
    draw = np.random.default_rng(0)
    words = np.array([f"word{at}" for at in range(300)])
    texts = [" ".join(draw.choice(words, 8)) for _ in range(600)]
    texts[1] = texts[0] + " extra"
    one = tfidf_vectors(texts, axes=64)
    assert one.shape == (600, 64)
    assert np.array_equal(one, tfidf_vectors(texts, axes=64))
    assert one[0] @ one[1] > 0.9
    assert encode(pl.Series(texts), tfidf_vectors).vectors.shape == (600, 256)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # what torch and its friends deprecate is theirs to mend
def test_a_real_model_reads_meaning_and_not_emoji(tmp_path):
    pytest.importorskip("sentence_transformers", reason="needs pip install 'vetset[embed]'")
    folder = os.environ.get("VETSET_ENCODER")
    if not folder:
        pytest.skip("VETSET_ENCODER names no folder with a sentence-transformers model")
    texts = ["How do I reset my password?", "I forgot my password, what now?", "Best pizza in Rome?", "😀😀", "😡 🤖"]
    encoder = find_encoder(folder).encoder
    encoded = encode(pl.Series(texts), encoder, cache=tmp_path)
    products = encoded.vectors @ encoded.vectors.T
    assert products[0, 1] > 0.6
    assert products[0, 2] < 0.3
    assert encoded.of_row.tolist() == [0, 1, 2, -1, -1]
    again = find_encoder(folder).encoder
    assert encode(pl.Series(texts), again, cache=tmp_path).fresh == 0
    assert again._model is None
