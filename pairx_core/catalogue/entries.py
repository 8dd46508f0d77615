"""What every reader of catalogues has in common: from what is written about a photo to the checked photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from pairx_core.catalogue.locating import FoundPicture, find_pictures
from pairx_core.catalogue.masks import is_segmentation, usable_mask
from pairx_core.catalogue.photo import Box, Mask, Photo
from pairx_core.catalogue.pictures import UnusablePicture
from pairx_core.catalogue.problems import ProblemList
from pairx_core.catalogue.progress import ReadingProgress, counted, silently
from pairx_core.catalogue.turning import reaches_too_far

WITHOUT_BOXES = "individuals without boxes"
_OUTSIDE, _BEYOND = "box outside the picture", "box beyond the picture"
_MOST_OF_ONE_CELL = 60  # characters that a message quotes


@dataclass(frozen=True, slots=True)
class MaskCell:
    """What a catalogue says about the mask, before it has been looked at."""

    column: str
    written: str  # a path or a segmentation


@dataclass(frozen=True, slots=True)
class Entry:
    """What a catalogue says about one photo, before the photo's file has been looked at."""

    row: int  # of the table, or place in the list of annotations, from 1
    id: str
    written: str  # the path as the catalogue has it
    identity: str | None = None
    box: Box | None = None
    box_in_shares: bool = False  # the box is in shares of the picture's width and height, not in pixels
    date: datetime | None = None
    flank: str | None = None
    species: str | None = None
    site: str | None = None
    place: tuple[float, float] | None = None  # latitude, longitude, degrees
    mask: MaskCell | None = None
    stated_size: tuple[int, int] | None = (
        None  # (width, height) of the whole picture, as the catalogue has it
    )


@dataclass(frozen=True, slots=True)
class FieldNames:
    """What a format calls its fields, for messages."""

    id: str = "image_id"
    path: str = "path"
    box: str = "bbox"


def checked_photos(
    folder: Path,
    entries: Sequence[Entry],
    names: FieldNames,
    problems: ProblemList,
    tell: ReadingProgress = silently,
) -> list[Photo]:
    """The photos of a catalogue in ``folder`` that can be used; what is wrong with others goes to ``problems``.

    Of several entries with one id the first is taken. A picture that several of them name as a whole, each with
    another individual, is one photo of nobody known: it would teach the wrong thing about each. Headers of pictures are
    read, no pixels.
    """
    unique = _one_for_each_whole(_without_repetitions(entries, names, problems), names, problems)
    found = find_pictures(folder, [entry.written for entry in unique], tell)
    masks = _find_mask_pictures(folder, unique)
    paired = counted(zip(unique, found, strict=True), "Checking the boxes", len(unique), tell)
    photos = (_photo(entry, picture, masks, names, problems) for entry, picture in paired)
    return [photo for photo in photos if photo is not None]


def id_from_path(written: str) -> str:
    """A photo's name where it has no id: its path without the ending, folders separated by /."""
    return str(PurePosixPath(written.replace("\\", "/")).with_suffix(""))


def shortened(text: str) -> str:
    """A cell's text as a message quotes it."""
    return text if len(text) <= _MOST_OF_ONE_CELL else text[: _MOST_OF_ONE_CELL - 1] + "…"


def _without_repetitions(entries: Sequence[Entry], names: FieldNames, problems: ProblemList) -> list[Entry]:
    first: dict[str, Entry] = {}
    for entry in entries:
        if entry.id in first:
            problems.left_out(
                f"The {names.id} “{shortened(entry.id)}” is already used in {problems.unit} {first[entry.id].row}. "
                f"Give each {problems.unit} its own {names.id}.",
                kind=f"{names.id} used twice",
                row=entry.row,
                of=entry,
                column=names.id,
            )
        else:
            first[entry.id] = entry
    return list(first.values())


def _one_for_each_whole(entries: Sequence[Entry], names: FieldNames, problems: ProblemList) -> list[Entry]:
    """The entries, with one of nobody known for those of several animals that have no box but share a picture."""
    whole: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.box is None:
            whole.setdefault(entry.written, []).append(entry)
    kept: dict[int, Entry | None] = {}
    for together in whole.values():
        identities = {one.identity for one in together}
        if len(identities) < 2:
            continue
        kept |= dict.fromkeys(map(id, together))
        kept[id(together[0])] = replace(together[0], identity=None)
        _note_whole(together, names, problems)
    found = (kept.get(id(entry), entry) for entry in entries)
    return [entry for entry in found if entry is not None]


def _note_whole(together: Sequence[Entry], names: FieldNames, problems: ProblemList) -> None:
    first, *others = together
    listed = ", ".join(
        f"“{shortened(one.identity)}”" if one.identity else "nobody known" for one in together[:5]
    )
    problems.note(
        f"“{shortened(first.written)}” is said to be of {listed}, and it is not known who is where. The whole picture "
        f"is used as one photo of nobody known; give each individual a box ({names.box}).",
        kind=WITHOUT_BOXES,
        row=first.row,
        column=names.box,
        of=first,
    )
    for one in others:
        problems.left_out(
            f"“{shortened(one.written)}” is used as a whole in {problems.unit} {first.row} already. Give each "
            f"individual a box ({names.box}).",
            kind=WITHOUT_BOXES,
            row=one.row,
            column=names.box,
            of=one,
        )


