"""Reading a catalogue, whatever form it has."""

from __future__ import annotations

from pathlib import Path

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.csv_catalogue import read_csv_catalogue
from pairx_core.catalogue.folder_catalogue import read_folder_catalogue
from pairx_core.errors import CatalogueError


def read_catalogue(path: str | Path) -> Catalogue:
    """Read a catalogue of photos from a CSV file or a folder, and check every photo's header.

    A CSV file needs the column ``path`` (relative to its folder, and in or under it), and should have
    ``image_id`` and ``identity``; ``bbox`` ("[x, y, w, h]" in pixels of the upright photo), ``date``,
    ``orientation`` (or ``position``, ``flank``, ``viewpoint``), ``species``, ``site`` (or ``location``,
    ``station``), and ``mask`` (the path of a picture of the whole photo's size, black where there is no
    animal) or ``segmentation`` (COCO's polygons or run lengths) are used where present, other columns are
    ignored. Case and order of the columns, the separator (comma, semicolon, tab) and the encoding (UTF-8,
    UTF-16, Windows-1252) do not matter.

    In a folder, a ``metadata.csv`` is read if there is one. Otherwise each folder in it is an individual;
    photos in no folder, or in one called ``unknown``, are of unknown individuals.

    Photos that cannot be used are left out and listed in ``Catalogue.problems``, by file, row and column.

    Raises:
        CatalogueError: there is nothing to read, the table is not one, or not a single photo can be used.
    """
    source = _tidied(path)
    try:
        if source.is_dir():
            table = _metadata_in(source)
            return read_folder_catalogue(source) if table is None else read_csv_catalogue(table)
        if source.is_file():
            return read_csv_catalogue(source)
    except PermissionError as error:
        raise CatalogueError(
            f"{source} may not be opened. Ask its owner for permission to read it."
        ) from error
    raise CatalogueError(f"There is no file or folder {source}. Check the path and its spelling.")


def _tidied(path: str | Path) -> Path:
    """The absolute path; spaces and quotation marks that come along when a path is pasted are taken off."""
    text = str(path).strip().strip("\"'")
    if not text:
        raise CatalogueError(
            "No catalogue was named. Give the path of a CSV file or of a folder with photos."
        )
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # ~ with no home folder
        raise CatalogueError(f"The home folder in {text} cannot be found. Write the whole path.") from error


def _metadata_in(folder: Path) -> Path | None:
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.casefold() == "metadata.csv")
    return folder / names[0] if names else None
