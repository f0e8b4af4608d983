"""Every page on every real set, light, dark and narrow.

Screenshots go to the folder that ``VETSET_SHOTS`` names, else to the test's own.
"""

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def shots(tmp_path):
    """The folder of screenshots."""
    folder = Path(os.environ.get("VETSET_SHOTS") or tmp_path / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("name", ["bank_intents", "support_chat", "arabic_sentiment", "pubmedqa"])
def test_every_page_of_a_real_set_in_light_dark_and_narrow(served, people, shots, name):
    server, person = served(name), people()
    page, wrong = person.open(server.url), {}
    for number, title in enumerate(person.walk(), 1):
        for scheme in ("light", "dark"):
            person.turn(scheme)
            page.screenshot(
                path=shots / f"{name}-{number:02}-{title.lower().replace(' ', '-')}-{scheme}.png", full_page=True
            )
        person.turn("light")
        person.narrow()
        page.screenshot(path=shots / f"{name}-{number:02}-{title.lower().replace(' ', '-')}-narrow.png")
        wide = person.overflow()
        page.set_viewport_size({"width": 1360, "height": 1000})
        wrong[title] = [*person.faults(), *([f"{wide} px too wide at 420 px"] if wide > 0 else [])]
    assert {title: said for title, said in wrong.items() if said} == {}
