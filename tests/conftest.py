"""What every test shares: where the real data stands, and what its absence means."""

import os
import tempfile
from collections.abc import Callable
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


@pytest.fixture(scope="session")
def let_in() -> Callable[[Path], None]:
    """Open a test's folder, and those above it that are pytest's own, to a user who owns nothing."""

    def let_in(folder: Path) -> None:
        for place in [folder, *folder.parents]:
            if place == Path(tempfile.gettempdir()):
                return  # the system's: it is open, and not ours
            place.chmod(0o755)

    return let_in
