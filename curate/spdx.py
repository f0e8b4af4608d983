"""Names of licences: the SPDX identifiers met on data and code, and what people write instead of them."""

from __future__ import annotations

import re

_LISTED = """
0BSD AFL-3.0 AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause
BSD-3-Clause-Clear BSD-4-Clause BSL-1.0 BUSL-1.1 C-UDA-1.0 CC-BY-1.0 CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-4.0
CC-BY-3.0-IGO CC-BY-NC-1.0 CC-BY-NC-2.0 CC-BY-NC-2.5 CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-NC-ND-1.0 CC-BY-NC-ND-2.0
CC-BY-NC-ND-2.5 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-1.0 CC-BY-NC-SA-2.0 CC-BY-NC-SA-2.5 CC-BY-NC-SA-3.0
CC-BY-NC-SA-4.0 CC-BY-ND-1.0 CC-BY-ND-2.0 CC-BY-ND-2.5 CC-BY-ND-3.0 CC-BY-ND-4.0 CC-BY-SA-1.0 CC-BY-SA-2.0
CC-BY-SA-2.5 CC-BY-SA-3.0 CC-BY-SA-4.0 CC-PDDC CC-PDM-1.0 CC0-1.0 CDDL-1.0 CDDL-1.1 CDLA-Permissive-1.0
CDLA-Permissive-2.0 CDLA-Sharing-1.0 ECL-2.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 GFDL-1.2-or-later GFDL-1.3
GFDL-1.3-only GFDL-1.3-or-later GPL-1.0-or-later GPL-2.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0 GPL-3.0-only
GPL-3.0-or-later ISC LGPL-2.1 LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0 LGPL-3.0-only LGPL-3.0-or-later LPPL-1.3c
MIT MIT-0 MPL-1.1 MPL-2.0 MS-PL MS-RL MulanPSL-2.0 NCSA NLOD-1.0 NLOD-2.0 ODC-By-1.0 ODbL-1.0 OFL-1.1 OGL-UK-1.0
OGL-UK-2.0 OGL-UK-3.0 OGL-Canada-2.0 O-UDA-1.0 OSL-3.0 PDDL-1.0 PostgreSQL PSF-2.0 Python-2.0 Ruby TCL Unlicense
UPL-1.0 Vim W3C WTFPL X11 Zlib etalab-2.0 DL-DE-BY-2.0 DL-DE-ZERO-2.0
"""
SPDX = tuple(_LISTED.split())
"""Identifiers of the SPDX licence list (3.25) that stand on data sets, model outputs and source code."""

_HUBS = """
openrail openrail++ creativeml-openrail-m bigscience-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
deepfloyd-if-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma
"""
HUB = tuple(_HUBS.split())
"""Names that model and data hubs use for licences that SPDX does not list."""

_SPELLINGS = {
    "Apache-2.0": "apache apache2 asl2",
    "MIT": "expat",
    "CC0-1.0": "cc0 cczero cczerouniversal creativecommonszero "
    "creativecommonszerouniversal cc01universal creativecommonszero1universal",
    "BSD-2-Clause": "bsd2 simplifiedbsd",
    "BSD-3-Clause": "bsd3 newbsd",
    "ODC-By-1.0": "odcby odcattribution opendatacommonsattribution",
    "ODbL-1.0": "odbl odcodbl opendatabase",
    "PDDL-1.0": "pddl odcpddl",
    "MPL-2.0": "mpl2 mozilla2",
    "BSL-1.0": "boost",
    "Unlicense": "unlicence theunlicense",
    "GPL-2.0-only": "gplv2 gpl2 gnugeneral2",
    "GPL-3.0-only": "gplv3 gpl3 gnugpl3 gnugeneral3",
    "AGPL-3.0-only": "agplv3",
    "LGPL-3.0-only": "lgplv3 lgpl3",
    "GFDL-1.3-or-later": "gfdl",
    "CC-PDM-1.0": "publicdomainmark",
    "AFL-3.0": "afl",
    "ISC": "isc",
    "OGL-UK-3.0": "ogl3 opengovernment3",
    "CDLA-Permissive-2.0": "cdlapermissive2",
    "CDLA-Permissive-1.0": "cdlapermissive1",
    "CDLA-Sharing-1.0": "cdlasharing1",
    "C-UDA-1.0": "cuda",
    "etalab-2.0": "etalab2",
}
"""Identifier to what `_bare` makes of other ways to write it."""
_SPELLED = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_CREATIVE = {
    "creativecommons": "cc", "attribution": "by", "noncommercial": "nc", "noderivatives": "nd", "noderivs": "nd",
    "sharealike": "sa",
}  # fmt: skip


def _bare(name: str) -> str:
    """Return a name without case, separators, a trailing ``.0`` and the words that people add."""
    name = re.sub(
        r"\b(the|licen[cs]e[ds]?|version|under|public licen[cs]e|international|unported|generic)\b",
        " ",
        name.casefold(),
    )
    name = re.sub(r"\bv(?=\d)", "", re.sub(r"\.0\b", "", name))
    return re.sub(r"[\s_\-.,()/]+", "", name)


_KNOWN = frozenset((*SPDX, *HUB))
_BARE = {_bare(name): name for name in (*HUB, *reversed(SPDX))} | _SPELLED


def identify(name: str) -> str | None:
    """Return the identifier that a licence's name stands for, or ``None`` where it is not known.

    Identifiers pass in any case; so do ``LicenseRef-...``, the hubs' names, ``proprietary``, and the usual spellings,
    links to Creative Commons deeds among them. Of an expression (``MIT OR Apache-2.0``) every part must be known.
    A Creative Commons name without a version stays unknown: the versions differ in what they allow for databases.

    >>> [identify(name) for name in ("apache 2.0", "cc by 4.0", "LicenseRef-acme", "free to use")]
    ['Apache-2.0', 'CC-BY-4.0', 'LicenseRef-acme', None]
    """
    name = name.strip()
    if name in _KNOWN:
        return name
    if len(name) > 300:
        return None
    if re.fullmatch(r"LicenseRef-[A-Za-z0-9.\-]+", name):
        return name
    if name.casefold() in {"proprietary", "all rights reserved"}:
        return "LicenseRef-proprietary"
    if deed := re.search(
        r"creativecommons\.org/(licenses/([a-z\-]{2,8})/(\d\.\d)|publicdomain/zero/1\.0)", name.casefold()
    ):
        name = f"cc-{deed[2]}-{deed[3]}" if deed[2] else "cc0"
    bare = _bare(name)
    if bare not in _BARE:
        for word, short in _CREATIVE.items():
            bare = bare.replace(word, short)
    return _BARE.get(bare) or _expression(name)


def _expression(name: str) -> str | None:
    parts = re.split(r"\s+(AND|OR|WITH)\s+", name.strip("() "))
    if len(parts) < 3:
        return None
    known = [part if place % 2 else identify(part.strip("() ")) for place, part in enumerate(parts)]
    if parts[1] == "WITH":  # an exception's name follows
        known[2] = parts[2]
    return None if None in known else " ".join(part for part in known if part)
