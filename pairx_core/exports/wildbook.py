"""Identities as a sheet for Wildbook's bulk import: one encounter for each photo."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.photo import Photo
from pairx_core.exports.csv_files import Cell
from pairx_core.exports.export import DEFAULTS, Export, ExportOptions, check_any
from pairx_core.exports.findings import Finding, FindingKind, LeftOut
from pairx_core.exports.resolution import Resolution, ResolvedPhoto
from pairx_core.exports.species import scientific_name
from pairx_core.exports.workbooks import XLSX, ZIP, workbook_bytes, zip_bytes

TITLE = "a Wildbook bulk import sheet"
FILE_NAME = "wildbook_bulk_import.xlsx"
MIME = XLSX
MOST_ENCOUNTERS = 200  # in one sheet, as Wildbook advises
COLUMNS = (
    "Encounter.mediaAsset0",
    "Encounter.genus",
    "Encounter.specificEpithet",
    "Encounter.year",
    "Encounter.month",
    "Encounter.day",
    "Encounter.locationID",
    "Encounter.decimalLatitude",
    "Encounter.decimalLongitude",
    "MarkedIndividual.individualID",
    "Encounter.sightingID",
    "Encounter.submitterID",
    "Encounter.state",
    "Encounter.researcherComments",
)
_SHEET = "Encounters"
_Row = Mapping[str, Cell]


def write_wildbook(catalogue: Catalogue, resolution: Resolution, options: ExportOptions = DEFAULTS) -> Export:
    """All photos that have what Wildbook asks for: a date, a place, and a scientific name of the species.

    With more than 200 of them, a ZIP file with a workbook for each 200, to be imported one after the other. Columns
    that are empty throughout are not written, as Wildbook wants it. Photos of one file share a sighting. An encounter
    is ``approved`` where the individual is known and nothing about it is open, and otherwise ``unapproved``.

    Raises:
        ExportError: no photo can be written, or openpyxl is not installed.
    """
    left_out = LeftOut()
    ambiguous = _ambiguous_files(catalogue)
    on_file = Counter(photo.path for photo in catalogue.photos)
    rows: list[_Row] = []
    for photo in catalogue.photos:
        reason = _reason_against(photo, ambiguous, options)
        if reason is None:
            rows.append(_row(photo, resolution, options, shares_file=on_file[photo.path] > 1))
        else:
            left_out.add(reason, photo.id)
    check_any(len(rows), TITLE, left_out.findings())
    return _export(rows, left_out.findings())


def _reason_against(photo: Photo, ambiguous: set[Path], options: ExportOptions) -> FindingKind | None:
    """Why Wildbook cannot take a photo; None where it can."""
    if photo.path in ambiguous:
        return "same_file_name"
    if photo.date is None:
        return "no_date"
    if photo.site is None and photo.latitude is None:
        return "no_location"
    return "no_species" if scientific_name(photo, options) is None else None


def _ambiguous_files(catalogue: Catalogue) -> set[Path]:
    """Files that Wildbook would take for one another: it drops all signs but letters, digits, dots and spaces."""
    alike: dict[str, set[Path]] = defaultdict(set)
    for photo in catalogue.photos:
        alike[re.sub(r"[^a-z0-9. ]", "", photo.path.name.casefold())].add(photo.path)
    return {path for paths in alike.values() if len(paths) > 1 for path in paths}


def _row(photo: Photo, resolution: Resolution, options: ExportOptions, *, shares_file: bool) -> _Row:
    one, remarks = resolution.of(photo.id), resolution.remarks(photo.id)
    genus, _, epithet = (scientific_name(photo, options) or "").partition(" ")
    year, month, day = (None, None, None) if photo.date is None else photo.date.timetuple()[:3]
    return {
        "Encounter.mediaAsset0": photo.path.name,
        "Encounter.genus": genus,
        "Encounter.specificEpithet": epithet,
        "Encounter.year": year,
        "Encounter.month": month,
        "Encounter.day": day,
        "Encounter.locationID": photo.site,
        "Encounter.decimalLatitude": photo.latitude,
        "Encounter.decimalLongitude": photo.longitude,
        "MarkedIndividual.individualID": one.identity,
        "Encounter.sightingID": photo.path.name if shares_file else None,
        "Encounter.submitterID": options.submitter.strip(),
        "Encounter.state": "approved" if one.identity is not None and not remarks else "unapproved",
        "Encounter.researcherComments": _comment(one, remarks),
    }


def _comment(one: ResolvedPhoto, remarks: str) -> str:
    """Who decided and when, and what is open."""
    if one.decided_at is None:
        return remarks
    when = one.decided_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"Individual decided by {', '.join(one.decided_by)}, last on {when}. {remarks}".strip()


def _export(rows: Sequence[_Row], left_out: tuple[Finding, ...]) -> Export:
    columns = [column for column in COLUMNS if any(row[column] not in (None, "") for row in rows)]
    parts = [rows[start : start + MOST_ENCOUNTERS] for start in range(0, len(rows), MOST_ENCOUNTERS)]
    books = [workbook_bytes(columns, part, _SHEET) for part in parts]
    if len(books) == 1:
        return Export(books[0], left_out, FILE_NAME, MIME)
    stem = FILE_NAME.removesuffix(".xlsx")
    digits = len(str(len(books)))
    files = {f"{stem}_{number:0{digits}}.xlsx": book for number, book in enumerate(books, 1)}
    return Export(zip_bytes(files), left_out, f"{stem}.zip", ZIP)
