"""Identities written into the Camtrap DP package that was read: its own tables, with nothing else changed."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from pathlib import Path

from pairx_core.catalogue.camtrap_dp import PACKAGE, package_files
from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.tables import column_key, read_records
from pairx_core.errors import ExportError
from pairx_core.exports.camtrap_tables import timestamp
from pairx_core.exports.findings import Finding, photo_count
from pairx_core.exports.resolution import Resolution, ResolvedPhoto

_FILLED = (
    "individualID",
    "classificationMethod",
    "classifiedBy",
    "classificationTimestamp",
    "classificationProbability",
)


def copied_package(catalogue: Catalogue, resolution: Resolution) -> tuple[dict[str, bytes], list[Finding]]:
    """The package's files by their paths in it, and what is to be said of them.

    Rows of observations that reviewers decided on get ``individualID`` and ``classification…``; all other cells, rows
    and tables are as they were read: times with their zones, deployments, media, events.

    Raises:
        CatalogueError: the package cannot be read any more.
        ExportError: its observations were changed since it was read.
    """
    folder = catalogue.source.resolve()
    files = package_files(folder)
    content = {_name(folder, file): _bytes(file) for name, file in files.items() if name != "observations"}
    if (folder / PACKAGE).is_file():
        content = {PACKAGE: _bytes(folder / PACKAGE), **content}
    observations = files["observations"]
    table = _Observations(observations)
    differing = table.fill(_decided(catalogue, resolution))
    content[_name(folder, observations)] = table.csv_bytes()
    return content, list(_notes(folder, content, differing))


class _Observations:
    """The cells of observations.csv, as they were written."""

    def __init__(self, path: Path) -> None:
        records = read_records(path, ("observationid", "mediaid"))
        self._path = path
        self._header = [column.strip() for column in records[0][1]]
        self._rows = dict(records[1:])  # by number, as messages count them
        self._place = {column_key(column): at for at, column in enumerate(self._header)}

    def fill(self, decided: Mapping[int, Mapping[str, ResolvedPhoto]]) -> list[str]:
        """Take in what was decided on the photos of rows; the photos that one row cannot tell apart.

        Raises:
            ExportError: a row is not of the photo that was read from it.
        """
        differing: list[str] = []
        for number, of_row in decided.items():
            self._check(number, of_row)
            if len({one.identity for one in of_row.values()}) > 1:
                differing += of_row
                continue
            self._fill(number, [one for one in of_row.values() if one.changed or one.decided_at is not None])
        return differing

    def csv_bytes(self) -> bytes:
        """The table in UTF-8, with commas."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self._header)
        writer.writerows(row + [""] * (len(self._header) - len(row)) for row in self._rows.values())
        return buffer.getvalue().encode("utf-8", "replace")

    def _check(self, number: int, photo_ids: Mapping[str, object]) -> None:
        name = self._cell(number, "observationid").strip() or f"row {number}"
        if not all(photo_id == name or photo_id.startswith(f"{name}/") for photo_id in photo_ids):
            raise ExportError(
                f"{self._path}, row {number}, is not about “{next(iter(photo_ids))}” any more: the table was changed "
                "since it was read. Open the catalogue again."
            )

    def _fill(self, number: int, decided: Sequence[ResolvedPhoto]) -> None:
        if not decided:
            return
        last = max(decided, key=lambda one: (one.decided_at is not None, one.decided_at))
        if last.identity is not None:
            self._set(number, "individualID", last.identity)
        if last.decided_at is None:
            return
        names = sorted({name for one in decided for name in one.decided_by})
        self._set(number, "classificationMethod", "human")
        self._set(number, "classifiedBy", " | ".join(names))
        self._set(number, "classificationTimestamp", timestamp(last.decided_at, UTC))
        if self._cell(number, "classificationprobability"):
            self._set(number, "classificationProbability", "")  # it was the machine's

    def _cell(self, number: int, key: str) -> str:
        at, row = self._place.get(key, -1), self._rows.get(number, [])
        return row[at] if 0 <= at < len(row) else ""

    def _set(self, number: int, column: str, text: str) -> None:
        at = self._place.get(column_key(column))
        if at is None:
            at = self._place[column_key(column)] = len(self._header)
            self._header.append(column)
        row = self._rows[number]
        row += [""] * (at + 1 - len(row))
        row[at] = text


def _decided(catalogue: Catalogue, resolution: Resolution) -> dict[int, dict[str, ResolvedPhoto]]:
    """What is known now of the photos of each row, where something of it was decided."""
    of_rows: dict[int, dict[str, ResolvedPhoto]] = defaultdict(dict)
    for photo in catalogue.photos:
        of_rows[photo.row][photo.id] = resolution.of(photo.id)
    return {
        number: of_row
        for number, of_row in of_rows.items()
        if any(one.changed or one.decided_at is not None for one in of_row.values())
    }


def _notes(folder: Path, content: Mapping[str, bytes], differing: Sequence[str]) -> Iterator[Finding]:
    yield Finding(
        "where_to_save",
        f"This is the package of {folder}, of which only {', '.join(_FILLED)} are written where reviewers decided. "
        "Unpack the file in a copy of this folder: here it would replace the tables of the package that was read. "
        "Options such as the time zone or the title are the package's own.",
    )
    if PACKAGE not in content:
        yield Finding(
            "package_details",
            f"There is no {PACKAGE} in the folder that was read, so there is none here either. Write it before "
            "publishing.",
        )
    if differing:
        yield Finding(
            "event_identities",
            f"{photo_count(len(differing))} of an observation of an event turned out to show different individuals, "
            "and the observation has room for one: it is left as it was. Write an observation for each medium.",
            tuple(differing),
        )


def _name(folder: Path, file: Path) -> str:
    return file.relative_to(folder).as_posix()


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ExportError(f"{file} cannot be read any more ({error.strerror}). Put it back.") from None
