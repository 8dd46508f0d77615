"""What there is to know of a catalogue before anything is computed: how much of what, and what is odd, by row."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue.catalogue import Catalogue, CatalogueSummary, Problem
from pairx_core.catalogue.opening import photo_digest, photo_size
from pairx_core.catalogue.pack_catalogue import FIELD_PACK, damaged_files
from pairx_core.catalogue.photo import Box, Photo
from pairx_core.catalogue.pictures import UnusablePicture, file_signature, read_header
from pairx_core.errors import PhotoError

REPORT_COLUMNS = ("severity", "kind", "row", "column", "photo_id", "file", "message")
DUPLICATE, TWO_NAMES = "same picture twice", "same picture, two individuals"
MANY_BOXES = "many boxes on one picture"
ALIKE_NAMES, ODD_FLANK, ODD_DATE, SMALL = (
    "names that look alike",
    "odd orientation",
    "odd date",
    "few pixels",
)
_SAME_BOX = 0.9  # shared area of two boxes, as a share of what they cover together
_FEWEST_PIXELS = 64  # of the shorter side; less than any embedder's input
_FIRST_PHOTO = datetime(1839, 1, 1)
_FLANK = re.compile(
    r"(left|right|front|back|rear|up|down|top|bottom|dorsal|ventral|head|tail|side|lateral|both|none|unknown)+"
)
_MOST_BOXES = 50  # of one picture that others are compared with
_MANY_BOXES = (
    f"The picture has more than {_MOST_BOXES} boxes. This one and those that follow were compared with the first "
    f"{_MOST_BOXES} only; look at them yourself."
)
_MOST_OF_A_KIND = 10_000  # findings that are listed
_COMPARED_TOGETHER = 1024  # boxes of one picture
_TELL_EVERY = 4096  # photos

Progress = Callable[[int, int], None]  # called with (done, total)


@dataclass(frozen=True, slots=True)
class CatalogueReport:
    """What was found in a catalogue."""

    source: Path
    form: str  # the format, by its name in CATALOGUE_FORMATS
    summary: CatalogueSummary
    flanks: dict[str, int]  # photos of each flank, as the catalogue calls it; "" where it does not say
    sites: int
    dates: tuple[datetime, datetime] | None  # the first and the last
    with_box: int  # photos
    turned: int  # photos whose box is turned
    with_mask: int
    findings: tuple[
        Problem, ...
    ]  # what the reader found, and then what is odd about the photos that can be used
    unlisted: Mapping[str, int] = field(default_factory=dict)  # by kind, how many more odd photos there are

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind, those that cost a photo first."""
        kinds = Counter((one.severity, one.kind) for one in self.findings)
        ordered = sorted(kinds.items(), key=lambda item: (item[0][0] != "left_out", -item[1]))
        counts: Counter[str] = Counter()
        for (_, kind), number in ordered:
            counts[kind] += number
        for kind, number in self.unlisted.items():
            counts[kind] += number
        return dict(counts)

    def csv_text(self) -> str:
        """All findings as a table with the columns REPORT_COLUMNS, for a spreadsheet.

        Text that a spreadsheet would take for a formula gets an apostrophe before it.
        """
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(REPORT_COLUMNS)
        for one in (*self.findings, *self._not_listed()):
            row = str(one.row or "")
            cells = (one.severity, one.kind, row, one.column, one.photo_id, one.file, one.message)
            writer.writerow([f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell for cell in cells])
        return out.getvalue()

    def _not_listed(self) -> Iterator[Problem]:
        for kind, number in self.unlisted.items():
            yield Problem(
                "note", self.source.name, f"{number:,} more photos of this kind are not listed.", kind
            )


def check_catalogue(catalogue: Catalogue, progress: Progress | None = None) -> CatalogueReport:
    """Count what is in a catalogue and look for what is odd about it.

    Only files of the same length are read, to find those with the same bytes; no picture is decoded. Of each kind of
    oddity 10,000 photos are listed, and the others are counted.

    Args:
        catalogue: as it was read.
        progress: called with the number of files, and then of photos, compared and of those to compare.
    """
    photos = catalogue.photos
    odd, unlisted = _first_of_each_kind(
        chain(
            _duplicates(photos, progress),
            _names_alike(catalogue),
            _odd_flanks(photos),
            _odd_dates(photos),
            _few_pixels(photos),
        )
    )
    dates = {photo.date for photo in photos if photo.date is not None}
    return CatalogueReport(
        source=catalogue.source,
        form=catalogue.form,
        summary=catalogue.summary(),
        flanks=dict(Counter(photo.flank or "" for photo in photos).most_common()),
        sites=len({photo.site for photo in photos if photo.site is not None}),
        dates=(min(dates), max(dates)) if dates else None,
        with_box=sum(photo.box is not None for photo in photos),
        turned=sum(photo.box is not None and bool(photo.box.theta) for photo in photos),
        with_mask=sum(photo.mask is not None for photo in photos),
        findings=(*catalogue.problems, *odd),
        unlisted=unlisted,
    )


