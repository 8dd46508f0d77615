"""Catalogues in a CSV file with one row for each photo, as wildlife-datasets and MiewID write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.cells import (
    NO_MASK,
    NO_NUMBER,
    box_of,
    date_or_note,
    known_value,
    parse_box,
    parse_theta,
    place_or_note,
)
from pairx_core.catalogue.dates import day_order
from pairx_core.catalogue.entries import (
    Entry,
    FieldNames,
    MaskCell,
    checked_photos,
    id_from_path,
    shortened,
)
from pairx_core.catalogue.photo import Box
from pairx_core.catalogue.problems import ProblemList
from pairx_core.catalogue.progress import ReadingProgress, counted, silently
from pairx_core.catalogue.tables import Table, TableRow, column_key, read_table
from pairx_core.errors import CatalogueError
from pairx_core.formulas import MARKER, restore_cell


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How a kind of table with one row for each photo names what it says."""

    title: str  # as people know it
    columns: Mapping[
        str, tuple[str, ...]
    ]  # what we need -> the columns that may hold it; the first with a value
    names: FieldNames  # as its owners know them, for messages
    box_parts: tuple[str, ...] = ()  # columns of x, y, width and height, where they are not in one

    @property
    def known(self) -> tuple[str, ...]:
        """All columns that are used."""
        return (*(column for columns in self.columns.values() for column in columns), *self.box_parts)


WILDLIFE_DATASETS = TableFormat(
    "wildlife-datasets CSV",
    {
        "image_id": ("image_id",),
        "identity": ("identity",),
        "path": ("path",),
        "bbox": ("bbox",),
        "theta": ("theta",),
        "date": ("date",),
        "flank": ("orientation", "position", "flank", "viewpoint"),
        "species": ("species",),
        "site": ("site", "location", "station"),
        "latitude": ("latitude", "decimallatitude", "gps_lat_captured", "lat"),
        "longitude": ("longitude", "decimallongitude", "gps_lon_captured", "lon"),
        "mask": ("mask", "segmentation"),
    },
    FieldNames(),
)
MIEWID = TableFormat(
    "MiewID CSV",
    {
        "image_id": ("image_id", "annot_id", "uuid"),
        "identity": ("name", "individual_id"),
        "path": ("file_path", "file_name"),
        "theta": ("theta",),
        "date": ("date_captured", "date"),
        "flank": ("viewpoint",),
        "species": ("species",),
        "site": ("site", "location"),
        "latitude": ("gps_lat_captured", "latitude"),
        "longitude": ("gps_lon_captured", "longitude"),
        "mask": ("segmentation",),
    },
    FieldNames(path="file_path", box="x, y, w, h"),
    box_parts=("x", "y", "w", "h"),
)


def read_csv_catalogue(
    path: Path, form: TableFormat = WILDLIFE_DATASETS, tell: ReadingProgress = silently
) -> Catalogue:
    """Read a CSV file; see :func:`pairx_core.catalogue.read_catalogue`."""
    required = form.columns["path"]
    table = read_table(path, form.known, required=required)
    if not table.rows:
        raise CatalogueError(f"{path} has a header but no rows. Add one row for each photo.")
    problems = ProblemList(path.name)
    _note_assumptions(table, form, problems)
    rows = _Rows(form, table, problems)
    restored = counted(map(_restored, table.rows), "Reading the rows", len(table.rows), tell)
    usable = [entry for row in restored if (entry := rows.entry(row)) is not None]
    photos = checked_photos(path.parent, usable, form.names, problems, tell)
    return Catalogue.checked(path, photos, problems.in_order())


def _restored(row: TableRow) -> TableRow:
    """A row of our own export without the apostrophes that keep a spreadsheet from running its texts."""
    if row.cells.get(MARKER, "").casefold() != "true":
        return row
    return replace(row, cells={column: restore_cell(text) for column, text in row.cells.items()})


def _note_assumptions(table: Table, form: TableFormat, problems: ProblemList) -> None:
    for note in table.notes:
        problems.note(note, kind="encoding")
    columns = {column_key(column) for column in table.columns}
    if not columns & set(form.columns["image_id"]):
        problems.note(
            "There is no column “image_id”, so each photo is named by its path without the file ending.",
            kind="image_id",
        )
    if not columns & set(form.columns["identity"]):
        problems.note(
            f"There is no column “{form.columns['identity'][0]}”, so every individual is taken as unknown.",
            kind="identity",
        )


