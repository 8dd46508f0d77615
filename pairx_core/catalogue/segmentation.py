"""Which pixels are the animal, as COCO annotations write it: polygons or run lengths.

The formats are described at https://cocodataset.org/#format-data; wildlife-datasets writes them as JSON or as Python
prints them, and a single polygon without the outer brackets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from pairx_core.catalogue.pictures import UnusablePicture

NOTHING_MARKED = "marks nothing of the photo as the animal. Correct it, or leave it out."

_REACHES_BEYOND = 0.05  # of the photo's side: farther outside, a polygon was drawn for another picture
_LONGEST_NUMBER = 6  # characters of a compressed run: 30 bits, more than any photo has pixels
_FORMS = (
    "Write polygons, [[x1, y1, x2, y2, ...], ...] in pixels, or run lengths, "
    "{'size': [height, width], 'counts': ...}."
)


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Polygons; what lies in any of them is the animal."""

    polygons: tuple[npt.NDArray[np.float64], ...]  # (N, 2) each: x, y pixels of the whole upright photo

    def check(self, size: tuple[int, int]) -> None:
        """Make sure that the polygons are for a photo of this (width, height).

        Raises:
            UnusablePicture: they are not; worded to follow the segmentation.
        """
        points = np.concatenate(self.polygons)
        if points.max() <= 1:
            raise UnusablePicture("is in shares of the photo. Multiply x by its width and y by its height.")
        margin = np.asarray(size) * _REACHES_BEYOND
        if (points < -margin).any() or (points > np.asarray(size) + margin).any():
            raise _other_size(size)

    def pixels(self, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """(H, W) for a photo of (width, height)."""
        picture = Image.new("1", size)
        draw = ImageDraw.Draw(picture)
        for polygon in self.polygons:  # Pillow includes the outline: up to a pixel more than COCO's own
            draw.polygon(list(map(tuple, polygon.tolist())), fill=1)
        return np.asarray(picture)


@dataclass(frozen=True, slots=True, eq=False)
class RunLengths:
    """Lengths of runs outside and inside the animal by turns, down one column after the other."""

    size: tuple[int, int]  # (width, height) of the whole upright photo
    counts: npt.NDArray[np.int64]  # pixels; the first run is outside

    def check(self, size: tuple[int, int]) -> None:
        """Make sure that the runs are for a photo of this (width, height).

        Raises:
            UnusablePicture: they are not; worded to follow the segmentation.
        """
        if self.size != size:
            raise _other_size(size)
        if not self.counts[1::2].any():
            raise UnusablePicture(NOTHING_MARKED)

    def pixels(self, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """(H, W) for a photo of (width, height), which must be that of the runs."""
        is_animal = np.arange(len(self.counts)) % 2 == 1
        return np.asarray(np.repeat(is_animal, self.counts).reshape(size).T)


def parse_segmentation(text: str) -> Outlines | RunLengths:
    """Read a cell of the column ``segmentation``.

    Raises:
        UnusablePicture: it is in none of the forms; worded to follow the segmentation.
    """
    value = _literal(text)
    try:
        return _run_lengths(value) if isinstance(value, dict) else _outlines(value)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise UnusablePicture(f"cannot be read. {_FORMS}") from error


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(_as_json(text))
    except (ValueError, RecursionError) as error:
        raise UnusablePicture(f"cannot be read. {_FORMS}") from error


def _as_json(text: str) -> str:
    """What Python printed, as JSON: 'text' and b'text' in double quotes, tuples as lists, NumPy's numbers bare.

    Not by Python's own parser, which before 3.13 can fail when two threads use it at once. Compressed runs hold no
    quotes and no parentheses.
    """
    bare = re.sub(r"np\.\w+\(([^()]*)\)", r"\1", text)
    return re.sub(r"b?'([^']*)'", r'"\1"', bare).replace("(", "[").replace(")", "]")


def _outlines(value: Sequence[Any]) -> Outlines:
    rings = value if isinstance(value[0], list | tuple) else [value]
    polygons = tuple(np.asarray(ring, np.float64) for ring in rings)
    for polygon in polygons:
        if polygon.ndim != 1 or len(polygon) < 6 or len(polygon) % 2 or not np.isfinite(polygon).all():
            raise ValueError("not three or more points")
    return Outlines(tuple(polygon.reshape(-1, 2) for polygon in polygons))


def _run_lengths(value: dict[str, Any]) -> RunLengths:
    height, width = (int(side) for side in value["size"])
    counts = value["counts"]
    runs = _decompressed(counts) if isinstance(counts, str) else np.asarray(counts, np.int64)
    is_filled = runs.ndim == 1 and min(height, width) > 0 and runs.sum() == height * width
    if not is_filled or runs.min() < 0 or runs.max() > height * width:
        raise ValueError("runs do not fill the picture")
    return RunLengths((width, height), runs)


def _decompressed(text: str) -> npt.NDArray[np.int64]:
    """Run lengths from COCO's compressed string.

    A number is one or more characters from "0" on, lowest five bits first; bit 5 says that another character
    follows, bit 4 of the last one is the sign. From the fourth number on, each is the difference from the last but
    one: ``rleFrString`` in https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c.
    """
    codes = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero(codes & 0x20 == 0)
    lengths = np.diff(ends, prepend=-1)
    is_valid = codes.min() >= 0 and codes.max() <= 0x3F and lengths.max() <= _LONGEST_NUMBER
    if not is_valid or ends[-1] != len(codes) - 1:
        raise ValueError("not a compressed run length")
    starts = ends - lengths + 1
    places = np.arange(len(codes)) - np.repeat(starts, lengths)
    runs = np.add.reduceat((codes & 0x1F) << 5 * places, starts)
    runs -= np.where(codes[ends] & 0x10, 1 << 5 * lengths, 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def _other_size(size: tuple[int, int]) -> UnusablePicture:
    return UnusablePicture(
        f"is for a picture of another size: the upright photo has {size[0]} × {size[1]} pixels. Make it for this photo."
    )
