"""Where photos lie, as an exported file writes it: relative to one folder, with slashes."""

from __future__ import annotations

import os
from pathlib import Path

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.photo import Photo
from pairx_core.exports.findings import Finding


class Folder:
    """The folder that an export belongs into: the catalogue's, or one above it where photos lie beside it."""

    def __init__(self, catalogue: Catalogue) -> None:
        source = catalogue.source
        home = (source if source.is_dir() else source.parent).resolve()
        outside = any(not photo.path.is_relative_to(home) for photo in catalogue.photos)
        self.path = _above(home, catalogue) if outside else home

    def relative(self, photo: Photo) -> str | None:
        """A photo's path from here; None where there is none."""
        if not photo.path.is_relative_to(self.path):
            return None
        return photo.path.relative_to(self.path).as_posix()

    def note(self, what_to_do: str = "Save the file there.") -> Finding:
        """Where to save the file."""
        return Finding("where_to_save", f"Paths of photos are written as seen from {self.path}. {what_to_do}")


def _above(home: Path, catalogue: Catalogue) -> Path:
    """The folder that holds the catalogue and its photos."""
    try:
        return Path(os.path.commonpath([home, *(photo.path.parent for photo in catalogue.photos)]))
    except ValueError:  # several drives
        return home
