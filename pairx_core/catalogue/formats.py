"""The formats of catalogues that can be read, and which of them a file or a folder is in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from pairx_core.catalogue.camtrap_dp import is_camtrap_dp, read_camtrap_dp
from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.coco_catalogue import is_coco, read_coco_catalogue
from pairx_core.catalogue.csv_catalogue import MIEWID, WILDLIFE_DATASETS, read_csv_catalogue
from pairx_core.catalogue.folder_catalogue import read_folder_catalogue
from pairx_core.catalogue.json_files import read_json
from pairx_core.catalogue.pack_catalogue import FIELD_PACK, is_field_pack, read_pack_catalogue
from pairx_core.catalogue.progress import ReadingProgress
from pairx_core.catalogue.tables import read_columns
from pairx_core.catalogue.traptagger import KNOWN_COLUMNS, is_traptagger, read_traptagger
from pairx_core.errors import CatalogueError

_MOST_JSON_FILES = 20  # looked into, to find the one of a folder
_TABLES = ("wildlife-datasets", "miewid", "traptagger")  # a folder has them as metadata.csv
_ANNOTATIONS = "annotations"  # the folder in which COCO data sets keep their JSON files


class Reader(Protocol):
    """Reads a catalogue from the file, or the folder, that it is about."""

    def __call__(self, path: Path, /, *, tell: ReadingProgress = ...) -> Catalogue:
        """Read it, and tell how far that is."""


@dataclass(frozen=True, slots=True)
class CatalogueFormat:
    """A way in which people keep photographs and who is on them."""

    title: str  # as people know it
    what: str  # what to give as the catalogue, for the screen
    read: Reader


CATALOGUE_FORMATS = {
    "wildlife-datasets": CatalogueFormat(
        "wildlife-datasets CSV",
        "a CSV file with the columns image_id, identity and path, or a folder with it as metadata.csv",
        partial(read_csv_catalogue, form=WILDLIFE_DATASETS),
    ),
    "miewid": CatalogueFormat(
        "MiewID CSV",
        "a CSV file with the columns file_path, name, viewpoint, theta, x, y, w and h",
        partial(read_csv_catalogue, form=MIEWID),
    ),
    "coco": CatalogueFormat(
        "COCO, as WildMe writes it",
        "a JSON file with images and annotations, or the folder that it lies in",
        read_coco_catalogue,
    ),
    "camtrap-dp": CatalogueFormat(
        "Camtrap DP", "the folder with datapackage.json, media.csv and observations.csv", read_camtrap_dp
    ),
    "traptagger": CatalogueFormat(
        "TrapTagger CSV", "a CSV file with the columns File and Individuals", read_traptagger
    ),
    "folders": CatalogueFormat(
        "A folder for each individual",
        "a folder with one folder for each individual, or with photos of unknown ones",
        read_folder_catalogue,
    ),
    FIELD_PACK: CatalogueFormat(
        "Field pack", "the folder that python -m pairx_core pack made", read_pack_catalogue
    ),
}


def format_of(source: Path) -> tuple[str, Path]:
    """Which format a file or a folder is in, by its content, and the file or folder to read.

    Raises:
        CatalogueError: it cannot be read, or there are several catalogues in the folder.
    """
    if is_field_pack(source):
        return FIELD_PACK, source
    if is_camtrap_dp(source):
        return "camtrap-dp", source
    if source.is_dir():
        return _format_of_folder(source)
    if _is_json(source):
        return "coco", source
    return _format_of_table(source), source


def source_for(name: str, source: Path) -> Path:
    """The file, or the folder, to read in a format chosen by hand.

    Raises:
        CatalogueError: there is no such format, or nothing in the folder is in it.
    """
    if name not in CATALOGUE_FORMATS:
        raise CatalogueError(
            f"There is no format “{name}” for catalogues. Choose one of: {', '.join(CATALOGUE_FORMATS)}."
        )
    chosen = CATALOGUE_FORMATS[name]
    found = _meant(name, source)
    if found is None:
        raise CatalogueError(f"{source} is no catalogue of this kind ({chosen.title}). Give {chosen.what}.")
    return found


def _meant(name: str, source: Path) -> Path | None:
    """What to read of a file or a folder in a format; None where it is none of that kind."""
    if name == "folders":
        return source if source.is_dir() else None
    if name == FIELD_PACK:
        return source if is_field_pack(source) else None
    if name == "camtrap-dp" or not source.is_dir():
        return source
    if name == "coco":
        return _coco_in(source)
    return _metadata_in(source) if name in _TABLES else None


def _format_of_folder(folder: Path) -> tuple[str, Path]:
    table = _metadata_in(folder)
    if table is not None:
        return _format_of_table(table), table
    coco = _coco_in(folder)
    return ("folders", folder) if coco is None else ("coco", coco)


def _format_of_table(table: Path) -> str:
    known = [*WILDLIFE_DATASETS.known, *MIEWID.known, *KNOWN_COLUMNS]
    columns = read_columns(table, known)
    if is_traptagger(columns):
        return "traptagger"
    if "path" not in columns and columns & set(MIEWID.columns["path"]):
        return "miewid"
    return "wildlife-datasets"


def _is_json(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
    except OSError as error:
        raise CatalogueError(
            f"{file} cannot be read ({error.strerror}). Check the file's permissions."
        ) from error


def _metadata_in(folder: Path) -> Path | None:
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.casefold() == "metadata.csv")
    if not names:
        return None
    if not _is_within(folder, folder / names[0]):
        raise CatalogueError(
            f"{folder / names[0]} is a link to a file outside this folder, which is not followed. Copy the file here, "
            "or give its own path."
        )
    return folder / names[0]


def _coco_in(folder: Path) -> Path | None:
    """The COCO file in a folder or in its folder “annotations”.

    Raises:
        CatalogueError: there are several.
    """
    files = sorted(file for place in (folder, folder / _ANNOTATIONS) for file in place.glob("*.json"))
    found = [file for file in files[:_MOST_JSON_FILES] if _is_within(folder, file) and _is_coco_file(file)]
    if len(found) > 1:
        names = ", ".join(file.relative_to(folder).as_posix() for file in found)
        raise CatalogueError(f"{folder} has several COCO files ({names}). Give the path of one of them.")
    return found[0] if found else None


def _is_within(folder: Path, file: Path) -> bool:
    """Whether a file lies in the folder, links followed."""
    return file.is_file() and file.resolve().is_relative_to(folder.resolve())


def _is_coco_file(file: Path) -> bool:
    """Whether a file is COCO; other JSON files may lie among photos."""
    try:
        return is_coco(read_json(file))
    except CatalogueError:
        return False