def _first_of_each_kind(found: Iterable[Problem]) -> tuple[list[Problem], dict[str, int]]:
    """So many findings of each kind, and how many more there are, by kind."""
    seen: Counter[str] = Counter()
    kept = []
    for one in found:
        seen[one.kind] += 1
        if seen[one.kind] <= _MOST_OF_A_KIND:
            kept.append(one)
    return kept, {kind: number - _MOST_OF_A_KIND for kind, number in seen.items() if number > _MOST_OF_A_KIND}


def with_damaged_files(
    report: CatalogueReport, catalogue: Catalogue, progress: Progress | None = None
) -> CatalogueReport:
    """The report of a field pack with the files that are not as they were written; all of them are read.

    That of another catalogue stays as it is.

    Args:
        report: of the catalogue.
        catalogue: as it was read.
        progress: called with (files done, files in all).

    Raises:
        CatalogueError: the pack's description cannot be read any more.
    """
    if catalogue.form != FIELD_PACK:
        return report
    return replace(report, findings=(*report.findings, *damaged_files(catalogue, progress)))


def _finding(photo: Photo, kind: str, message: str, column: str = "") -> Problem:
    return Problem(
        "note",
        photo.catalogue_path or photo.path.name,
        message,
        kind,
        photo.row,
        column,
        file=photo.catalogue_path,
        photo_id=photo.id,
    )


def _duplicates(photos: Sequence[Photo], progress: Progress | None) -> Iterator[Problem]:
    """Photos that show the same part of the same picture: one finding for each photo that comes later."""
    compared = 0
    for group in _of_same_bytes(photos, progress):
        places = _Rectangles(group)
        kept: list[int] = []  # of each part and individual the first, by its number in the group
        for number, photo in enumerate(group):
            same = [group[one] for one in places.same_as(number, kept)]  # else: two animals on one picture
            yield from _same_part(photo, same)
            if len(kept) <= _MOST_BOXES and not any(one.identity == photo.identity for one in same):
                if len(kept) == _MOST_BOXES:
                    yield _finding(photo, MANY_BOXES, _MANY_BOXES)
                kept.append(number)
            compared += 1
            if progress is not None and compared % _TELL_EVERY == 0:
                progress(compared, len(photos))


def _same_part(photo: Photo, same: Sequence[Photo]) -> Iterator[Problem]:
    """What is to be said of a photo that shows what others before it show."""
    other = next((one for one in same if _differ(one, photo)), None)
    if other is not None:
        yield _finding(photo, TWO_NAMES, _two_names(other, photo), "identity")
    elif same:
        message = f"It is the same picture as “{same[0].id}” ({same[0].catalogue_path}). Keep one of them."
        yield _finding(photo, DUPLICATE, message)


def _differ(first: Photo, second: Photo) -> bool:
    """Whether two photos are said to be of two known individuals."""
    return first.is_known and second.is_known and first.identity != second.identity


def _two_names(first: Photo, second: Photo) -> str:
    remedy = "If both are on it, give each a box of its own; if not, one of the names is wrong."
    return (
        f"It is the same picture as “{first.id}” ({first.catalogue_path}), which is said to be “{first.identity}”; "
        f"here it is “{second.identity}”. {remedy}"
    )


