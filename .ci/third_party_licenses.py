"""Write THIRD_PARTY_LICENSES.md from the requirements files and what is installed (make licences).

What a package is for stands beside it in the requirements file. Its licence is what its own metadata says; where that
says nothing, or is not installed, the remark in the requirements file has to say it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "THIRD_PARTY_LICENSES.md"
FILES = {
    "requirements.txt": "To run",
    "requirements-team.txt": "For a team: database and sign-in",
    "requirements-large.txt": "For very many photographs",
    "requirements-cluster.txt": "For clusters",
    "requirements-evaluate.txt": "To compare PAIR-X with other methods",
    "requirements-datasets.txt": "For public data sets",
    "requirements-dev.txt": "For tests and checks",
}  # the field laptop's are among those to run
_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>[^\s#]+)\s*(#\s*(?P<remark>.*))?")
_NAMED = re.compile(r"\(((?:MIT|BSD|Apache|LGPL|AGPL|MPL)[^()]*?)(?:, not shipped)?\)")
_BY_CLASSIFIER = "License :: OSI Approved :: "
_SHORT = {  # as the packages' licence files have it
    "BSD": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
}

_SHIPPED = (
    (
        "DejaVu Sans 2.37, unchanged, for evidence cards (`pairx_core/render/fonts`)",
        "Bitstream Vera and Arev fonts' licence, [there](pairx_core/render/fonts/LICENSE)",
        "dejavu-fonts.github.io",
    ),
    (
        "Camtrap DP 1.0's table schemas, to test exports with (`tests/exports/published_camtrap_dp.json`)",
        "MIT (as in [LICENSE](LICENSE)), copyright (c) 2021 Camtrap DP Development Team",
        "github.com/tdwg/camtrap-dp",
    ),
    (
        "Numbers computed by the authors' code of PAIR-X, to test with (`tests/explain/golden`)",
        "facts; none of that code is here",
        "",
    ),
)

_HEAD = """\
# Third-party licences

PAIR-X Review is under the [MIT licence](LICENSE). It is shipped without other people's packages: they are installed
from their own publishers, each under its own licence. Listed are the packages that it asks for itself, at the pinned
versions, with the licence that each states. What they bring along in turn is not listed here: the program
`pip-licenses` lists what is installed. This file is written by `make licences`.
"""
_TAIL = """\
The sample's photographs, masks and truth files, and the demo model, were made by this project's own scripts (MIT).

## Models that can be downloaded

Weights have licences of their own, and none are shipped but the demo model's. The licence that a model's page states
is on its card (*Setup*, or `python -m pairx_core models NAME`); read it before you publish or share. MiewID is by Wild
Me and Conservation X Labs, MegaDescriptor by Čermák et al.; MegaDescriptor's pages state CC BY-NC 4.0, which allows no
commercial use. The weights of timm's architectures have the licences of those who trained them.
"""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that a requirements file asks for."""

    name: str
    version: str
    remark: str  # what it is for


def requirements(file: str) -> list[Requirement]:
    """The packages that a file asks for itself, in its order."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    found = (_LINE.match(line) for line in lines)
    return [Requirement(one["name"], one["version"], (one["remark"] or "").strip()) for one in found if one]


def licence(wanted: Requirement) -> str:
    """What the installed package states, or else what the remark says."""
    try:
        facts = metadata.metadata(wanted.name)
    except metadata.PackageNotFoundError:
        return _in_remark(wanted)
    stated = facts.get("License-Expression") or facts.get("License") or ""
    if not stated or "\n" in stated:
        kinds = (one for one in facts.get_all("Classifier") or [] if one.startswith(_BY_CLASSIFIER))
        stated = next(kinds, "").removeprefix(_BY_CLASSIFIER)
    return _SHORT.get(stated, stated) or _in_remark(wanted)


def document() -> str:
    """The whole file."""
    parts = [_HEAD]
    for file, title in FILES.items():
        rows = [
            f"| {one.name} | {one.version} | {licence(one)} | {_what_for(one)} |"
            for one in requirements(file)
        ]
        parts.append("\n".join([f"## {title} (`{file}`)", "", *_table(rows), ""]))
    shipped = (f"| {what} | {terms} | {source} |" for what, terms, source in _SHIPPED)
    parts.append(
        "\n".join(
            ["## Shipped with it", "", "| what | licence | from |", "| --- | --- | --- |", *shipped, ""]
        )
    )
    return "\n".join([*parts, _TAIL])


def main() -> None:
    """Write it."""
    TARGET.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET.name}\n")


def _table(rows: list[str]) -> Iterator[str]:
    yield "| package | version | licence | what for |"
    yield "| --- | --- | --- | --- |"
    yield from sorted(rows, key=str.casefold)


def _what_for(one: Requirement) -> str:
    """The remark without the licence in it."""
    return re.sub(r"\s*\((?:MIT|BSD|Apache|LGPL|AGPL|MPL)[^()]*\)", "", one.remark)


def _in_remark(one: Requirement) -> str:
    found = _NAMED.search(one.remark)
    if found is None:
        sys.exit(f"{one.name} states no licence here, and its requirements file does not say it.")
    return found[1]


if __name__ == "__main__":
    main()
