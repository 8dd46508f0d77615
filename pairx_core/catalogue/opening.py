"""From a :class:`Photo` to pixels, its size and its fingerprint."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image

from pairx_core.catalogue.photo import Box, Photo
from pairx_core.catalogue.pictures import UnusablePicture, decode, file_signature, read_header
from pairx_core.catalogue.turning import crop_turned, reaches_too_far, turned_size
from pairx_core.errors import PhotoError
from pairx_core.paths import tidy_path


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """A photo with some of what lies around its box."""

    picture: Image.Image  # upright, 8-bit RGB
    photo_size: tuple[int, int]  # (width, height) of the photo within, cropped to its box, pixels
    # left, top, right, bottom of the picture, in pixels of the cropped photo (negative: outside the box)
    extent: tuple[int, int, int, int]


def open_photo(photo: Photo) -> Image.Image:
    """The photo as the reviewer and the model see it: upright, cropped to its box, 8-bit RGB.

    A turned box is turned upright, with neutral grey where it leaves the picture. An upright box is rounded
    outward to whole pixels and clipped to the picture. Safe to call from several threads.

    Raises:
        PhotoError: the file is missing, empty, cut short, damaged, too large, animated or not a picture,
            or the box lies outside it.
    """
    try:
        picture = decode(photo.path)
        if photo.box is None:
            return picture
        inner = _pixels(photo.box, picture.size)
        return crop_turned(picture, photo.box) if photo.box.theta else picture.crop(inner)
    except UnusablePicture as reason:
        raise PhotoError(f"{photo.path} {reason}") from reason


def open_surroundings(photo: Photo, margin: float) -> Surroundings:
    """The photo with up to ``margin`` times the longer side of its box around it, as far as the picture goes.

    A photo without a box is the whole picture.

    Raises:
        PhotoError: as for :func:`open_photo`.
    """
    try:
        picture = decode(photo.path)
        inner = (0, 0, *picture.size) if photo.box is None else _pixels(photo.box, picture.size)
    except UnusablePicture as reason:
        raise PhotoError(f"{photo.path} {reason}") from reason
    if photo.box is not None and photo.box.theta:
        return _turned_surroundings(picture, photo.box, margin)
    left, top, right, bottom = inner
    width, height = right - left, bottom - top
    around = round(margin * max(width, height))
    outer = (
        max(0, left - around),
        max(0, top - around),
        min(picture.width, right + around),
        min(picture.height, bottom + around),
    )
    extent = (outer[0] - left, outer[1] - top, outer[2] - left, outer[3] - top)
    seen = picture if outer == (0, 0, *picture.size) else picture.crop(outer)
    return Surroundings(seen, (width, height), extent)


def photo_size(photo: Photo) -> tuple[int, int]:
    """(width, height) in pixels of what :func:`open_photo` returns, from the file's header only.

    Raises:
        PhotoError: as for :func:`open_photo`, as far as the header shows it.
    """
    left, top, right, bottom = photo_extent(photo)
    if photo.box is not None and photo.box.theta:
        return turned_size(photo.box)
    return right - left, bottom - top


def photo_extent(photo: Photo) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of what :func:`open_photo` returns, in pixels of the whole upright photo.

    For a turned box, the upright rectangle around it, as far as the photo goes.

    Raises:
        PhotoError: as for :func:`photo_size`.
    """
    try:
        size = read_header(photo.path).size
        return (0, 0, *size) if photo.box is None else _pixels(photo.box, size)
    except UnusablePicture as reason:
        raise PhotoError(f"{photo.path} {reason}") from reason


def photo_digest(photo: Photo) -> str:
    """SHA-256 (hex) of the file's bytes; computed again only when the file's size or time changes.

    Raises:
        PhotoError: the file is missing or cannot be read.
    """
    try:
        return _digest(photo.path, *file_signature(photo.path))
    except UnusablePicture as reason:
        raise PhotoError(f"{photo.path} {reason}") from reason
    except OSError as error:
        raise PhotoError(
            f"{photo.path} cannot be read ({error.strerror}). Check the disk and permissions."
        ) from error


def photo_from_file(path: str | Path, box: Box | None = None) -> Photo:
    """A photo of its own, outside any catalogue; its id is the file's name without the ending.

    Raises:
        PhotoError: the file is missing, empty, too large, animated or not a picture, or the box lies
            outside it.
    """
    file = tidy_path(path, PhotoError)
    photo = Photo(id=file.stem, path=file.absolute(), box=box, catalogue_path=str(path))
    photo_size(photo)
    return photo


def thumbnail(photo: Photo, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A small copy of the photo, at its own aspect, that fits into ``size`` (width, height in pixels).

    Raises:
        PhotoError: as for :func:`open_photo`.
    """
    small = _made_before(photo, size) or open_photo(photo)
    small.thumbnail(size, Image.Resampling.LANCZOS)
    return small


def _made_before(photo: Photo, size: tuple[int, int]) -> Image.Image | None:
    """The small copy that came with the photo; None where there is none that can be read and is large enough."""
    if photo.thumbnail is None:
        return None
    try:
        small = decode(photo.thumbnail)
    except UnusablePicture:  # the photo itself will do
        return None
    return small if small.width >= size[0] or small.height >= size[1] else None


def _turned_surroundings(picture: Image.Image, box: Box, margin: float) -> Surroundings:
    width, height = turned_size(box)
    around = round(margin * max(width, height))
    extent = (-around, -around, width + around, height + around)
    return Surroundings(crop_turned(picture, box, around), (width, height), extent)


def _pixels(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the box in whole pixels of a picture of this (width, height)."""
    if box.theta and reaches_too_far(box, size):
        raise UnusablePicture(
            f"is {size[0]} × {size[1]} pixels, and the turned box (width {box.width:g}, height {box.height:g}) is many "
            "times larger. Correct the box: pixels of the upright photo."
        )
    exact = box.around()
    left, top = max(0, math.floor(exact[0])), max(0, math.floor(exact[1]))
    right, bottom = min(size[0], math.ceil(exact[2])), min(size[1], math.ceil(exact[3]))
    if left >= right or top >= bottom:
        raise UnusablePicture(
            f"is {size[0]} × {size[1]} pixels, and the box (x {box.x:g}, y {box.y:g}, width {box.width:g}, "
            f"height {box.height:g}) lies outside it. Correct the box: pixels of the upright photo."
        )
    return left, top, right, bottom


@lru_cache(maxsize=65_536)
def _digest(path: Path, size: int, modified: int) -> str:
    del size, modified  # part of the cache's key: a changed file is read again
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
