"""Catalogues as COCO files: plain ones, and as WildMe writes them with viewpoint, theta and name.

The format is described at https://cocodataset.org/#format-data. WildMe's files join images and annotations on
``uuid`` and ``image_uuid`` as well, say who is on a photo in ``name`` or ``individual_ids`` (``____``: unknown), and
how far a box is turned in ``theta`` (radians, or the text "none").
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.cells import box_of, date_or_note, known_value, parse_theta, place_or_note
from pairx_core.catalogue.dates import day_order
from pairx_core.catalogue.entries import Entry, FieldNames, MaskCell, checked_photos, id_from_path, shortened
from pairx_core.catalogue.json_files import Object, objects, read_json, text_of
from pairx_core.catalogue.locating import is_address, locate
from pairx_core.catalogue.photo import Box
from pairx_core.catalogue.pictures import UnusablePicture
from pairx_core.catalogue.problems import ProblemList
from pairx_core.catalogue.progress import ReadingProgress, silently
from pairx_core.errors import CatalogueError

_NAMES = FieldNames(id="id", path="file_name", box="bbox")
_LOOKED_FOR = 50  # files, to find the folder that they lie in
_NOT_AN_OBJECT = "This is not an object ({...}). Export the file again."


def is_coco(content: Object) -> bool:
    """Whether a JSON object looks like a COCO file."""
    return isinstance(content.get("images"), list)


def read_coco_catalogue(path: Path, tell: ReadingProgress = silently) -> Catalogue:
    """Read a COCO file; see :func:`pairx_core.catalogue.read_catalogue`."""
    content = read_json(path)
    if not is_coco(content):
        keys = ", ".join(f"“{shortened(key)}”" for key in list(content)[:12])
        raise CatalogueError(
            f"{path} is not a COCO file: it has no list “images”. It has: {keys or 'nothing'}."
        )
    problems = ProblemList(path.name, "annotation" if content.get("annotations") else "image")
    entries = list(_Reader(path, content, problems).entries())
    folder = _folder_of(path, [entry.written for entry in entries[:_LOOKED_FOR]])
    if folder != path.parent:
        problems.note(f"The photos are looked for in {folder}.", kind="folder")
    photos = checked_photos(folder, entries, _NAMES, problems, tell)
    return Catalogue.checked(path, photos, problems.in_order())


class _Reader:
    """Joins the annotations of one file with its images."""

    def __init__(self, path: Path, content: Object, problems: ProblemList) -> None:
        self._problems = problems
        self._annotations = objects(path, content, "annotations")
        self._images = objects(path, content, "images")
        categories = [one for one in objects(path, content, "categories") if isinstance(one, dict)]
        self._species = {text_of(one.get("id")): _first(one, "name", "species") for one in categories}
        dates = (_first(one, "date_captured", "date") for one in self._images if isinstance(one, dict))
        self._order = day_order(dates)

    def entries(self) -> Iterator[Entry]:
        """What can be used, in the file's order; an image is a photo of its own where nothing is annotated."""
        pairs = self._annotated() if self._annotations else self._bare()
        for number, annotation, image in pairs:
            entry = self._entry(number, annotation, image)
            if entry is not None:
                yield entry

    def _bare(self) -> Iterator[tuple[int, Object, Object]]:
        for number, image in enumerate(self._images, start=1):
            if isinstance(image, dict):
                yield number, {}, image
            else:
                self._problems.left_out(_NOT_AN_OBJECT, row=number)

    def _annotated(self) -> Iterator[tuple[int, Object, Object]]:
        """(place in the list from 1, annotation, its image)."""
        by_key: dict[str, Object] = {}
        for image in self._images:
            if isinstance(image, dict):
                for key in _keys(image, "id", "uuid"):
                    by_key.setdefault(key, image)
        used = set()
        for number, annotation in enumerate(self._annotations, start=1):
            if not isinstance(annotation, dict):
                self._problems.left_out(_NOT_AN_OBJECT, row=number)
                continue
            keys = _keys(annotation, "image_id", "image_uuid")
            found = next((by_key[key] for key in reversed(keys) if key in by_key), None)
            if found is None:
                self._no_image(annotation, number)
                continue
            used.add(id(found))
            yield number, annotation, found
        if bare := len({id(image) for image in by_key.values()}) - len(used):
            self._problems.note(f"{bare:,} images have no annotation and are not used.", kind="bare images")

    def _entry(self, number: int, annotation: Object, image: Object) -> Entry | None:
        written = self._file(image, number)
        if not written:
            return None
        try:
            box = self._box(annotation, number)
        except (ValueError, OverflowError):
            self._problems.left_out(
                f"The bbox “{shortened(json.dumps(annotation.get('bbox')))}” is not [x, y, width, height] in pixels "
                "with a size above zero. Correct it, or remove it to use the whole picture.",
                row=number,
                column="bbox",
            )
            return None
        return Entry(
            row=number,
            id=_first(annotation or image, "id", "uuid") or f"{id_from_path(written)}#{number}",
            written=written,
            identity=_identity(annotation),
            box=box,
            date=date_or_note(
                _first(image, "date_captured", "date") or _first(annotation, "date"),
                self._order,
                self._problems,
                row=number,
                column="date_captured",
            ),
            flank=(known_value(_first(annotation, "viewpoint", "orientation")) or "").lower() or None,
            species=known_value(
                _first(annotation, "species") or self._species.get(text_of(annotation.get("category_id")), "")
            ),
            site=known_value(_first(annotation, "site") or _first(image, "site", "location", "station")),
            place=self._place(image, number),
            mask=_mask(annotation),
            stated_size=_size(image),
        )

    def _file(self, image: Object, number: int) -> str:
        """The path of an image's file; empty, and a problem, where there is none."""
        written = _first(image, "file_name", "path", "file_path")
        if not written:
            address = _first(image, "coco_url", "flickr_url", "uri")
            self._problems.left_out(
                f"The image has no file_name{f', only the address “{shortened(address)}”' if address else ''}. "
                "Download it if need be, and write the path of its file there.",
                row=number,
                column="file_name",
            )
        elif is_address(written):
            self._problems.left_out(
                f"“{shortened(written)}” is an address. Download the file, and write its path as file_name.",
                row=number,
                column="file_name",
            )
            return ""
        return written

    def _box(self, annotation: Object, number: int) -> Box | None:
        bbox = annotation.get("bbox")
        if bbox is None or bbox == []:
            return None
        if not isinstance(bbox, list) or len(bbox) != 4:
            raise ValueError("not four numbers")
        return box_of([text_of(side) for side in bbox], self._theta(annotation, number))

    def _theta(self, annotation: Object, number: int) -> float:
        written = text_of(annotation.get("theta"))
        try:
            return parse_theta(written)
        except (ValueError, OverflowError):
            self._problems.note(
                f"theta “{shortened(written)}” is not a number of radians; the box is taken as upright.",
                kind="theta",
                row=number,
                column="theta",
            )
            return 0.0

    def _place(self, image: Object, number: int) -> tuple[float, float] | None:
        return place_or_note(
            _first(image, "gps_lat_captured", "latitude", "lat") or None,
            _first(image, "gps_lon_captured", "longitude", "lon") or None,
            self._problems,
            row=number,
            column="gps_lat_captured",
        )

    def _no_image(self, annotation: Object, number: int) -> None:
        named = _first(annotation, "image_id", "image_uuid")
        self._problems.left_out(
            f"No image has the id “{shortened(named)}”. Add it to “images”, or remove the annotation."
            if named
            else "There is no image_id. Write the id of the annotation's image there.",
            row=number,
            column="image_id",
        )


