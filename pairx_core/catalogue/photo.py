"""A photo and what is known about it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Box:
    """The animal's bounding box, in pixels of the upright photo (origin top left, x right, y down).

    A turned box is the upright one, turned about its centre; the photo is turned back before it is cropped.
    """

    x: float
    y: float
    width: float
    height: float
    theta: float = 0.0  # radians, clockwise on the screen; WildMe's sign

    def around(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of the smallest upright box that holds this one."""
        if not self.theta:  # to the last digit
            return self.x, self.y, self.x + self.width, self.y + self.height
        across = abs(self.width * math.cos(self.theta)) + abs(self.height * math.sin(self.theta))
        down = abs(self.width * math.sin(self.theta)) + abs(self.height * math.cos(self.theta))
        x, y = self.x + self.width / 2, self.y + self.height / 2
        return x - across / 2, y - down / 2, x + across / 2, y + down / 2


@dataclass(frozen=True, slots=True)
class MaskPicture:
    """A picture that shows which pixels of a photo are the animal."""

    path: Path  # absolute; of the size of the whole upright photo, black where there is no animal


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Which pixels of a photo are the animal, as COCO writes it: polygons or run lengths."""

    text: str = field(
        repr=False
    )  # JSON or a Python literal, in pixels of the whole upright photo; may be long


Mask = MaskPicture | Segmentation


@dataclass(frozen=True, slots=True)
class Photo:
    """One annotated photo of one animal. Nothing is read from disk until it is asked for."""

    id: str  # unique within its catalogue
    path: Path  # absolute path of the picture file
    identity: str | None = None  # the individual; None where unknown
    box: Box | None = None  # None: the whole picture
    species: str | None = None
    flank: str | None = None  # "left", "right", "up", ... as the catalogue says, lower case
    date: datetime | None = None  # local time as written; midnight where only the day is known
    site: str | None = None
    catalogue_path: str = ""  # the path as the catalogue writes it; what the decisions file quotes
    latitude: float | None = None  # degrees north, WGS 84; known only together with the longitude
    longitude: float | None = None  # degrees east
    mask: Mask | None = None  # which pixels are the animal; None where the catalogue does not say
    thumbnail: Path | None = field(default=None, compare=False)  # a small copy; None: made when it is needed
    row: int = field(default=0, compare=False)  # in the catalogue's table or list, from 1; 0: it has none

    @property
    def is_known(self) -> bool:
        """Whether the individual on the photo is known."""
        return self.identity is not None