def _of_same_bytes(photos: Iterable[Photo], progress: Progress | None) -> list[list[Photo]]:
    by_file: dict[Path, list[Photo]] = defaultdict(list)
    for photo in photos:
        by_file[photo.path].append(photo)
    by_length: dict[int, list[Path]] = defaultdict(list)
    for path in by_file:
        try:
            by_length[file_signature(path)[0]].append(path)
        except UnusablePicture:  # gone since it was read; opening it says so
            continue
    alike = [path for paths in by_length.values() if len(paths) > 1 for path in paths]
    by_content: dict[str, list[Photo]] = defaultdict(list)
    for done, path in enumerate(alike, start=1):
        try:
            by_content[photo_digest(by_file[path][0])] += by_file[path]
        except PhotoError:
            continue
        finally:
            if progress is not None:
                progress(done, len(alike))
    compared = set(alike)
    alone = [group for path, group in by_file.items() if path not in compared]
    return [group for group in (*by_content.values(), *alone) if len(group) > 1]


class _Rectangles:
    """Which photos of one picture show the same part of it."""

    def __init__(self, group: Sequence[Photo]) -> None:
        try:
            width, height = read_header(group[0].path).size
        except UnusablePicture:
            width, height = 0, 0
        self._is_usable = width > 0
        whole = Box(0, 0, width, height)
        self._corners = np.asarray([(photo.box or whole).around() for photo in group], np.float64)
        self._kept = 0  # of how many the next ones were compared with
        self._first = 0  # the first of the next ones
        self._same = np.empty((0, 0), bool)  # (next ones, kept)

    def same_as(self, number: int, kept: Sequence[int]) -> list[int]:
        """Which of those that are kept show the same part as one that comes after them."""
        if not kept or not self._is_usable:
            return []
        if len(kept) != self._kept or number >= self._first + len(
            self._same
        ):  # once all are kept, many at a time
            many = _COMPARED_TOGETHER if len(kept) > _MOST_BOXES else 1
            self._kept, self._first = len(kept), number
            self._same = (
                _shared(self._corners[number : number + many, None], self._corners[kept]) >= _SAME_BOX
            )
        return [kept[int(at)] for at in np.flatnonzero(self._same[number - self._first])]


def _shared(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Intersection over union of upright rectangles, (..., 4) each: left, top, right, bottom."""
    least = np.maximum(one[..., :2], other[..., :2])
    most = np.minimum(one[..., 2:], other[..., 2:])
    both = np.prod(np.maximum(0.0, most - least), axis=-1)
    areas = np.prod(one[..., 2:] - one[..., :2], axis=-1) + np.prod(other[..., 2:] - other[..., :2], axis=-1)
    shared: npt.NDArray[np.float64] = both / (areas - both)
    return shared


def _names_alike(catalogue: Catalogue) -> Iterator[Problem]:
    """Individuals whose names differ by spaces, signs that nobody sees, or large and small letters."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in catalogue.individuals:
        visible = "".join(sign for sign in name if unicodedata.category(sign) != "Cf")
        alike["".join(unicodedata.normalize("NFKC", visible).casefold().split())].append(name)
    for names in alike.values():
        if len(names) < 2:
            continue
        listed = " and ".join(f"“{name}”" for name in names)
        message = (
            f"{listed} look alike but count as different individuals. Write one name if they are the same."
        )
        for name in names[1:]:
            yield _finding(catalogue.individuals[name][0], ALIKE_NAMES, message, "identity")


def _odd_flanks(photos: Iterable[Photo]) -> Iterator[Problem]:
    for photo in photos:
        if photo.flank and not _FLANK.fullmatch(re.sub(r"[^a-z]", "", photo.flank)):
            message = (
                f"The orientation “{photo.flank[:60]}” is no side of an animal that is known (left, right, front, "
                "...). It counts as a side of its own: candidates of other sides are not proposed."
            )
            yield _finding(photo, ODD_FLANK, message, "orientation")


def _odd_dates(photos: Iterable[Photo]) -> Iterator[Problem]:
    latest = datetime.now() + timedelta(days=2)
    for photo in photos:
        if photo.date is not None and not _FIRST_PHOTO <= photo.date <= latest:
            message = f"The date {photo.date:%Y-%m-%d} cannot be. Correct it, or set the camera's clock."
            yield _finding(photo, ODD_DATE, message, "date")


def _few_pixels(photos: Iterable[Photo]) -> Iterator[Problem]:
    for photo in photos:
        box = photo.box
        if (
            box is not None and min(box.width, box.height) >= _FEWEST_PIXELS
        ):  # the reader has cut it to the picture
            continue
        try:
            width, height = photo_size(photo)
        except PhotoError:
            continue
        if min(width, height) < _FEWEST_PIXELS:
            message = f"The animal has only {width} × {height} pixels: little can be told from it."
            yield _finding(photo, SMALL, message)
