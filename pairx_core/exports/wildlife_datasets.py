"""Identities as a CSV file of wildlife-datasets, which PAIR-X Review itself reads as a catalogue."""

from __future__ import annotations

from datetime import datetime, time

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.cells import known_value
from pairx_core.catalogue.photo import Box, MaskPicture, Photo, Segmentation
from pairx_core.exports.csv_files import Cell, csv_bytes, neutralised_note, number, runs_in_spreadsheet
from pairx_core.exports.export import DEFAULTS, Export, ExportOptions, check_any
from pairx_core.exports.findings import Finding, LeftOut, photo_count
from pairx_core.exports.places import Folder
from pairx_core.exports.resolution import Resolution

TITLE = "wildlife-datasets CSV"
FILE_NAME = "metadata_updated.csv"  # not the name that the catalogue itself may have
MIME = "text/csv"
COLUMNS = ("image_id", "identity", "path", "bbox", "date", "orientation", "species")
OPTIONAL_COLUMNS = (
    "site",
    "latitude",
    "longitude",
    "theta",
    "mask",
    "segmentation",
)  # where any photo has one
_UNKNOWN = "unknown"


def write_wildlife_datasets(
    catalogue: Catalogue, resolution: Resolution, options: ExportOptions = DEFAULTS
) -> Export:
    """All photos with the identities after the decisions; ``unknown`` where there is none.

    Saved in the catalogue's folder, ``read_catalogue`` reads it with the same individuals, boxes, dates and flanks.

    Raises:
        ExportError: no photo can be written.
    """
    folder, left_out, rows = Folder(catalogue), LeftOut(), {}
    for photo in catalogue.photos:
        path = folder.relative(photo)
        if path is None:
            left_out.add("outside_folder", photo.id)
        else:
            rows[photo.id] = _row(photo, path, resolution.of(photo.id).identity, folder)
    check_any(len(rows), TITLE, left_out.findings())
    used = {column for row in rows.values() for column, cell in row.items() if cell not in (None, "")}
    columns = [*COLUMNS, *(column for column in OPTIONAL_COLUMNS if column in used)]
    kept = {photo: {column: row[column] for column in columns} for photo, row in rows.items()}
    notes = (folder.note(), *_unreadable_names(resolution), *neutralised_note(kept.items(), options))
    return Export(csv_bytes(columns, kept.values(), options), left_out.findings(), FILE_NAME, MIME, notes)


def _row(photo: Photo, path: str, identity: str | None, folder: Folder) -> dict[str, Cell]:
    box = photo.box
    return {
        "image_id": photo.id,
        "identity": identity or _UNKNOWN,
        "path": f"./{path}" if runs_in_spreadsheet(path) else path,
        "bbox": "" if box is None else _bbox(box),
        "date": "" if photo.date is None else _date(photo.date),
        "orientation": photo.flank,
        "species": photo.species,
        "site": photo.site,
        "latitude": photo.latitude,
        "longitude": photo.longitude,
        "theta": box.theta if box is not None and box.theta else None,
        "mask": _mask_path(photo, folder),
        "segmentation": photo.mask.text if isinstance(photo.mask, Segmentation) else None,
    }


def _bbox(box: Box) -> str:
    return f"[{', '.join(map(number, (box.x, box.y, box.width, box.height)))}]"


def _date(date: datetime) -> str:
    """Midnight stands for a day whose time is not known."""
    return date.date().isoformat() if date.time() == time() else date.isoformat(timespec="seconds")


def _mask_path(photo: Photo, folder: Folder) -> str | None:
    mask = photo.mask
    if not isinstance(mask, MaskPicture) or not mask.path.is_relative_to(folder.path):
        return None
    path = mask.path.relative_to(folder.path).as_posix()
    return f"./{path}" if runs_in_spreadsheet(path) else path


def _unreadable_names(resolution: Resolution) -> list[Finding]:
    """Individuals whose name a reader takes for “not known”, such as one called “nan”."""
    photos = tuple(
        one.photo_id
        for one in resolution.photos.values()
        if one.identity is not None and known_value(one.identity) is None
    )
    if not photos:
        return []
    message = (
        f"{photo_count(len(photos))} of an individual whose name means that it is unknown to most programs, such as "
        "“nan”. Give the individual another name."
    )
    return [Finding("reads_as_unknown", message, photos)]
