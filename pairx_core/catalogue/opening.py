"""From a :class:`Photo` to pixels, its size and its fingerprint."""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache
from pathlib import Path

from PIL import Image

from pairx_core.catalogue.photo import Box, Photo
from pairx_core.catalogue.pictures import UnusablePicture, decode, file_signature, read_header
from pairx_core.errors import PhotoError


def open_photo(photo: Photo) -> Image.Image:
    """The photo as the reviewer and the model see it: upright, cropped to its box, 8-bit RGB.

    The box is rounded outward to whole pixels and clipped to the picture. Safe to call from several threads.

    Raises:
        PhotoError: the file is missing, empty, cut short, damaged, too large, animated or not a picture,
            or the box lies outside it.
    """
    try:
        picture = decode(photo.path)
        return picture if photo.box is None else picture.crop(_pixels(photo.box, picture.size))
    except UnusablePicture as reason:
        raise PhotoError(f"{photo.path} {reason}") from reason


def photo_size(photo: Photo) -> tuple[int, int]:
    """(width, height) in pixels of what :func:`open_photo` returns, from the file's header only.

    Raises:
        PhotoError: as for :func:`open_photo`, as far as the header shows it.
    """
    try:
        size = read_header(photo.path).size
        if photo.box is None:
            return size
        left, top, right, bottom = _pixels(photo.box, size)
    except UnusablePicture as reason:
        raise PhotoError(f"{photo.path} {reason}") from reason
    return right - left, bottom - top


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
    file = Path(path).expanduser()
    photo = Photo(id=file.stem, path=file.absolute(), box=box, catalogue_path=str(path))
    photo_size(photo)
    return photo


def thumbnail(photo: Photo, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A small copy of the photo, at its own aspect, that fits into ``size`` (width, height in pixels).

    Raises:
        PhotoError: as for :func:`open_photo`.
    """
    small = open_photo(photo)
    small.thumbnail(size, Image.Resampling.LANCZOS)
    return small


def _pixels(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the box in whole pixels of a picture of this (width, height)."""
    left, top = max(0, math.floor(box.x)), max(0, math.floor(box.y))
    right, bottom = min(size[0], math.ceil(box.x + box.width)), min(size[1], math.ceil(box.y + box.height))
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
