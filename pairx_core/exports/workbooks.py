"""Excel workbooks with one sheet of texts and numbers, and no formulas; the same content gives the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pairx_core.errors import ExportError
from pairx_core.exports.csv_files import Cell, runs_in_spreadsheet

if TYPE_CHECKING:
    from openpyxl.cell import Cell as SheetCell
    from openpyxl.worksheet.worksheet import Worksheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP file can say
_EPOCH = datetime(1980, 1, 1)
_NO_SHEET_SIGN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # what the format does not allow in a text


def workbook_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]], sheet: str) -> bytes:
    """A workbook of one sheet, with the columns' names in its first row.

    Raises:
        ExportError: openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise ExportError(
            "To write an Excel workbook, the package openpyxl is needed, and it is not installed here. Install it: "
            "pip install openpyxl"
        ) from error
    workbook = Workbook()
    page: Worksheet = workbook.worksheets[0]
    page.title = sheet
    page.append(list(columns))
    page.freeze_panes = "A2"
    for number, row in enumerate(rows, 2):
        for at, column in enumerate(columns, 1):
            _fill(page.cell(number, at), row.get(column))
    workbook.properties.created = _EPOCH
    buffer = io.BytesIO()
    workbook.save(buffer)
    return _without_times(buffer.getvalue())


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file that does not tell when it was made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def _fill(cell: SheetCell, value: Cell) -> None:
    """Texts are kept as texts, whatever sign they begin with."""
    if not isinstance(value, str):
        cell.value = value
    elif value:
        cell.value = _NO_SHEET_SIGN.sub(" ", value)
        cell.data_type = "s"
        cell.quotePrefix = runs_in_spreadsheet(value)  # a text still, once somebody has edited the cell


def _without_times(workbook: bytes) -> bytes:
    """The workbook without the time of saving, which is in its properties and its directory."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    properties = files["docProps/core.xml"]
    made = f"{_EPOCH.isoformat()}Z".encode()
    files["docProps/core.xml"] = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + made, properties)
    return zip_bytes(files)
