"""Licences that nobody can name."""

import pytest
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.licences import find_unknown
from vetset.curate.spdx import HUB, SPDX, identify


def licensed(*names):
    return frame([{"messages": f"t{n}", "license": name} for n, name in enumerate(names)])


def test_rows_without_a_licence_are_found():
    rows = licensed(None, "", " ", "unknown", "Other", "free for all 😀", "MIT")
    found = find_unknown(rows)
    assert found["id"].to_list() == rows["id"][:6].to_list()
    assert found["score"].to_list() == [1.0, 1.0, 1.0, 1.0, 1.0, 0.8]
    assert set(found["suggest"]) == {"review"}


def test_the_note_tells_a_missing_licence_of_a_row_from_that_of_its_file_and_of_all():
    rows = [{"messages": f"t{n}", "license": name, "file": file} for n, (file, name) in enumerate(
        [("a", None), ("a", "MIT"), ("b", None), ("b", None)]
    )]  # fmt: skip
    notes = find_unknown(frame(rows))["note"].to_list()
    assert "others of its file" in notes[0]
    assert notes[1:] == ["No row of its file has a licence; read that file with `--license SPDX`."] * 2
    none = find_unknown(licensed(None, None))
    assert none["note"].unique().to_list() == ["No row has a licence; give it at the read with `--license SPDX`."]
    assert len(none) == 2


def test_known_licences_pass():
    known = [
        "MIT",
        "mit",
        "apache-2.0",
        "CC-BY-4.0",
        "LicenseRef-acme.1",
        "proprietary",
        "MIT OR Apache-2.0",
        "openrail",
    ]
    assert find_unknown(licensed(*known)).is_empty()


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("apache 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("The MIT License", "MIT"),
        ("cc by 4.0", "CC-BY-4.0"),
        ("CC BY-NC-SA 4.0", "CC-BY-NC-SA-4.0"),
        ("Creative Commons Attribution-ShareAlike 4.0 International", "CC-BY-SA-4.0"),
        ("https://creativecommons.org/licenses/by-nd/3.0/deed.de", "CC-BY-ND-3.0"),
        ("CC0", "CC0-1.0"),
        ("GPLv3", "GPL-3.0-only"),
        ("BSD 3-Clause", "BSD-3-Clause"),
        ("ODC-BY", "ODC-By-1.0"),
    ],
)
def test_a_usual_spelling_is_found_with_its_identifier(spelling, name):
    found = find_unknown(licensed(spelling))
    assert found.select("score", "value").row(0) == (0.2, name)


@pytest.mark.parametrize(
    "name", ["CC-BY", "cc", "bsd", "gpl", "see LICENSE", "MIT OR mine", "x" * 10_000, "רישיון", "LicenseRef-"]
)
def test_what_names_no_licence_stays_unknown(name):
    assert identify(name) is None
    assert len(find_unknown(licensed(name))["note"][0]) < 160


def test_every_listed_identifier_is_its_own_in_any_case():
    for name in (*SPDX, *HUB):
        assert identify(name) == name
        assert identify(name.upper()).upper() == name.upper()


def test_empty_and_single_row_sets_work_and_results_repeat():
    assert find_unknown(frame([])).schema == SCHEMA
    assert find_unknown(frame([])).is_empty()
    rows = licensed(None, "apache 2.0", "?")
    assert find_unknown(rows).equals(find_unknown(rows))
    assert len(find_unknown(licensed(None))) == 1


def test_the_licences_of_the_public_sets_are_known(shared):
    text = (shared / "README.md").read_text(encoding="utf-8")
    named = [cell for cell in ("CDLA-Permissive-1.0", "CC-BY-4.0", "MIT", "Apache-2.0") if cell in text]
    assert len(named) == 4
    assert find_unknown(licensed(*named)).is_empty()
