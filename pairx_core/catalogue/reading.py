"""Reading a catalogue, whatever form it has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.formats import CATALOGUE_FORMATS, format_of, source_for
from pairx_core.catalogue.progress import ReadingProgress, silently
from pairx_core.errors import CatalogueError
from pairx_core.paths import tidy_path


def read_catalogue(
    path: str | Path, form: str | None = None, progress: ReadingProgress = silently
) -> Catalogue:
    """Read a catalogue of photos from a file or a folder, and check every photo's header.

    Formats: CSV files as wildlife-datasets and MiewID have them and as TrapTagger exports them, COCO files, Camtrap DP
    packages, and folders with one folder for each individual. Which one it is shows in its content. Case and order of
    columns, the separator (comma, semicolon, tab) and the encoding (UTF-8, UTF-16, Windows-1252) do not matter, and
    what is not used is ignored. docs/catalogues.md has the fields of each.

    In a folder, a Camtrap DP package, a ``metadata.csv`` or a COCO file (also in ``annotations``) is read if there is
    one. Otherwise each folder in it is an individual; photos in no folder, or in one called ``unknown``, are of unknown
    individuals.

    Photos that cannot be used are left out and listed in ``Catalogue.problems``, by file, row and column. No file
    outside the catalogue's folder is opened.

    Args:
        path: the file or the folder.
        form: a name in ``CATALOGUE_FORMATS``; None finds it out.
        progress: called with what is done at the moment, how many rows or files of it are done, and of how many.

    Raises:
        CatalogueError: there is nothing to read, it is not in the format, or not a single photo can be used.
    """
    source = _tidied(path)
    try:
        if not source.is_dir() and not source.is_file():
            raise CatalogueError(f"There is no file or folder {source}. Check the path and its spelling.")
        name, found = format_of(source) if form is None else (form, source_for(form, source))
        return replace(CATALOGUE_FORMATS[name].read(found, tell=progress), form=name)
    except PermissionError as error:
        raise CatalogueError(
            f"{source} may not be opened. Ask its owner for permission to read it."
        ) from error
    except OSError as error:  # a name that is too long, a drive that has gone
        raise CatalogueError(
            f"{source} cannot be read ({error.strerror}). Check the path and the drive."
        ) from error


def _tidied(path: str | Path) -> Path:
    """The absolute path; spaces and quotation marks that come along when a path is pasted are taken off."""
    text = str(path).strip().strip("\"'")
    if not text:
        raise CatalogueError(
            "No catalogue was named. Give the path of a CSV file or of a folder with photos."
        )
    return tidy_path(text, CatalogueError)
