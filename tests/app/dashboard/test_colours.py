"""The colours of the theme: text of all kinds reaches a contrast of 4.5 to 1 (WCAG 2.2, 1.4.3), light and dark."""

import tomllib
from itertools import product
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[3] / "app" / ".streamlit" / "config.toml"
THEME = tomllib.loads(CONFIG.read_text())["theme"]
NEEDED = 4.5


def luminance(colour):
    """Return the relative luminance of ``#rrggbb`` as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Return the contrast of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_wcags():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)
    assert contrast("#0b5fff", "#ffffff") == pytest.approx(5.13, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_it_stands_on(scheme):
    theme = THEME[scheme]
    grounds = [theme["backgroundColor"], theme["secondaryBackgroundColor"]]
    for text, ground in product([theme["textColor"], theme["linkColor"]], grounds):
        assert contrast(text, ground) >= NEEDED, (text, ground)
    assert contrast("#FFFFFF", theme["primaryColor"]) >= NEEDED  # what primary buttons say is white


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_in_the_cells_of_a_matrix(scheme):
    from vetset.app.dashboard.agreement_tables import PAINTS  # the extra that tests need brings Streamlit

    letters, *grounds = PAINTS[scheme]
    for ground in grounds:
        assert contrast(letters, "#{:02x}{:02x}{:02x}".format(*ground)) >= NEEDED


def test_both_schemes_name_the_same_colours():
    assert THEME["light"].keys() == THEME["dark"].keys()


def test_chart_colours_differ_by_more_than_their_hue():
    colours = THEME["chartCategoricalColors"]
    assert len({round(luminance(colour), 2) for colour in colours}) == len(colours)