def _find_mask_pictures(folder: Path, entries: Sequence[Entry]) -> dict[str, FoundPicture | UnusablePicture]:
    """The mask pictures that the entries name, by their paths as written."""
    cells = (entry.mask for entry in entries if entry.mask is not None)
    paths = list(dict.fromkeys(cell.written for cell in cells if not is_segmentation(cell.written)))
    return dict(zip(paths, find_pictures(folder, paths), strict=True))


def _photo(
    entry: Entry,
    found: FoundPicture | UnusablePicture,
    masks: Mapping[str, FoundPicture | UnusablePicture],
    names: FieldNames,
    problems: ProblemList,
) -> Photo | None:
    written = shortened(entry.written)
    if isinstance(found, UnusablePicture):
        problems.left_out(f"“{written}” {found}", kind=found.kind, row=entry.row, column=names.path, of=entry)
        return None
    try:
        box = _box_within(entry, found.header.size, names, problems)
    except ValueError as wrong:
        problems.left_out(str(wrong), kind=_OUTSIDE, row=entry.row, column=names.box, of=entry)
        return None
    _note_size(entry, found.header.size, names, problems)
    for note in found.header.notes:
        problems.note(
            f"“{written}” {note}", kind="colours or orientation", row=entry.row, column=names.path, of=entry
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
        row=entry.row,
    )


def _note_size(entry: Entry, size: tuple[int, int], names: FieldNames, problems: ProblemList) -> None:
    """A box or an outline was drawn in the picture that the catalogue knows."""
    stated = entry.stated_size
    if stated is None or stated == size or (entry.box is None and entry.mask is None):
        return
    turned = " once it is turned upright" if stated == (size[1], size[0]) else ""
    problems.note(
        f"“{shortened(entry.written)}” is {size[0]} × {size[1]} pixels{turned}, "
        f"but the catalogue says {stated[0]} × {stated[1]}: the {names.box} may not fit. Look at the photo with its "
        "box, and export the catalogue again for the picture as it is.",
        kind="size of the picture",
        row=entry.row,
        of=entry,
        column="width, height",
    )


def _box_within(entry: Entry, size: tuple[int, int], names: FieldNames, problems: ProblemList) -> Box | None:
    """The box in pixels of a picture of this (width, height), noted where it reaches beyond.

    An upright box is clipped there; a turned one keeps its corners, which lie outside as a matter of course.

    Raises:
        ValueError: the box lies wholly outside, or is turned and many times larger than the picture.
    """
    if entry.box is None:
        return None
    box = _in_pixels(entry.box, size) if entry.box_in_shares else entry.box
    clipped = _clipped(box, size)
    if clipped is None:
        raise ValueError(
            f"The {names.box} lies outside “{shortened(entry.written)}”, which is {size[0]} × {size[1]} pixels. "
            f"Correct it: {_UNIT[entry.box_in_shares]} of the upright photo."
        )
    if box.theta:
        if reaches_too_far(box, size):
            raise ValueError(
                f"The turned {names.box} is {box.width:g} × {box.height:g} pixels, far more than "
                f"“{shortened(entry.written)}” ({size[0]} × {size[1]} pixels). Correct it: "
                f"{_UNIT[entry.box_in_shares]} of the upright photo, and theta in radians."
            )
        return box
    cut_off = (clipped.x - box.x, clipped.y - box.y, _beyond(box, clipped))
    if max(cut_off) > 1:
        problems.note(
            f"The {names.box} reaches beyond “{shortened(entry.written)}” ({size[0]} × {size[1]} pixels) and is "
            "cut off there.",
            kind=_BEYOND,
            row=entry.row,
            of=entry,
            column=names.box,
        )
    return clipped


_UNIT = {False: "[x, y, width, height] in pixels", True: "x, y, width and height in shares (0 to 1)"}


def _in_pixels(box: Box, size: tuple[int, int]) -> Box:
    width, height = size
    return Box(box.x * width, box.y * height, box.width * width, box.height * height, box.theta)


def _clipped(box: Box, size: tuple[int, int]) -> Box | None:
    """The part of the (upright) box within the picture; None where there is none."""
    left, top, right, bottom = box.around()
    left, top = max(0.0, left), max(0.0, top)
    right, bottom = min(float(size[0]), right), min(float(size[1]), bottom)
    return None if left >= right or top >= bottom else Box(left, top, right - left, bottom - top)


def _beyond(box: Box, clipped: Box) -> float:
    """How far the box reaches beyond the right or lower side, in pixels."""
    return max(box.x + box.width - clipped.x - clipped.width, box.y + box.height - clipped.y - clipped.height)


def _mask(
    entry: Entry,
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
            f"“{shortened(cell.written)}” {reason} The photo is used without a mask.",
            kind="mask",
            row=entry.row,
            of=entry,
            column=cell.column,
        )
        return None
