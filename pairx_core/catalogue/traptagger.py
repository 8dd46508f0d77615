"""Catalogues as TrapTagger exports them: a CSV file with one row for each image, its animals side by side.

Columns can be renamed in TrapTagger; usual names are known. ``Individuals``, ``Flank`` and ``Boxes`` hold one value for
each animal, joined by ``|``. TrapTagger keeps a box as left, top, right and bottom in shares of the picture. Where the
boxes of a file are in shares but not all fit that order, all of them are taken as left, top, width and height, as boxes
in pixels are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.cells import box_of, date_or_note, known_value, place_or_note
from pairx_core.catalogue.dates import day_order
from pairx_core.catalogue.entries import (
    WITHOUT_BOXES,
    Entry,
    FieldNames,
    checked_photos,
    id_from_path,
    shortened,
)
from pairx_core.catalogue.locating import is_address
from pairx_core.catalogue.photo import Box
from pairx_core.catalogue.problems import ProblemList
from pairx_core.catalogue.progress import ReadingProgress, silently
from pairx_core.catalogue.tables import Table, TableRow, column_key, read_table
from pairx_core.errors import CatalogueError

_COLUMNS = {
    "id": ("image_id", "id"),
    "path": ("file", "file_path", "filepath", "file_name", "filename", "path", "image"),
    "address": ("image_url", "url"),
    "individuals": ("individuals", "individual", "individual_ids"),
    "species": ("species", "label", "labels"),
    "flank": ("flank", "flanks", "side"),
    "boxes": ("boxes", "box", "bounding_boxes", "detections"),
    "date": ("timestamp", "date", "corrected_timestamp"),
    "site": ("site_name", "site", "trapgroup"),
    "latitude": ("latitude", "site_latitude"),
    "longitude": ("longitude", "site_longitude"),
}
KNOWN_COLUMNS = tuple(column for columns in _COLUMNS.values() for column in columns)
_NAMES = FieldNames(id="Image ID", path="File", box="Boxes")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_NOBODY = frozenset(
    {"none", "unidentified", "unidentifiable"}
)  # what TrapTagger writes for nobody in particular


def is_traptagger(columns: Set[str]) -> bool:
    """Whether a table's columns, as :func:`column_key` writes them, are those of a TrapTagger export."""
    has_file = bool(columns & {*_COLUMNS["path"], *_COLUMNS["address"]})
    return has_file and "individuals" in columns


def read_traptagger(path: Path, tell: ReadingProgress = silently) -> Catalogue:
    """Read an export; see :func:`pairx_core.catalogue.read_catalogue`.

    An image of several animals is a photo for each of them where it says which box is whose; otherwise it is one photo
    of nobody known, because a whole picture with two animals would teach the wrong thing about both.
    """
    table = read_table(path, KNOWN_COLUMNS, required=(*_COLUMNS["path"], *_COLUMNS["address"]))
    if not table.rows:
        raise CatalogueError(f"{path} has a header but no rows. Add one row for each image.")
    problems = ProblemList(path.name)
    for note in table.notes:
        problems.note(note, kind="encoding")
    entries = list(_Reader(table, problems).entries())
    return Catalogue.checked(
        path, checked_photos(path.parent, entries, _NAMES, problems, tell), problems.in_order()
    )


