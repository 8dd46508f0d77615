"""Catalogues as Camtrap DP packages: media, observations and deployments, each a CSV file.

The format is described at https://camtrap-dp.tdwg.org (versions 0.1 to 1.0). A photo is an observation of an animal on
a medium; its box is in shares of the picture. An observation of an event is one on each medium of that event: in older
versions media name their event, since 1.0 they are those of the deployment from eventStart to eventEnd.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pairx_core.catalogue.camtrap_events import MediaByTime
from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.cells import NO_NUMBER, box_of, date_or_note, known_value, place_or_note
from pairx_core.catalogue.entries import Entry, FieldNames, checked_photos, shortened
from pairx_core.catalogue.json_files import Object, objects, read_json, text_of
from pairx_core.catalogue.locating import is_address, locate
from pairx_core.catalogue.photo import Box
from pairx_core.catalogue.pictures import UnusablePicture
from pairx_core.catalogue.problems import ProblemList
from pairx_core.catalogue.progress import ReadingProgress, silently
from pairx_core.catalogue.tables import Table, TableRow, column_key, read_table
from pairx_core.errors import CatalogueError

PACKAGE = "datapackage.json"
_RESOURCES = ("media", "observations", "deployments")
_BOX = ("bboxx", "bboxy", "bboxwidth", "bboxheight")  # columns as column_key writes them
_NAMES = FieldNames(id="observationID", path="filePath", box="bboxX … bboxHeight")
_MEDIA = ("mediaid", "deploymentid", "filepath", "filename", "timestamp", "sequenceid", "eventid")
_OBSERVATIONS = ("observationid", "mediaid", "deploymentid", "eventid", "sequenceid", "observationtype",
                 "scientificname", "individualid", "eventstart", "eventend", "observationlevel",
                 "timestamp", *_BOX)  # fmt: skip
_DEPLOYMENTS = ("deploymentid", "locationid", "locationname", "latitude", "longitude")


def is_camtrap_dp(path: Path) -> bool:
    """Whether a folder or a file belongs to a Camtrap DP package."""
    if path.is_dir():
        return (path / PACKAGE).is_file() or all(
            (path / f"{name}.csv").is_file() for name in ("media", "observations")
        )
    if path.name.casefold() == PACKAGE:
        return True
    return path.stem.casefold() in _RESOURCES and is_camtrap_dp(path.parent)


def read_camtrap_dp(path: Path, tell: ReadingProgress = silently) -> Catalogue:
    """Read a package by its folder or any of its files; see :func:`pairx_core.catalogue.read_catalogue`.

    A photo's id is its ``observationID``.
    """
    folder = path if path.is_dir() else path.parent
    files = package_files(folder)
    observations = read_table(files["observations"], _OBSERVATIONS, required=("observationid",))
    problems = ProblemList(files["observations"].name)
    media = _media(files["media"], problems)
    deployments = _deployments(files.get("deployments"))
    reader = _Reader(observations, media, deployments, problems)
    photos = checked_photos(folder, list(reader.entries()), _NAMES, problems, tell)
    return Catalogue.checked(folder, photos, problems.in_order())


@dataclass(frozen=True, slots=True)
class _Medium:
    """A row of media.csv."""

    written: str
    deployment: str
    timestamp: str
    event: str


def package_files(folder: Path) -> dict[str, Path]:
    """The package's tables, by name, with absolute paths below the folder.

    Raises:
        CatalogueError: media or observations are missing, or lie outside the folder.
    """
    package = folder / PACKAGE
    written = {name: f"{name}.csv" for name in _RESOURCES}
    if package.is_file():
        _inside(package, package.name, package.name)
        for resource in objects(package, read_json(package), "resources"):
            if isinstance(resource, dict) and text_of(resource.get("name")) in _RESOURCES:
                written[text_of(resource["name"])] = _written(package, resource)
    files = {name: _inside(package, name, path) for name, path in written.items()}
    for name in ("media", "observations"):
        if not files[name].is_file():
            raise CatalogueError(
                f"{folder} is not a whole Camtrap DP package: there is no {shortened(written[name])}. Export it again "
                "with media and observations."
            )
    return {name: file for name, file in files.items() if file.is_file()}


def _written(package: Path, resource: Object) -> str:
    path = resource.get("path")
    if isinstance(path, list) and len(path) == 1:
        path = path[0]
    if not isinstance(path, str) or not path or is_address(path):
        raise CatalogueError(
            f"{package}: the path of “{resource['name']}” is not one file of the package. Put the table beside it as "
            "one CSV file."
        )
    return path


def _inside(package: Path, name: str, written: str) -> Path:
    try:
        return locate(package.parent.resolve(), written)
    except UnusablePicture as reason:
        raise CatalogueError(f"{package}: the table “{name}”, “{shortened(written)}”, {reason}") from None


def _media(file: Path, problems: ProblemList) -> dict[str, _Medium]:
    table = read_table(file, _MEDIA, required=("mediaid",))
    if not {column_key(column) for column in table.columns} & {"filepath", "filename"}:
        raise CatalogueError(f"{file} has no column “filePath”. Export the package again.")
    media: dict[str, _Medium] = {}
    for row in table.rows:
        cells = row.cells
        if row.excess or cells["mediaid"] in media:
            reason = "has more values than columns" if row.excess else "repeats a mediaID"
            problems.note(f"{file.name}, row {row.number}, {reason} and is not used.", kind="media")
            continue
        written = cells.get("filepath") or cells.get("filename", "")
        event = cells.get("eventid") or cells.get("sequenceid", "")
        media[cells["mediaid"]] = _Medium(
            written, cells.get("deploymentid", ""), cells.get("timestamp", ""), event
        )
    return media


def _deployments(file: Path | None) -> Mapping[str, TableRow]:
    if file is None:
        return {}
    table = read_table(file, _DEPLOYMENTS, required=("deploymentid",))
    return {row.cells["deploymentid"]: row for row in table.rows}


class _Reader:
    """Joins the observations of one package with media and deployments."""

    def __init__(
        self,
        observations: Table,
        media: Mapping[str, _Medium],
        deployments: Mapping[str, TableRow],
        problems: ProblemList,
    ) -> None:
        self._rows = observations.rows
        self._media = media
        self._deployments = deployments
        self._problems = problems
        self._of_event: dict[str, list[str]] = defaultdict(list)
        for media_id, medium in media.items():
            if medium.event:
                self._of_event[medium.event].append(media_id)
        animals = [row for row in self._rows if _is_animal(row)]
        self._animals = Counter(_event(row) for row in animals if not row.cells.get("mediaid"))
        self._seen = {
            row.cells.get("mediaid", "") for row in animals
        }  # media that have observations of their own
        taken = {media_id: (medium.deployment, medium.timestamp) for media_id, medium in media.items()}
        self._by_time = MediaByTime(taken, (_span(row) for row in animals))

    def entries(self) -> Iterator[Entry]:
        """A photo for each observation of an animal on a medium, or on each medium of its event."""
        others = sum(not _is_animal(row) for row in self._rows)
        if others:
            self._problems.note(
                f"{others:,} observations are not of animals and are not used.", kind="others"
            )
        for row in self._rows:
            if not _is_animal(row):
                continue
            if row.excess:
                self._problems.left_out("The row has more values than columns.", row=row.number)
                continue
            media = self._media_of(row)
            for media_id in media:
                name = row.cells["observationid"] or f"row {row.number}"
                entry = self._entry(row, name if len(media) == 1 else f"{name}/{media_id}", media_id)
                if entry is not None:
                    yield entry

    def _media_of(self, row: TableRow) -> list[str]:
        media_id = row.cells.get("mediaid", "")
        if media_id in self._media:
            return [media_id]
        if media_id:
            self._leave_out(row, "mediaID", f"media.csv has no mediaID “{shortened(media_id)}”.")
            return []
        event = _event(row)
        found = self._of_event.get(event) or self._by_time.between(
            row.cells.get("deploymentid", ""), *_span(row)
        )
        if not found:
            self._leave_out(
                row,
                "mediaID",
                "There is no mediaID, and no medium of the event: none of its deployment from eventStart to eventEnd.",
            )
            return []
        if self._animals[event] > 1:
            self._leave_out(
                row,
                "mediaID",
                f"The event “{shortened(event)}” has several animals, and this row does not say which medium shows "
                "this one.",
            )
            return []
        return self._not_seen(row, found)

    def _not_seen(self, row: TableRow, media: list[str]) -> list[str]:
        """Those of an event's media that have no observation of their own, which says more than the event's."""
        left = [media_id for media_id in media if media_id not in self._seen]
        if len(left) < len(media):
            self._problems.note(
                f"{len(media) - len(left):,} of the event's {len(media):,} media have observations of their own, which "
                "are used instead.",
                kind="event and media",
                row=row.number,
                column="observationLevel",
            )
        return left

    def _entry(self, row: TableRow, name: str, media_id: str) -> Entry | None:
        medium, cells = self._media[media_id], row.cells
        if not medium.written or is_address(medium.written):
            self._leave_out(
                row,
                "mediaID",
                f"The medium's filePath is “{shortened(medium.written)}”, not a file. Download the media into the "
                "package's folder and write their paths in media.csv.",
            )
            return None
        try:
            box = _box(row)
        except ValueError:
            self._leave_out(row, _NAMES.box, "The box is not four shares of the picture from 0 to 1.")
            return None
        deployment = self._deployments.get(medium.deployment or cells.get("deploymentid", ""))
        return Entry(
            row=row.number,
            id=name,
            written=medium.written,
            identity=known_value(cells.get("individualid", "")),
            box=box,
            box_in_shares=True,
            date=self._date(row, medium),
            species=known_value(cells.get("scientificname", "")),
            site=_site(deployment),
            place=self._place(row, deployment),
        )

    def _date(self, row: TableRow, medium: _Medium) -> datetime | None:
        written = medium.timestamp or row.cells.get("eventstart") or row.cells.get("timestamp", "")
        return date_or_note(written, None, self._problems, row=row.number, column="timestamp")

    def _place(self, row: TableRow, deployment: TableRow | None) -> tuple[float, float] | None:
        if deployment is None:
            return None
        latitude, longitude = (deployment.cells.get(name) or None for name in ("latitude", "longitude"))
        return place_or_note(latitude, longitude, self._problems, row=row.number, column="latitude")

    def _leave_out(self, row: TableRow, column: str, message: str) -> None:
        self._problems.left_out(message, row=row.number, column=column)


def _is_animal(row: TableRow) -> bool:
    """Observations without a type, as the oldest versions have them, count where they name a species."""
    kind = row.cells.get("observationtype", "").casefold()
    return kind == "animal" or (not kind and bool(row.cells.get("scientificname")))


def _span(row: TableRow) -> tuple[str, str]:
    """When an observation's event began and ended, as written."""
    return row.cells.get("eventstart", ""), row.cells.get("eventend", "")


def _event(row: TableRow) -> str:
    cells = row.cells
    by_time = "/".join((cells.get("deploymentid", ""), *_span(row))).strip("/")
    return cells.get("eventid") or cells.get("sequenceid", "") or by_time


def _box(row: TableRow) -> Box | None:
    """The box in shares; None where the row has none.

    Raises:
        ValueError: not four numbers from 0 to 1 with a size above zero.
    """
    parts = [row.cells.get(column, "") for column in _BOX]
    if all(part.casefold() in NO_NUMBER for part in parts):
        return None
    box = box_of(parts)
    if min(box.x, box.y) < 0 or max(box.x + box.width, box.y + box.height) > 1.001:
        raise ValueError(parts)
    return box


def _site(deployment: TableRow | None) -> str | None:
    if deployment is None:
        return None
    cells = deployment.cells
    return known_value(cells.get("locationname") or cells.get("locationid") or cells.get("deploymentid", ""))
