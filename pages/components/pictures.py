"""Photos as the browser gets them: upright JPEGs of the animal and a little around it, made once and kept a while."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from dataclasses import dataclass

from PIL import Image

from pairx_core.catalogue import Photo, open_surroundings, photo_digest
from pairx_core.errors import PhotoError

PREVIEW = 1600  # pixels of the longer side: sharp in a pane until one zooms in
_SHARP = 8192  # of a picture at full resolution; larger ones are reduced, and said to be
_MARGIN = 0.2  # of the box's longer side, shown around it
_KEPT_BYTES = 96 << 20


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo, encoded."""

    jpeg: bytes
    photo_size: tuple[int, int]  # (width, height) of the cropped photo, pixels
    extent: tuple[
        int, int, int, int
    ]  # left, top, right, bottom of the picture, in pixels of the cropped photo
    scale: float  # pixels of the picture for one of the photo; 1: full resolution

    @property
    def is_full(self) -> bool:
        """Whether the photo has no more to show."""
        return self.scale >= 1


class Pictures:
    """The last pictures that were asked for. Safe to use from several threads."""

    def __init__(self, limit: int = _KEPT_BYTES) -> None:
        self._limit = limit  # bytes
        self._kept: OrderedDict[tuple[str, int], Picture] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def preview(self, photo: Photo) -> Picture:
        """A photo for the first look.

        Raises:
            PhotoError: it cannot be read.
        """
        return self._get(photo, PREVIEW)

    def sharp(self, photo: Photo) -> Picture:
        """A photo at its full resolution, or as near to it as a browser bears.

        Raises:
            PhotoError: it cannot be read.
        """
        return self._get(photo, _SHARP)

    def made(self, photo: Photo) -> Picture | None:
        """The preview, if it is there already; None where it is not, or the file cannot be read any more."""
        try:
            key = _key(photo, PREVIEW)
        except PhotoError:
            return None
        with self._lock:
            return self._kept.get(key)

    def _get(self, photo: Photo, longest: int) -> Picture:
        key = _key(photo, longest)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        picture = _encoded(photo, longest)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = picture
                self._bytes += len(picture.jpeg)
            while self._bytes > self._limit and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped.jpeg)
        return picture


def photo_key(photo: Photo) -> str:
    """What the pixels of a photo depend on.

    Raises:
        PhotoError: the file cannot be read.
    """
    return f"{photo_digest(photo)} {photo.box}"


def _key(photo: Photo, longest: int) -> tuple[str, int]:
    return photo_key(photo), longest


def _encoded(photo: Photo, longest: int) -> Picture:
    seen = open_surroundings(photo, _MARGIN)
    picture = seen.picture
    scale = min(1.0, longest / max(picture.size))
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Picture(_jpeg(picture), seen.photo_size, seen.extent, scale)


def _jpeg(picture: Image.Image) -> bytes:
    """Encoded without halving the colors: thin marks stay sharp."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88, subsampling=0)
    return buffer.getvalue()