class _Reader:
    """Understands the rows of one table."""

    def __init__(self, table: Table, problems: ProblemList) -> None:
        self._rows = table.rows
        self._problems = problems
        columns = {column_key(column) for column in table.columns}
        self._columns = {
            name: next((one for one in usual if one in columns), usual[0]) for name, usual in _COLUMNS.items()
        }
        self._order = day_order(self._cell(row, "date") for row in table.rows)
        self._corners = self._has_corners()

    def entries(self) -> Iterator[Entry]:
        """The animals of each row."""
        for row in self._rows:
            if row.excess:
                self._leave_out(row, "", "The row has more values than columns.")
                continue
            written = self._cell(row, "path")
            if not written or is_address(written):
                self._no_file(row, written)
                continue
            yield from self._animals(row, written)

    def _has_corners(self) -> bool:
        """Whether the file's boxes in shares are left, top, right and bottom, which all of them fit then."""
        fours: list[tuple[float, ...]] = []
        for row in self._rows:
            try:
                fours += (four for four in _fours(self._cell(row, "boxes")) if _in_shares(four))
            except ValueError:  # told with its row
                continue
        if not fours:
            return False
        fit = all(right > left and bottom > top for left, top, right, bottom in fours)
        read = "right and bottom" if fit else "width and height"
        self._problems.note(
            f"Boxes are taken as left, top, {read} in shares of the picture, by what all {len(fours):,} of them fit. "
            "Look at a photo to see whether its box lies around the animal.",
            kind="boxes",
            column=self._columns["boxes"],
        )
        return fit

    def _animals(self, row: TableRow, written: str) -> Iterator[Entry]:
        individuals = _split(self._cell(row, "individuals"))
        try:
            boxes = [_box(four, corners=self._corners) for four in _fours(self._cell(row, "boxes"))]
        except ValueError:
            self._leave_out(
                row,
                self._columns["boxes"],
                f"“{shortened(self._cell(row, 'boxes'))}” is not four numbers for each box, boxes joined by |.",
            )
            return
        name = self._cell(row, "id") or id_from_path(written)
        if len(individuals) <= 1 and len(boxes) <= 1:
            yield self._entry(row, written, name, (individuals or [""])[0], next(iter(boxes), None), 0)
        elif len(boxes) == len(individuals):
            for at, (individual, box) in enumerate(zip(individuals, boxes, strict=True)):
                yield self._entry(row, written, f"{name}#{at + 1}", individual, box, at)
        else:
            self._problems.note(
                f"There are {len(individuals)} individuals and {len(boxes)} boxes, so it is not known who is where. "
                "The whole image is used as a photo of nobody known; give each individual a box.",
                kind=WITHOUT_BOXES,
                row=row.number,
                column=self._columns["boxes"],
            )
            yield self._entry(row, written, name, "", None, 0)

    def _entry(
        self, row: TableRow, written: str, name: str, individual: str, box: Box | None, at: int
    ) -> Entry:
        return Entry(
            row=row.number,
            id=name,
            written=written,
            identity=None if individual.casefold() in _NOBODY else known_value(individual),
            box=box,
            box_in_shares=box is not None and max(box.x + box.width, box.y + box.height) <= 1.001,
            date=date_or_note(
                self._cell(row, "date"),
                self._order,
                self._problems,
                row=row.number,
                column=self._columns["date"],
            ),
            flank=(known_value(_at(self._cell(row, "flank"), at)) or "").lower() or None,
            species=known_value(_at(self._cell(row, "species"), at)),
            site=known_value(self._cell(row, "site")),
            place=place_or_note(
                self._cell(row, "latitude") or None,
                self._cell(row, "longitude") or None,
                self._problems,
                row=row.number,
                column=self._columns["latitude"],
            ),
        )

    def _cell(self, row: TableRow, name: str) -> str:
        return row.cells.get(self._columns[name], "")

    def _no_file(self, row: TableRow, written: str) -> None:
        address = written or self._cell(row, "address")
        self._leave_out(
            row,
            self._columns["path"],
            f"There is only the address “{shortened(address)}”. Download the images, and write their paths here."
            if address
            else "There is no file. Write the image's path here.",
        )

    def _leave_out(self, row: TableRow, column: str, message: str) -> None:
        self._problems.left_out(message, row=row.number, column=column)


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _at(cell: str, place: int) -> str:
    """The value for one of several animals; one value alone is for all of them."""
    parts = [part.strip() for part in cell.split("|")]
    return parts[0] if len(parts) == 1 else (parts[place] if place < len(parts) else "")


def _fours(cell: str) -> list[tuple[float, ...]]:
    """The four numbers of each box of a cell, in any usual brackets.

    Raises:
        ValueError: not four numbers each.
    """
    if not cell.strip("[](){} \t") or cell.casefold() in ("none", "nan", "null"):
        return []
    numbers = [_NUMBER.findall(part) for part in re.split(r"[|;]|\]\s*,\s*\[|\)\s*,\s*\(", cell)]
    if any(len(four) != 4 for four in numbers):
        raise ValueError(cell)
    return [tuple(map(float, four)) for four in numbers]


def _in_shares(four: tuple[float, ...]) -> bool:
    return max(four) <= 1.001


def _box(four: tuple[float, ...], *, corners: bool) -> Box:
    """The box of four numbers.

    Raises:
        ValueError: it has no size.
    """
    left, top, third, fourth = four
    if corners and _in_shares(four):
        third, fourth = third - left, fourth - top
    return box_of([str(left), str(top), str(third), str(fourth)])
