"""Batches hold every text once, stay within their budget, and waste little."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.errors import DataError
from vetset.evaluate.models.batching import batches
from vetset.evaluate.models.shared_prefix import shared_length
from vetset.evaluate.models.weights_digest import tokenizer_digest, weights_digest

LENGTHS = st.lists(st.integers(0, 300), max_size=80)


@given(LENGTHS, st.integers(1, 500))
def test_batches_partition_the_texts_within_the_budget(lengths, budget):
    found = batches(lengths, budget)
    assert sorted(place for batch in found for place in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= budget
    widths = [[lengths[place] for place in batch] for batch in found]
    assert [width for batch in widths for width in batch] == sorted(lengths, reverse=True)


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=60), min_size=2, max_size=6), st.integers(0, 40))
def test_the_shared_beginning_is_shared_and_leaves_each_a_token(listed, common):
    listed = [[7] * common + ids for ids in listed]
    length = shared_length(listed)
    assert len({tuple(ids[:length]) for ids in listed}) == 1
    assert all(len(ids) > length for ids in listed)
    assert length == 0 or length >= 16
    assert length >= common or common < 16


def test_a_digest_changes_with_one_number_and_not_with_the_place(tiny, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(tiny, folder)
    weights = folder / "model.safetensors"
    for whole in (1 << 30, 0):
        known = weights_digest(tiny, whole=whole)
        assert known == weights_digest(folder, whole=whole)
        bytes_before = weights.read_bytes()
        # All tensors of the tiny model are small, so that sampling reads them whole, too.
        for place in (len(bytes_before) - 1, len(bytes_before) // 2):
            changed = bytearray(bytes_before)
            changed[place] ^= 1
            weights.write_bytes(changed)
            assert weights_digest(folder, whole=whole) != known
        weights.write_bytes(bytes_before)
        settings = folder / "config.json"
        text = settings.read_text()
        settings.write_text(json.dumps({**json.loads(text), "rms_norm_eps": 1e-5}))
        assert weights_digest(folder, whole=whole) != known
        settings.write_text(text)
        (folder / "README.md").write_text("a card")
        assert weights_digest(folder, whole=whole) == known
    assert weights_digest(tiny).startswith("sha256:")
    assert weights_digest(tiny, whole=0).startswith("sampled:")


def test_sampling_a_large_tensor_sees_a_training_step(tmp_path):
    import torch
    from safetensors.torch import save_file

    weight = torch.randn(700, 700)
    known = set()
    for name, tensors in {"before": weight, "after": weight + 1e-4 * torch.randn(700, 700), "moved": weight.T}.items():
        (tmp_path / name).mkdir()
        save_file({"layer.weight": tensors.contiguous()}, tmp_path / name / "model.safetensors")
        known.add(weights_digest(tmp_path / name, whole=0))
    assert len(known) == 3


def test_a_tokenizer_is_known_by_its_files(tiny, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(tiny, folder)
    assert tokenizer_digest(folder) == tokenizer_digest(tiny)
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text().replace('"a"', '"a "'))
    assert tokenizer_digest(folder) != tokenizer_digest(tiny)


def test_a_file_that_is_no_safetensors_is_named(tmp_path):
    with pytest.raises(DataError, match="holds no"):
        weights_digest(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x05\x00\x00\x00\x00\x00\x00\x00[1,2]")
    with pytest.raises(DataError, match="no safetensors file"):
        weights_digest(tmp_path, whole=0)
