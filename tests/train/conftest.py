"""What tests of rendering share: a small tokenizer that takes any template, and SmolLM2's, each judged by transformers."""

import shutil

import pytest
from vetset.tests.small_models import smollm2, tiny_model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A tiny random model; nobody changes it."""
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def smol_both():
    """SmolLM2's renderer, and its tokenizer as transformers has it."""
    from transformers import AutoTokenizer
    from vetset.train.rows.rendering import open_renderer

    return open_renderer(smollm2()), AutoTokenizer.from_pretrained(smollm2())


@pytest.fixture
def with_template(tiny_folder, tmp_path):
    """The tiny model with another template: its renderer, and its tokenizer as transformers has it."""
    from transformers import AutoTokenizer
    from vetset.train.rows.rendering import open_renderer

    def opened(template):
        place = tmp_path / "model"
        place.mkdir(exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(tiny_folder / name, place)
        (place / "chat_template.jinja").write_text(template, encoding="utf-8")
        return open_renderer(place), AutoTokenizer.from_pretrained(place)

    return opened