class _Rows:
    """Understands the rows of one table."""

    def __init__(self, form: TableFormat, table: Table, problems: ProblemList) -> None:
        self._form = form
        self._columns = len(table.columns)
        self._problems = problems
        present = {column_key(column) for column in table.columns}
        self._present = {
            name: tuple(column for column in columns if column in present)
            for name, columns in form.columns.items()
        }
        dates = form.columns["date"]
        columns = [column for column in dates if column in present]
        self._order = day_order(text for column in columns for text in table.rows.column(column))

    def entry(self, row: TableRow) -> Entry | None:
        """What a row says; None, and a problem, where it cannot be used."""
        if row.excess:
            self._leave_out_excess(row)
            return None
        path_column, written = self._first(row, "path")
        if not written:
            self._problems.left_out(
                f"There is no {path_column}. Write the picture file's path here.",
                row=row.number,
                column=path_column,
            )
            return None
        try:
            box = self._box(row)
        except ValueError:
            self._leave_out_box(row)
            return None
        return self._with_all(row, written, box)

    def _with_all(self, row: TableRow, written: str, box: Box | None) -> Entry:
        date_column, date = self._first(row, "date")
        return Entry(
            row=row.number,
            id=self._photo_id(row, written),
            written=written,
            identity=self._value(row, "identity"),
            box=box,
            date=date_or_note(date, self._order, self._problems, row=row.number, column=date_column),
            flank=(self._value(row, "flank") or "").lower() or None,
            species=self._value(row, "species"),
            site=self._value(row, "site"),
            place=place_or_note(
                self._value(row, "latitude"),
                self._value(row, "longitude"),
                self._problems,
                row=row.number,
                column=self._first(row, "latitude")[0],
            ),
            mask=self._mask(row),
        )

    def _first(self, row: TableRow, name: str) -> tuple[str, str]:
        """The first column with anything in it among those that may hold a value, and what it holds."""
        for column in self._present[name]:
            if written := row.cells[column]:
                return column, written
        return self._form.columns[name][0], ""

    def _value(self, row: TableRow, name: str) -> str | None:
        """The first known value among the columns that may hold it."""
        for column in self._present[name]:
            if (value := known_value(row.cells[column])) is not None:
                return value
        return None

    def _box(self, row: TableRow) -> Box | None:
        theta = self._theta(row)
        if not self._form.box_parts:
            box = parse_box(row.cells.get(self._form.columns["bbox"][0], ""))
            return replace(box, theta=theta) if box is not None and theta else box
        parts = [row.cells.get(column, "") for column in self._form.box_parts]
        if all(part.casefold() in NO_NUMBER for part in parts):
            return None
        return box_of(parts, theta)

    def _theta(self, row: TableRow) -> float:
        column, text = self._first(row, "theta")
        try:
            return parse_theta(text)
        except ValueError:
            self._problems.note(
                f"The angle “{shortened(text)}” is not a number of radians; the box is taken as upright.",
                kind="theta",
                row=row.number,
                column=column,
            )
            return 0.0

    def _photo_id(self, row: TableRow, written: str) -> str:
        _, photo_id = self._first(row, "image_id")
        if photo_id:
            return photo_id
        stand_in = id_from_path(written)
        if "image_id" in row.cells:
            self._problems.note(
                f"There is no image_id, so the photo is named “{stand_in}” after its path.",
                kind="image_id",
                row=row.number,
                column="image_id",
            )
        return stand_in

    def _mask(self, row: TableRow) -> MaskCell | None:
        """The first column with something about the mask."""
        cells = (MaskCell(column, row.cells[column]) for column in self._present["mask"])
        return next((cell for cell in cells if cell.written.casefold() not in NO_MASK), None)

    def _leave_out_excess(self, row: TableRow) -> None:
        self._problems.left_out(
            f"The row has {self._columns + row.excess} values for {self._columns} columns. Put values that contain "
            "the separator, such as a bbox, in quotation marks.",
            row=row.number,
        )

    def _leave_out_box(self, row: TableRow) -> None:
        columns = self._form.box_parts or self._form.columns["bbox"]
        written = shortened(", ".join(row.cells.get(column, "") for column in columns))
        self._problems.left_out(
            f"The {self._form.names.box} “{written}” is not [x, y, width, height] in pixels with a size above "
            "zero. Correct it, or leave it empty to use the whole picture.",
            row=row.number,
            column=self._form.names.box,
        )
