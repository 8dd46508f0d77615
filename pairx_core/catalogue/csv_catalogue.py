"""Catalogues as wildlife-datasets writes them: a CSV file with one row for each photo."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.dates import DayOrder, day_order, parse_date
from pairx_core.catalogue.locating import FoundPicture, find_pictures
from pairx_core.catalogue.masks import is_segmentation, usable_mask
from pairx_core.catalogue.photo import Box, Mask, Photo
from pairx_core.catalogue.pictures import UnusablePicture
from pairx_core.catalogue.problems import ProblemList
from pairx_core.catalogue.tables import Table, TableRow, column_key, read_table
from pairx_core.errors import CatalogueError

_COLUMNS = {  # what we need -> the columns that may hold it; the first with a value counts
    "image_id": ("image_id",),
    "identity": ("identity",),
    "path": ("path",),
    "bbox": ("bbox",),
    "date": ("date",),
    "flank": ("orientation", "position", "flank", "viewpoint"),
    "species": ("species",),
    "site": ("site", "location", "station"),
    "latitude": ("latitude", "decimallatitude", "gps_lat_captured", "lat"),
    "longitude": ("longitude", "decimallongitude", "gps_lon_captured", "lon"),
    "mask": ("mask", "segmentation"),
}
_KNOWN = tuple(column for columns in _COLUMNS.values() for column in columns)
_NO_VALUE = frozenset({"", "unknown", "____", "nan"})
_NO_DATE = _NO_VALUE | {"nat", "none", "null"}
_NO_MASK = _NO_DATE | {"[]", "{}"}


def read_csv_catalogue(path: Path) -> Catalogue:
    """Read a CSV file; see :func:`pairx_core.catalogue.read_catalogue`."""
    table = read_table(path, _KNOWN, required="path")
    if not table.rows:
        raise CatalogueError(f"{path} has a header but no rows. Add one row for each photo.")
    problems = ProblemList(path.name)
    _note_assumptions(table, problems)
    entries = _entries(table, problems)
    found = find_pictures(path.parent, [entry.written for entry in entries])
    masks = _find_mask_pictures(path.parent, entries)
    photos = [
        photo
        for entry, picture in zip(entries, found, strict=True)
        if (photo := _photo(entry, picture, masks, problems)) is not None
    ]
    return Catalogue.checked(path, photos, problems.in_order())


def known_value(text: str) -> str | None:
    """A cell's text; None where the value is not known (empty, ``unknown``, ``____``, ``nan``)."""
    return None if text.casefold() in _NO_VALUE else text


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row that names a photo, before the photo's file has been looked at."""

    row: int
    id: str
    written: str  # the path as the catalogue has it
    identity: str | None
    box: Box | None
    date: datetime | None
    flank: str | None
    species: str | None
    site: str | None
    place: tuple[float, float] | None  # latitude, longitude
    mask: _MaskCell | None


@dataclass(frozen=True, slots=True)
class _MaskCell:
    """What a row says about the mask, before it has been looked at."""

    column: str
    written: str  # a path or a segmentation


def _note_assumptions(table: Table, problems: ProblemList) -> None:
    for note in table.notes:
        problems.note(note, kind="encoding")
    columns = {column_key(column) for column in table.columns}
    if "image_id" not in columns:
        problems.note(
            "There is no column “image_id”, so each photo is named by its path without the file ending.",
            kind="image_id",
        )
    if "identity" not in columns:
        problems.note(
            "There is no column “identity”, so every individual is taken as unknown.", kind="identity"
        )


def _entries(table: Table, problems: ProblemList) -> list[_Entry]:
    order = day_order(row.cells.get("date", "") for row in table.rows)
    first_rows: dict[str, int] = {}
    entries = []
    for row in table.rows:
        entry = _entry(row, len(table.columns), order, problems)
        if entry is None or _is_repeated(entry, first_rows, problems):
            continue
        first_rows[entry.id] = entry.row
        entries.append(entry)
    return entries


