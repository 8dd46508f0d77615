"""Scientific names of species."""

from __future__ import annotations

import re

from pairx_core.catalogue.photo import Photo
from pairx_core.exports.export import ExportOptions

_SCIENTIFIC = re.compile(r"[A-Z][a-z]+((?: [a-z][a-z-]+){1,2})")


def scientific_name(photo: Photo, options: ExportOptions) -> str | None:
    """A photo's species if it is a scientific name, or else the one of the options; None where there is neither."""
    for name in (photo.species, options.scientific_name):
        if name is not None and _SCIENTIFIC.fullmatch(name.strip()):
            return name.strip()
    return None


def species_name(photo: Photo, options: ExportOptions) -> str | None:
    """A scientific name if there is one, or else the species as the catalogue calls it."""
    return scientific_name(photo, options) or photo.species or options.scientific_name or None
