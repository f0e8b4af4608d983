"""What every test shares: where the real data stands, and what its absence means."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("VETSET_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; without it tests skip, and fail under CI=true."""
    if not (SHARED / "facts.json").exists():
        message = f"no real data at {SHARED} (set VETSET_DATA)"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    return SHARED