def _first(fields: Object, *names: str) -> str:
    """The first of some fields with anything in it, as text."""
    return next((text for name in names if (text := text_of(fields.get(name)))), "")


def _keys(fields: Object, *names: str) -> list[str]:
    """What an image is known by: ids and uuids are told apart."""
    return [f"{at} {text}" for at, name in enumerate(names) if (text := text_of(fields.get(name)))]


def _identity(annotation: Object) -> str | None:
    individuals = annotation.get("individual_ids")
    listed = individuals if isinstance(individuals, list) else [individuals]
    named = [annotation.get("name"), annotation.get("identity"), *listed, annotation.get("individual_uuid")]
    return next((name for one in named if (name := known_value(text_of(one))) is not None), None)


def _mask(annotation: Object) -> MaskCell | None:
    outline = annotation.get("segmentation")
    return (
        MaskCell("segmentation", json.dumps(outline))
        if isinstance(outline, list | dict) and outline
        else None
    )


def _size(image: Object) -> tuple[int, int] | None:
    """The (width, height) that the file states; None where it does not."""
    sides = []
    for name in ("width", "height"):
        side = image.get(name)
        if isinstance(side, bool) or not isinstance(side, int | float) or not math.isfinite(side) or side < 1:
            return None
        sides.append(int(side))
    return sides[0], sides[1]


def _folder_of(path: Path, written: Sequence[str]) -> Path:
    """The folder that the photos lie in: the file's own, or “images” there, or beside “annotations”."""
    home = path.parent
    roots = [home / "images"]
    if home.name.casefold() in ("annotations", "annotation"):
        roots.append(home.parent / "images")
        roots.append(home.parent)
    folders = [home, *(folder for root in roots for folder in (root, *_folders_in(root)))]
    return next((folder for folder in folders if _holds_any(folder, written)), home)


def _folders_in(root: Path) -> list[Path]:
    try:
        return sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError:
        return []


def _holds_any(folder: Path, written: Sequence[str]) -> bool:
    root = folder.resolve()
    for one in written:
        try:
            if locate(root, one).is_file():
                return True
        except (UnusablePicture, OSError):
            continue
    return False
