"""Picture files: what their headers say, and safe decoding to upright RGB.

Pillow's format classes are used directly instead of ``Image.open``. This keeps the formats to a short list,
takes the first picture of a phone's multi-picture JPEG, and leaves Pillow's process-wide limits and warnings
alone, so that several threads can read pictures at once.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

MAX_PIXELS = 80_000_000  # width × height; larger pictures are refused before they are decoded
PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif"}
)
RAW_SUFFIXES = frozenset(  # some look like a TIFF that holds only a thumbnail
    {".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".kdc", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw",
     ".rw2", ".sr2", ".srw"}
)  # fmt: skip

_READABLE_MODES = frozenset(
    {
        "1",
        "L",
        "LA",
        "La",
        "P",
        "PA",
        "RGB",
        "RGBA",
        "RGBa",
        "RGBX",
        "CMYK",
        "YCbCr",
        "I;16",
        "I;16B",
        "I;16L",
    }
)
_BEHIND_TRANSPARENCY = (128, 128, 128)  # neutral grey: neither a light nor a dark mark on the animal
_TRANSPOSE = {  # EXIF orientation -> what makes the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, TypeError, KeyError)


class UnusablePicture(Exception):
    """Why a picture cannot be used, worded to follow its name: "is empty (0 bytes). Copy it again ..."."""

    kind = "file that cannot be used"


class MissingPicture(UnusablePicture):
    """There is no such file."""

    kind = "missing file"


class OutsidePicture(UnusablePicture):
    """The file lies outside the catalogue's folder."""

    kind = "path outside the folder"


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What is known about a picture without decoding it."""

    size: tuple[int, int]  # (width, height) in pixels, upright
    orientation: int  # EXIF orientation still to be applied to the decoded picture, 1 to 8
    notes: tuple[str, ...]  # what to know about its colours and orientation, worded to follow its name


def read_header(path: Path) -> PictureHeader:
    """The header of a picture file; remembered for as long as the file's size and time stay the same.

    Raises:
        UnusablePicture: missing, empty, not a picture, too large, animated, or of unsupported colours.
    """
    size, modified = file_signature(path)
    if size == 0:
        raise UnusablePicture("is empty (0 bytes). Copy it again from the camera or card.")
    return _read_header(path, size, modified)


def decode(path: Path) -> Image.Image:
    """The whole picture, upright, as 8-bit RGB.

    Raises:
        UnusablePicture: as for :func:`read_header`, and cut short or damaged.
    """
    header = read_header(path)
    with _opened(path) as picture:
        picture.load()
        rgb = _to_rgb(picture)
    turn = _TRANSPOSE.get(header.orientation)
    return rgb if turn is None else rgb.transpose(turn)


def decode_mask(path: Path) -> npt.NDArray[np.bool_]:
    """Which pixels of a mask picture are set, (H, W), upright: neither black nor transparent.

    In a JPEG, brightness is blurred around edges: pixels up to half as bright as the brightest count as black.

    Raises:
        UnusablePicture: as for :func:`decode`.
    """
    header = read_header(path)
    with _opened(path) as picture:
        picture.load()
        is_set = _is_set(picture)
    turn = _TRANSPOSE.get(header.orientation)
    return is_set if turn is None else np.asarray(Image.fromarray(is_set).transpose(turn))


def file_signature(path: Path) -> tuple[int, int]:
    """Size in bytes and time of the last change in nanoseconds.

    Raises:
        UnusablePicture: there is no such file, or it is not a plain file.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise MissingPicture(
            "does not exist. Check the spelling (capital letters count) and that the file was copied."
        ) from None
    except OSError as error:
        raise UnusablePicture(
            f"cannot be reached ({error.strerror}). Check the disk and the permissions."
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise UnusablePicture("is a folder, not a picture. Name the picture file itself.")
    if not stat.S_ISREG(status.st_mode):
        raise UnusablePicture("is not an ordinary file. Name a picture file.")
    return status.st_size, status.st_mtime_ns


def exif_orientation(exif: bytes) -> int | None:
    """The orientation (1 to 8) in a block of EXIF data; 1 where it says nothing, None where it is damaged."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None if tiff else 1
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if tag == 0x0112:
                (value,) = struct.unpack_from(order + ("I" if kind == 4 else "H"), tiff, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return None
    return 1


class _Jpeg(JpegImageFile):
    """A JPEG whose EXIF data are left unread when it is opened: Pillow warns where they are damaged."""

    def _read_dpi_from_exif(self) -> None:
        """The resolution in dots per inch is not needed."""


@lru_cache(maxsize=65_536)
def _read_header(path: Path, size: int, modified: int) -> PictureHeader:
    del size, modified  # part of the cache's key: a changed file is read again
    with _opened(path) as picture:
        _check_usable(picture)
        orientation, notes = _orientation(picture)
        width, height = picture.size
        if orientation >= 5:
            width, height = height, width
        return PictureHeader((width, height), orientation, (*_color_notes(picture), *notes))


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile]:
    """The picture with its header read; Pillow's failures become :class:`UnusablePicture`."""
    if path.suffix.lower() in RAW_SUFFIXES:
        raise UnusablePicture("is a camera's raw file. Export it as JPEG and use that.")
    try:
        with path.open("rb") as file:
            kind = _kind(file.read(16))
            file.seek(0)
            yield kind(file, os.fspath(path))
    except PermissionError as error:
        raise UnusablePicture("may not be read. Ask its owner for permission to read it.") from error
    except _DECODING_ERRORS as error:
        raise UnusablePicture(_damage(error)) from error


def _kind(start: bytes) -> type[ImageFile]:
    """The class that reads pictures with these first 16 bytes."""
    if start.startswith(b"\xff\xd8\xff"):
        return _Jpeg
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImageFile
    if start[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return TiffImageFile
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return WebPImageFile
    if start[:6] in {b"GIF87a", b"GIF89a"}:
        return GifImageFile
    if start.startswith(b"BM"):
        return BmpImageFile
    raise UnusablePicture(
        "is not a picture that can be read (JPEG, PNG, TIFF, WebP, BMP, GIF). Save it as JPEG or PNG."
    )


def _damage(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read from the disk ({error.strerror}). Check the disk, or copy the file again."
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return "is cut short: part of the picture is missing. Copy it again from the camera or card."
    return f"is cut short or damaged ({error}). Copy it again from the camera or card."


def _check_usable(picture: ImageFile) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise UnusablePicture(
            f"has {width * height / 1e6:.0f} megapixels ({width} × {height}); at most "
            f"{MAX_PIXELS // 1_000_000} can be opened. Save a smaller copy and use that."
        )
    if getattr(picture, "is_animated", False):
        raise UnusablePicture(
            "holds more than one picture (animated or several pages). Save one as JPEG or PNG."
        )
    if picture.mode not in _READABLE_MODES:
        raise UnusablePicture(
            f"has colours that cannot be read ({picture.mode}). Save it as an 8-bit sRGB JPEG or PNG."
        )


def _orientation(picture: ImageFile) -> tuple[int, tuple[str, ...]]:
    """The orientation that is still to be applied, and notes about it."""
    if isinstance(picture, TiffImageFile):
        return 1, ()  # Pillow turns a TIFF upright itself when it decodes it
    orientation = exif_orientation(picture.info.get("exif", b""))
    if orientation is None:
        return 1, (
            "has damaged EXIF data, so it is shown as stored. If it lies on its side, turn and save it.",
        )
    return orientation, ()


def _color_notes(picture: ImageFile) -> tuple[str, ...]:
    if picture.mode == "CMYK":
        return (
            "has print colours (CMYK) and is read as RGB, colours approximate; for exact ones save as sRGB.",
        )
    if picture.mode.startswith("I;16") or ";16" in str(picture.tile[:1]):
        return ("has 16 bits a colour and is scaled to 8.",)
    return ()


def _to_rgb(picture: ImageFile) -> Image.Image:
    if picture.mode.startswith("I;16"):
        return _scaled_to_8_bit(picture)
    if picture.has_transparency_data:
        colors = picture.convert("RGBA")
        behind = Image.new("RGBA", colors.size, _BEHIND_TRANSPARENCY)
        return Image.alpha_composite(behind, colors).convert("RGB")
    return picture.convert("RGB")


def _is_set(picture: ImageFile) -> npt.NDArray[np.bool_]:
    if picture.mode.startswith("I;16"):
        return np.asarray(np.asarray(picture) > 0)  # labels such as 1 would vanish when scaled to 8 bits
    colors = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    values = np.asarray(colors)
    brightest = values[..., :3].max(axis=2)
    least = int(brightest.max()) // 2 if isinstance(picture, JpegImageFile) else 0
    is_set = brightest > least
    return np.asarray(is_set & (values[..., 3] > 0) if values.shape[2] == 4 else is_set)


def _scaled_to_8_bit(picture: ImageFile) -> Image.Image:
    """A 16-bit grey picture in RGB: black stays 0, the largest value that can be stored becomes 255."""
    white = 4095 if _stores_12_bits(picture) else 65535
    values = np.asarray(picture).astype(np.uint32)
    scaled = np.minimum((values * 255 + white // 2) // white, 255).astype(np.uint8)
    return Image.fromarray(scaled).convert("RGB")


def _stores_12_bits(picture: ImageFile) -> bool:
    return isinstance(picture, TiffImageFile) and picture.tag_v2.get(258) == (12,)
