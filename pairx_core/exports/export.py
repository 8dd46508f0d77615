"""What every export has in common: what can be chosen, and what comes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Protocol

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.errors import ExportError
from pairx_core.exports.findings import Finding
from pairx_core.exports.resolution import Resolution

SCIENTIFIC_NAME = re.compile(r"[A-Z][a-z]+(?: [a-z][a-z-]+){1,2}")  # of a species or a subspecies


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a catalogue and its decisions do not say; nothing of it is needed.

    Raises:
        ExportError: a scientific name is none.
    """

    neutralise: bool = True  # CSV: an apostrophe before texts that a spreadsheet would run as a formula
    submitter: str = ""  # Wildbook: the user name that the encounters shall belong to
    scientific_names: Mapping[str, str] = field(
        default_factory=dict
    )  # by the catalogue's name of the species: {"plains zebra": "Equus quagga"}; "" for photos without one
    time_zone: tzinfo | None = (
        None  # Camtrap DP: of the cameras' clocks; None: not known, which the file says
    )
    title: str = ""  # Camtrap DP: of the project
    created: datetime | None = None  # when the file is made, with a time zone; None: now

    def __post_init__(self) -> None:
        for name in self.scientific_names.values():
            if not SCIENTIFIC_NAME.fullmatch(name):
                raise ExportError(
                    f"“{name}” is not a scientific name. Write the genus and the species, such as Equus quagga."
                )


DEFAULTS = ExportOptions()


@dataclass(frozen=True, slots=True)
class Export:
    """A file for another program."""

    content: bytes
    left_out: tuple[Finding, ...]  # photos that are not in it, by the reason
    file_name: str
    mime: str
    notes: tuple[
        Finding, ...
    ] = ()  # what is written otherwise than the catalogue has it, and where to save it


class Write(Protocol):
    """Writes identities for another program."""

    def __call__(
        self, catalogue: Catalogue, resolution: Resolution, options: ExportOptions = DEFAULTS
    ) -> Export:
        """The file.

        Raises:
            ExportError: no photo can be written, or a package is missing; the message says what to do.
        """


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A program's way to take identities in."""

    title: str  # as people know it
    what: str  # what comes out, for the screen
    file_name: str  # as it is usually called; an Export has its own, as it may be a ZIP file
    mime: str
    write: Write


def check_any(written: int, title: str, left_out: tuple[Finding, ...]) -> None:
    """Refuse a file without a single photo.

    Raises:
        ExportError: the message says why each photo is left out.
    """
    if not written:
        reasons = [f"None of the photos can be written as {title}.", *map(str, left_out)]
        raise ExportError("\n".join(reasons))
