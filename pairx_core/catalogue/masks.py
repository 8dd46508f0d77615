"""Masks: which pixels of a photo are the animal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from pairx_core.catalogue.locating import FoundPicture
from pairx_core.catalogue.opening import photo_extent
from pairx_core.catalogue.photo import Mask, MaskPicture, Photo, Segmentation
from pairx_core.catalogue.pictures import UnusablePicture, decode_mask, read_header
from pairx_core.catalogue.segmentation import NOTHING_MARKED, parse_segmentation
from pairx_core.catalogue.turning import crop_turned
from pairx_core.errors import PhotoError


def open_mask(photo: Photo) -> npt.NDArray[np.bool_] | None:
    """Which pixels of what ``open_photo`` returns are the animal, (H, W); None where the photo has no mask.

    Safe to call from several threads.

    Raises:
        PhotoError: the mask's file is missing, damaged or of another size than the whole upright photo, the
            segmentation cannot be read, no pixel of the photo is marked, or the photo itself cannot be used.
    """
    if photo.mask is None:
        return None
    left, top, right, bottom = photo_extent(photo)
    try:
        whole = _pixels(photo.mask, read_header(photo.path).size)
        if photo.box is not None and photo.box.theta:
            mask = np.asarray(crop_turned(Image.fromarray(whole), photo.box))
        else:
            mask = whole[top:bottom, left:right].copy()
        if not mask.any():
            raise UnusablePicture(NOTHING_MARKED)
    except UnusablePicture as reason:
        raise PhotoError(f"{_name(photo)} {reason}") from reason
    return mask


def usable_mask(written: str, found: FoundPicture | UnusablePicture | None, size: tuple[int, int]) -> Mask:
    """The mask that a catalogue's cell means, for a photo of (width, height), as far as headers and cell show.

    Args:
        written: the cell.
        found: the picture whose path the cell holds; None where it holds a segmentation.
        size: of the whole upright photo, pixels.

    Raises:
        UnusablePicture: there is no such mask, or it is not for this photo; worded to follow the cell.
    """
    if found is None:
        parse_segmentation(written).check(size)
        return Segmentation(written)
    if isinstance(found, UnusablePicture):
        raise found
    _check_size(found.header.size, size)
    return MaskPicture(found.path)


def is_segmentation(written: str) -> bool:
    """Whether a catalogue's cell holds a segmentation and not a path."""
    return written.startswith(("[", "{", "("))


def _pixels(mask: Mask, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """(H, W) of the whole upright photo of (width, height)."""
    if isinstance(mask, Segmentation):
        outlines = parse_segmentation(mask.text)
        outlines.check(size)
        return outlines.pixels(size)
    _check_size(read_header(mask.path).size, size)
    return decode_mask(mask.path)


def _check_size(mask: tuple[int, int], photo: tuple[int, int]) -> None:
    if mask != photo:
        raise UnusablePicture(
            f"is {mask[0]} × {mask[1]} pixels, but the upright photo is {photo[0]} × {photo[1]}. Make the mask for "
            "the whole photo, turned upright."
        )


def _name(photo: Photo) -> str:
    if isinstance(photo.mask, MaskPicture):
        return f"{photo.mask.path}, the mask of {photo.path},"
    return f"The segmentation of {photo.path}"