def _entry(row: TableRow, columns: int, order: DayOrder | None, problems: ProblemList) -> _Entry | None:
    if row.excess:
        problems.left_out(
            f"The row has {columns + row.excess} values for {columns} columns. Put values that contain the "
            "separator, such as a bbox, in quotation marks.",
            row=row.number,
        )
        return None
    written = row.cells.get("path", "")
    if not written:
        problems.left_out(
            "There is no path. Write the picture file's path here.", row=row.number, column="path"
        )
        return None
    try:
        box = _parse_box(row.cells.get("bbox", ""))
    except ValueError:
        _unreadable_box(row, problems)
        return None
    return _Entry(
        row=row.number,
        id=_photo_id(row, written, problems),
        written=written,
        identity=_value(row, "identity"),
        box=box,
        date=_date(row, order, problems),
        flank=(_value(row, "flank") or "").lower() or None,
        species=_value(row, "species"),
        site=_value(row, "site"),
        place=_place(row, problems),
        mask=_mask_cell(row),
    )


def _value(row: TableRow, name: str) -> str | None:
    """The first known value among the columns that may hold it."""
    values = (known_value(row.cells.get(column, "")) for column in _COLUMNS[name])
    return next((value for value in values if value is not None), None)


def _photo_id(row: TableRow, written: str, problems: ProblemList) -> str:
    if photo_id := row.cells.get("image_id"):
        return photo_id
    stand_in = str(PurePosixPath(written.replace("\\", "/")).with_suffix(""))
    if "image_id" in row.cells:
        problems.note(
            f"There is no image_id, so the photo is named “{stand_in}” after its path.",
            kind="image_id",
            row=row.number,
            column="image_id",
        )
    return stand_in


def _is_repeated(entry: _Entry, first_rows: dict[str, int], problems: ProblemList) -> bool:
    first = first_rows.get(entry.id)
    if first is not None:
        problems.left_out(
            f"The image_id “{entry.id}” is already used in row {first}. Give each row its own image_id.",
            row=entry.row,
            column="image_id",
        )
    return first is not None


def _parse_box(text: str) -> Box | None:
    """A box from "[x, y, w, h]" in any usual brackets and separators; None where the cell is empty.

    Raises:
        ValueError: not four finite numbers with a size above zero.
    """
    if text.casefold() in _NO_DATE:
        return None
    x, y, width, height = (float(number) for number in re.split(r"[,;\s]+", text.strip("[](){} \n\t")))
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        raise ValueError(text)
    return Box(x, y, width, height)


def _unreadable_box(row: TableRow, problems: ProblemList) -> None:
    problems.left_out(
        f"The bbox “{_short(row.cells['bbox'])}” is not [x, y, width, height] in pixels with a size above "
        "zero. Correct it, or leave it empty to use the whole picture.",
        row=row.number,
        column="bbox",
    )


def _date(row: TableRow, order: DayOrder | None, problems: ProblemList) -> datetime | None:
    text = row.cells.get("date", "")
    if text.casefold() in _NO_DATE:
        return None
    date = parse_date(text, order)
    if date is None:
        problems.note(
            f"The date “{_short(text)}” cannot be read, or could mean two days; the photo is used without a "
            "date. Write dates as 2026-03-01, with the time as 09:15:02 after it.",
            kind="date",
            row=row.number,
            column="date",
        )
    return date


def _place(row: TableRow, problems: ProblemList) -> tuple[float, float] | None:
    """Where the photo was taken, as (latitude, longitude) in degrees; None where the row does not say."""
    texts = _value(row, "latitude"), _value(row, "longitude")
    if None in texts:
        return None
    try:
        latitude, longitude = (float(text or "") for text in texts)
    except ValueError:
        latitude = longitude = math.nan
    if abs(latitude) <= 90 and abs(longitude) <= 180:
        return latitude, longitude
    problems.note(
        f"“{_short(', '.join(map(str, texts)))}” is not a latitude (-90 to 90) and a longitude (-180 to 180) in "
        "degrees; the photo is used without a place. Write them as -24.9948 and 31.5969.",
        kind="place",
        row=row.number,
        column="latitude",
    )
    return None


