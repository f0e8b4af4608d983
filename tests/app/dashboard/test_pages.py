"""Every page on every real set, light, dark and narrow.

Screenshots go to the folder that ``VETSET_SHOTS`` names; without it there are none, for only people look at them.
"""

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def shoot(page, name, *, whole=True):
    """Keep a picture of the page, where somebody wants pictures."""
    if folder := os.environ.get("VETSET_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)


@pytest.mark.parametrize("name", ["bank_intents", "support_chat", "arabic_sentiment", "pubmedqa"])
def test_every_page_of_a_real_set_in_light_dark_and_narrow(served, people, name):
    server, person = served(name), people()
    page, wrong = person.open(server.url), {}
    for number, title in enumerate(person.walk(), 1):
        called = f"{name}-{number:02}-{title.lower().replace(' ', '-')}"
        for scheme in ("light", "dark"):
            person.turn(scheme)
            shoot(page, f"{called}-{scheme}")
        person.turn("light")
        person.narrow()
        shoot(page, f"{called}-narrow", whole=False)
        wide = person.overflow()
        page.set_viewport_size({"width": 1360, "height": 1000})
        wrong[title] = [*person.faults(), *([f"{wide} px too wide at 420 px"] if wide > 0 else [])]
    assert {title: said for title, said in wrong.items() if said} == {}
