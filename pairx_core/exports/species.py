"""Scientific names of species."""

from __future__ import annotations

from pairx_core.catalogue.photo import Photo
from pairx_core.exports.export import SCIENTIFIC_NAME, ExportOptions


def scientific_name(photo: Photo, options: ExportOptions) -> str | None:
    """The scientific name of a photo's species: the one given for it, or else as in the catalogue; None without one."""
    written = photo.species or ""
    given = options.scientific_names.get(written)
    return given or (written if SCIENTIFIC_NAME.fullmatch(written) else None)


def species_name(photo: Photo, options: ExportOptions) -> str | None:
    """A scientific name if there is one, or else the species as the catalogue calls it."""
    return scientific_name(photo, options) or photo.species
