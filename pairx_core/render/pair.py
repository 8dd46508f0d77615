"""Where the two photos of a pair are drawn: query left, candidate right, equal heights, own aspects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from pairx_core.catalogue import Photo, open_photo
from pairx_core.errors import ExplanationError
from pairx_core.explain.explanation import PairExplanation
from pairx_core.frames import PhotoFrame
from pairx_core.render.palettes import GAP

_ASPECT_TOLERANCE = 0.01  # a picture scaled down to whole pixels has not quite the aspect of the original
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Side:
    """One photo as it is drawn."""

    picture: Image.Image  # RGB, at the size in which it is drawn
    left: int  # where it begins in the drawing of the pair, pixels
    frame: PhotoFrame

    def to_drawing(self, photo_xy: npt.ArrayLike) -> Points:
        """Points (N, 2) in photo pixels, in pixels of the drawing of the pair."""
        scale = np.asarray(self.picture.size, np.float64) / np.asarray(self.frame.photo_size, np.float64)
        return np.asarray(photo_xy, np.float64).reshape(-1, 2) * scale + (self.left, 0)


@dataclass(frozen=True, slots=True)
class Pair:
    """Both photos as they are drawn."""

    query: Side
    candidate: Side

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the drawing, pixels."""
        return self.candidate.left + self.candidate.picture.width, self.query.picture.height

    def joined(self, query: Image.Image, candidate: Image.Image) -> Image.Image:
        """Two pictures of the sizes of the two sides, next to each other."""
        drawing = Image.new("RGB", self.size, GAP)
        drawing.paste(query, (self.query.left, 0))
        drawing.paste(candidate, (self.candidate.left, 0))
        return drawing


def render_pair(
    query_image: Image.Image,
    candidate_image: Image.Image,
    *,
    height: int = 640,
    max_width: int | None = None,
    gap: int = 6,
) -> Image.Image:
    """The bare photos of a pair, placed as :func:`render_overlay` places them; no explanation is needed."""
    height = fitting(query_image, candidate_image, height, max_width, gap)
    left, right = at_height(query_image, height), at_height(candidate_image, height)
    drawing = Image.new("RGB", (left.width + gap + right.width, height), GAP)
    drawing.paste(left, (0, 0))
    drawing.paste(right, (left.width + gap, 0))
    return drawing


def lay_out(
    explanation: PairExplanation,
    query_image: Image.Image | None,
    candidate_image: Image.Image | None,
    *,
    height: int,
    max_width: int | None,
    gap: int,
) -> Pair:
    """Both photos at one height (less than ``height`` where the pair would be wider than ``max_width``)."""
    query = _picture(explanation.query_photo, query_image, explanation.query_frame, "query")
    candidate = _picture(
        explanation.candidate_photo, candidate_image, explanation.candidate_frame, "candidate"
    )
    height = fitting(query, candidate, height, max_width, gap)
    left, right = at_height(query, height), at_height(candidate, height)
    return Pair(
        Side(left, 0, explanation.query_frame),
        Side(right, left.width + gap, explanation.candidate_frame),
    )


def fitting(query: Image.Image, candidate: Image.Image, height: int, max_width: int | None, gap: int) -> int:
    """The height, or less where the pair would be wider than ``max_width``."""
    if max_width is None:
        return height
    aspects = query.width / query.height + candidate.width / candidate.height
    return min(height, max(1, int((max_width - gap - 1) / aspects)))


def at_height(picture: Image.Image, height: int) -> Image.Image:
    width = max(1, round(picture.width * height / picture.height))
    if picture.size == (width, height):
        return picture
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _picture(photo: Photo | None, given: Image.Image | None, frame: PhotoFrame, which: str) -> Image.Image:
    """The given picture, or the photo from its file; in both cases one that the explanation fits."""
    if given is not None:
        _check_aspect(given, frame, which)
        return given if given.mode == "RGB" else given.convert("RGB")
    if photo is None:
        raise ExplanationError(
            f"The explanation was made from tensors and has no {which} photo to draw on. "
            f"Pass {which}_image=, the picture that the {which} tensor was made from."
        )
    picture = open_photo(photo)
    if picture.size != frame.photo_size:
        raise ExplanationError(
            f"{photo.path}: the {which} photo has changed since it was explained "
            f"({_size(picture.size)} pixels now, {_size(frame.photo_size)} then). Explain the pair again."
        )
    return picture


def _check_aspect(picture: Image.Image, frame: PhotoFrame, which: str) -> None:
    width, height = frame.photo_size
    off_by = abs(picture.width * height / (picture.height * width) - 1)
    slack = 1 / picture.width + 1 / picture.height
    if off_by > _ASPECT_TOLERANCE + slack:
        raise ExplanationError(
            f"The {which} picture ({_size(picture.size)}) has not the proportions of the photo that was "
            f"explained ({_size(frame.photo_size)}). Pass the upright photo, cropped to the animal's box."
        )


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"
