"""A photo as a field pack holds it: the animal and a little around it, upright, reduced where it is large.

Sides of the animal's box fall on whole pixels of the copy, so that a place on the one is the same place on the other,
times the ratio of the boxes' sides.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from pairx_core.catalogue import Photo, open_mask, open_surroundings
from pairx_core.errors import PhotoError

MARGIN = 0.2  # of the box's longer side, shown around it; as the viewer shows it
THUMBNAIL = (192, 144)  # pixels, width and height at most; as galleries show it
_LONGEST_NAME = 80  # characters of a file's name
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE
)  # names that Windows keeps for itself
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


@dataclass(frozen=True, slots=True, eq=False)
class PhotoCopy:
    """A photo's files, ready to be written, and where the animal is on it."""

    picture: bytes  # JPEG
    thumbnail: bytes  # JPEG, of the animal alone
    mask: bytes | None  # PNG of the size of the picture; None: the photo has none that can be used
    box: tuple[int, int, int, int] | None  # x, y, width, height, pixels of the picture; None: all of it
    photo_size: tuple[int, int]  # (width, height) of the photo cropped to its box, as it was
    note: str = ""  # what of the photo could not be taken along


def copy_photo(longest_side: int, photo: Photo) -> PhotoCopy:
    """Read a photo and make its files.

    Args:
        longest_side: of the picture, pixels; a smaller one is not enlarged.
        photo: the photo.

    Raises:
        PhotoError: it cannot be read.
    """
    seen = open_surroundings(photo, MARGIN)
    placed = _Placed.of(seen.photo_size, seen.extent, longest_side)
    picture = placed.reduced(seen.picture)
    small = picture.crop(placed.inner)
    small.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    mask, note = _mask(photo, placed)
    left, top, right, bottom = placed.inner
    return PhotoCopy(
        picture=_jpeg(picture),
        thumbnail=_jpeg(small),
        mask=mask,
        box=None if photo.box is None else (left, top, right - left, bottom - top),
        photo_size=seen.photo_size,
        note=note,
    )


def names_in_pack(number: int, photo: Photo) -> Mapping[str, str]:
    """The paths of a photo's files below the pack's folder, by what they are.

    The picture keeps its name, which is what reviewers know it by, in a folder of its own: names need not be unique,
    nor such that every system can hold them.
    """
    written = photo.catalogue_path.replace("\\", "/") or photo.path.name
    stem = _NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", PurePosixPath(written).stem))
    stem = stem.encode("utf-8", "replace").decode()
    while len(stem.encode()) > _LONGEST_NAME:
        stem = stem[:-1]
    stem = stem.strip(" .") or "photo"
    if _RESERVED.match(stem):
        stem = f"_{stem}"
    folder = f"photos/{number:05d}"
    return {
        "file": f"{folder}/{stem}.jpg",
        "thumbnail": f"{folder}/small/{stem}.jpg",
        "mask": f"{folder}/mask/{stem}.png",
    }


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where the animal's box lies in the picture as it was read, and in its copy."""

    size: tuple[int, int]  # (width, height) of the copy
    inner: tuple[int, int, int, int]  # left, top, right, bottom of the box in the copy
    source: tuple[float, float, float, float]  # what part of the picture the copy shows

    @classmethod
    def of(cls, box: tuple[int, int], extent: tuple[int, int, int, int], longest_side: int) -> _Placed:
        """Take the box's (width, height), and the picture's extent in pixels of the box."""
        scale = min(1.0, longest_side / max(extent[2] - extent[0], extent[3] - extent[1]))
        spans = [_span(box[at], extent[at], extent[at + 2], scale) for at in (0, 1)]
        (left, right, width, x_from, x_to), (top, bottom, height, y_from, y_to) = spans
        return cls((width, height), (left, top, right, bottom), (x_from, y_from, x_to, y_to))

    def reduced(self, picture: Image.Image) -> Image.Image:
        if picture.size == self.size and self.source == (0, 0, *picture.size):
            return picture
        return picture.resize(self.size, Image.Resampling.LANCZOS, box=self.source)


def _span(side: int, start: int, end: int, scale: float) -> tuple[int, int, int, float, float]:
    """One axis: where the box begins and ends in the copy, how long the copy is, and what it shows of the picture.

    Args:
        side: of the box, pixels.
        start: where the picture begins, seen from the box; not above 0.
        end: where it ends; not below ``side``.
        scale: pixels of the copy for one of the picture, about.
    """
    inner = max(1, int(side * scale))  # not rounded up: the copy would be too long
    exact = inner / side
    before, after = int(-start * exact), int((end - side) * exact)
    shown_from = max(0.0, -start - before / exact)
    shown_to = min(float(end - start), -start + side + after / exact)
    return before, before + inner, before + inner + after, shown_from, shown_to


def _mask(photo: Photo, placed: _Placed) -> tuple[bytes | None, str]:
    """The mask's file, and what is wrong with it."""
    try:
        mask = open_mask(photo)
    except PhotoError as error:
        return None, str(error)
    if mask is None:
        return None, ""
    left, top, right, bottom = placed.inner
    inner = Image.fromarray(mask.astype(np.uint8) * 255).resize(
        (right - left, bottom - top), Image.Resampling.BOX
    )
    whole = Image.new("L", placed.size)
    whole.paste(inner.point([0] * 128 + [255] * 128), (left, top))
    buffer = io.BytesIO()
    whole.convert("1").save(buffer, "PNG", optimize=True)
    return buffer.getvalue(), ""


def _jpeg(picture: Image.Image) -> bytes:
    """As the viewer gets it: encoded without halving the colors, so that thin marks stay sharp."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88, subsampling=0, optimize=True)
    return buffer.getvalue()
