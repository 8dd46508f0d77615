"""Crops along a turned box: the picture is turned back about the box's centre."""

from __future__ import annotations

import math

from PIL import Image

from pairx_core.catalogue.photo import Box
from pairx_core.catalogue.pictures import MAX_PIXELS

BESIDE_THE_PICTURE = (128, 128, 128)  # neutral grey: neither a light nor a dark mark on the animal
_MOST_DIAGONALS = 1.5  # the longest side of a turned box, in diagonals of the picture


def turned_size(box: Box) -> tuple[int, int]:
    """(width, height) in whole pixels of a crop along the box."""
    return max(1, round(box.width)), max(1, round(box.height))


def reaches_too_far(box: Box, size: tuple[int, int]) -> bool:
    """Whether a turned box is so large that it can only be a mistake: its crop would be mostly grey, and could be huge.

    A box that holds the whole picture, however it is turned, has no side longer than the picture's diagonal; half as
    much again is let through.
    """
    longest = _MOST_DIAGONALS * math.hypot(*size)
    return max(box.width, box.height) > longest or box.width * box.height > MAX_PIXELS


def crop_turned(picture: Image.Image, box: Box, margin: int = 0) -> Image.Image:
    """The picture cropped along a turned box, which then stands upright.

    What lies outside the picture is neutral grey in a colour picture, and not set in a mask.

    Args:
        picture: the whole upright photo, RGB; or its mask, "1" or "L".
        box: in pixels of the picture.
        margin: how much around the box comes along, in pixels.
    """
    width, height = (side + 2 * margin for side in turned_size(box))
    is_mask = picture.mode != "RGB"
    cosine, sine = math.cos(box.theta), math.sin(box.theta)
    x, y = box.x + box.width / 2, box.y + box.height / 2
    return picture.transform(
        (width, height),
        Image.Transform.AFFINE,
        (
            cosine,
            -sine,
            x - cosine * width / 2 + sine * height / 2,
            sine,
            cosine,
            y - sine * width / 2 - cosine * height / 2,
        ),
        Image.Resampling.NEAREST if is_mask else Image.Resampling.BICUBIC,
        fillcolor=0 if is_mask else BESIDE_THE_PICTURE,
    )
