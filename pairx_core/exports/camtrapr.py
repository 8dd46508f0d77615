"""Identities as a record table of camtrapR, as its ``recordTableIndividual`` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.photo import Photo
from pairx_core.exports.csv_files import Row, csv_bytes
from pairx_core.exports.export import DEFAULTS, Export, ExportOptions, check_any
from pairx_core.exports.findings import LeftOut, midnight_note
from pairx_core.exports.places import Folder
from pairx_core.exports.resolution import Resolution
from pairx_core.exports.species import species_name

TITLE = "camtrapR record table"
FILE_NAME = "record_table_individuals.csv"
MIME = "text/csv"
COLUMNS = ("Station", "Species", "Individual", "DateTimeOriginal", "Date", "Time", "delta.time.secs",
           "delta.time.mins", "delta.time.hours", "delta.time.days", "Directory", "FileName")  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class _Record:
    """An individual at a station; records sort as the table does."""

    station: str
    species: str
    individual: str
    time: datetime
    path: str
    photo_id: str


def write_camtrapr(catalogue: Catalogue, resolution: Resolution, options: ExportOptions = DEFAULTS) -> Export:
    """The photos of known individuals with a site and a date, sorted by station, species, individual and time.

    Each time difference is that to the record before of the same individual at the same station, 0 for the first.

    Raises:
        ExportError: no photo can be written.
    """
    options = replace(options, neutralise=False)  # R is no spreadsheet, and an identity must stay what it is
    folder, left_out = Folder(catalogue), LeftOut()
    found = (
        _record(photo, resolution.of(photo.id).identity, folder, options, left_out)
        for photo in catalogue.photos
    )
    records = sorted(record for record in found if record is not None)
    check_any(len(records), TITLE, left_out.findings())
    rows = list(_rows(records))
    written = {record.photo_id for record in records}
    notes = (
        folder.note(),
        *midnight_note(photo for photo in catalogue.photos if photo.id in written),
    )
    return Export(csv_bytes(COLUMNS, rows, options), left_out.findings(), FILE_NAME, MIME, notes)


def _record(
    photo: Photo, identity: str | None, folder: Folder, options: ExportOptions, left_out: LeftOut
) -> _Record | None:
    """A photo's record; None, and the reason, where it cannot be one."""
    species, path = species_name(photo, options), folder.relative(photo)
    if identity is None:
        left_out.add("no_identity", photo.id)
    elif photo.date is None:
        left_out.add("no_date", photo.id)
    elif photo.site is None:
        left_out.add("no_site", photo.id)
    elif species is None:
        left_out.add("no_species", photo.id)
    elif path is None:
        left_out.add("outside_folder", photo.id)
    else:
        return _Record(photo.site, species, identity, photo.date, path, photo.id)
    return None


def _rows(records: list[_Record]) -> Iterator[Row]:
    last: dict[tuple[str, str, str], datetime] = {}
    for record in records:
        key = record.station, record.species, record.individual
        yield _row(record, round((record.time - last.get(key, record.time)).total_seconds()))
        last[key] = record.time


def _row(record: _Record, seconds: int) -> Row:
    """A row; minutes, hours and days are rounded one from the other, as camtrapR does."""
    minutes = round(seconds / 60, 1)
    hours = round(minutes / 60, 1)
    path = PurePosixPath(record.path)
    return {
        "Station": record.station,
        "Species": record.species,
        "Individual": record.individual,
        "DateTimeOriginal": record.time.strftime("%Y-%m-%d %H:%M:%S"),
        "Date": record.time.strftime("%Y-%m-%d"),
        "Time": record.time.strftime("%H:%M:%S"),
        "delta.time.secs": seconds,
        "delta.time.mins": minutes,
        "delta.time.hours": hours,
        "delta.time.days": round(hours / 24, 1),
        "Directory": str(path.parent),
        "FileName": path.name,
    }
