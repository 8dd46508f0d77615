"""CSV files as other programs expect them: UTF-8 without a byte order mark, commas, a line feed at each line's end."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pairx_core.exports.export import ExportOptions
from pairx_core.exports.findings import Finding, photo_count
from pairx_core.formulas import MARKER, neutralise_cell

Cell = str | int | float | None
Row = Mapping[str, Cell]


def csv_bytes(columns: Sequence[str], rows: Iterable[Row], options: ExportOptions) -> bytes:
    """A table; a row's missing cells are empty.

    Texts that a spreadsheet would run are neutralised unless the options say otherwise. Numbers never are. Where there
    are any such texts, a last column says so, by which ``read_catalogue`` knows that it has to take that back.
    """
    listed = list(rows)
    is_marked = options.neutralise and any(_runs(cell) for row in listed for cell in row.values())
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(
        buffer, [*columns, MARKER] if is_marked else columns, restval="", lineterminator="\n"
    )
    writer.writeheader()
    for row in listed:
        mark = {MARKER: "true"} if is_marked else {}
        writer.writerow({column: _written(cell, options) for column, cell in row.items()} | mark)
    return buffer.getvalue().encode()


def neutralised_note(rows_of: Iterable[tuple[str, Row]], options: ExportOptions) -> Iterator[Finding]:
    """A finding about the photos, by their ids, with a text that is neutralised; nothing where there is none."""
    if not options.neutralise:
        return
    photos = tuple(dict.fromkeys(photo for photo, row in rows_of if any(map(_runs, row.values()))))
    if photos:
        yield Finding(
            "neutralised",
            f"{photo_count(len(photos))} with a text that begins with = + - or @, which a spreadsheet would run as a "
            "formula: an apostrophe was put in front of it, which PAIR-X Review takes away again. For another program "
            "that is no spreadsheet, export without this.",
            photos,
        )


def number(value: float) -> str:
    """A number as short as it can be and still be read as the same."""
    return str(int(value)) if value == int(value) else repr(value)


def runs_in_spreadsheet(text: str) -> bool:
    """Whether a spreadsheet might run a text as a formula."""
    return neutralise_cell(text) != text


def _runs(cell: Cell) -> bool:
    return isinstance(cell, str) and runs_in_spreadsheet(cell)


def _written(cell: Cell, options: ExportOptions) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return neutralise_cell(cell) if options.neutralise else cell
    return number(cell)
