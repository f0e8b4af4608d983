"""Models that tests of this room share: each is made once a session."""

import pytest
from vetset.tests.small_models import smollm2, tiny_adapter, tiny_model


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A folder with a tiny random language model that has a chat template."""
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def adapter(tiny, tmp_path_factory):
    """A LoRA adapter over ``tiny``."""
    return tiny_adapter(tmp_path_factory.mktemp("adapter") / "adapter", tiny)


@pytest.fixture(scope="session")
def smol():
    """A folder with SmolLM2-135M-Instruct."""
    return smollm2()