def _mask_cell(row: TableRow) -> _MaskCell | None:
    """The first column with something about the mask."""
    cells = (_MaskCell(column, row.cells.get(column, "")) for column in _COLUMNS["mask"])
    return next((cell for cell in cells if cell.written.casefold() not in _NO_MASK), None)


def _find_mask_pictures(folder: Path, entries: Sequence[_Entry]) -> dict[str, FoundPicture | UnusablePicture]:
    """The mask pictures that the rows name, by their paths as written."""
    cells = (entry.mask for entry in entries if entry.mask is not None)
    paths = list(dict.fromkeys(cell.written for cell in cells if not is_segmentation(cell.written)))
    return dict(zip(paths, find_pictures(folder, paths), strict=True))


def _photo(
    entry: _Entry,
    found: FoundPicture | UnusablePicture,
    masks: Mapping[str, FoundPicture | UnusablePicture],
    problems: ProblemList,
) -> Photo | None:
    if isinstance(found, UnusablePicture):
        problems.left_out(f"“{entry.written}” {found}", row=entry.row, column="path")
        return None
    try:
        box = _box_within(entry, found.header.size, problems)
    except ValueError as outside:
        problems.left_out(str(outside), row=entry.row, column="bbox")
        return None
    for note in found.header.notes:
        problems.note(
            f"“{entry.written}” {note}", kind="colours or orientation", row=entry.row, column="path"
        )
    return Photo(
        id=entry.id,
        path=found.path,
        identity=entry.identity,
        box=box,
        species=entry.species,
        flank=entry.flank,
        date=entry.date,
        site=entry.site,
        catalogue_path=entry.written,
        latitude=None if entry.place is None else entry.place[0],
        longitude=None if entry.place is None else entry.place[1],
        mask=_mask(entry, masks, found.header.size, problems),
    )


def _box_within(entry: _Entry, size: tuple[int, int], problems: ProblemList) -> Box | None:
    """The box clipped to a picture of this (width, height); noted where more than rounding is cut off.

    Raises:
        ValueError: the box lies wholly outside.
    """
    box = entry.box
    if box is None:
        return None
    left, top = max(0.0, box.x), max(0.0, box.y)
    right, bottom = min(float(size[0]), box.x + box.width), min(float(size[1]), box.y + box.height)
    if left >= right or top >= bottom:
        raise ValueError(
            f"The bbox lies outside “{entry.written}”, which is {size[0]} × {size[1]} pixels. Correct it: "
            "[x, y, width, height] in pixels of the upright photo."
        )
    clipped = Box(left, top, right - left, bottom - top)
    if max(left - box.x, top - box.y, box.x + box.width - right, box.y + box.height - bottom) > 1:
        problems.note(
            f"The bbox reaches beyond “{entry.written}” ({size[0]} × {size[1]} pixels) and is cut off there.",
            kind="bbox beyond the picture",
            row=entry.row,
            column="bbox",
        )
    return clipped


def _mask(
    entry: _Entry,
    pictures: Mapping[str, FoundPicture | UnusablePicture],
    size: tuple[int, int],
    problems: ProblemList,
) -> Mask | None:
    """The mask of a photo of this (width, height); noted where it cannot be used."""
    cell = entry.mask
    if cell is None:
        return None
    try:
        return usable_mask(cell.written, pictures.get(cell.written), size)
    except UnusablePicture as reason:
        problems.note(
            f"“{_short(cell.written)}” {reason} The photo is used without a mask.",
            kind="mask",
            row=entry.row,
            column=cell.column,
        )
        return None


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
