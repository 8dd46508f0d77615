"""What any method shows of a pair, drawn alike: lines and maps as plain arrays, for methods side by side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from pairx_core.frames import PhotoFrame
from pairx_core.render.layers import heat_layer, laid_over
from pairx_core.render.marks import marks_layer
from pairx_core.render.pair import Pair, Side, at_height, fitting

_FINEST = 28  # cells a side: a map of single pixels is dust, and nothing could be seen under it
_BRIGHTEST = 99.5  # percent: one hot cell does not put all others in the dark
Map = npt.NDArray[np.floating]


def render_evidence(
    images: tuple[Image.Image, Image.Image],
    ends: tuple[npt.ArrayLike, npt.ArrayLike],
    maps: tuple[Map | None, Map | None],
    *,
    k_lines: int = 20,
    height: int = 640,
    max_width: int | None = None,
    gap: int = 6,
    heat_opacity: float = 0.6,
    number_size: float | None = None,
) -> Image.Image:
    """Draw a method's evidence: query left, candidate right, lines numbered, maps over the photos.

    Args:
        images: both photos, RGB, upright, cropped to the animal's box.
        ends: where lines end, (N, 2) x, y pixels of each picture, the most important line first.
        maps: (h, w) of each picture, not negative, spread evenly over it; None: there is none.
        k_lines: how many lines to draw.
        height: of the photos in the drawing, pixels.
        max_width: of the drawing; a wider pair is made smaller.
        gap: between the photos, pixels.
        heat_opacity: of the maps where they are strongest, 0 to 1.
        number_size: of the lines' numbers, pixels.
    """
    height = fitting(*images, height, max_width, gap)
    left, right = (at_height(image, height) for image in images)
    frames = [PhotoFrame(image.size, image.size) for image in images]
    pair = Pair(Side(left, 0, frames[0]), Side(right, left.width + gap, frames[1]))
    drawing = pair.joined(_heated(left, maps[0], heat_opacity), _heated(right, maps[1], heat_opacity))
    starts, stops = (np.asarray(side, np.float64).reshape(-1, 2)[:k_lines] for side in ends)
    if not len(starts):
        return drawing
    marks = marks_layer(
        pair.size,
        pair.query.to_drawing(starts),
        pair.candidate.to_drawing(stops),
        opacity=0.95,
        number_size=number_size or max(9.0, 15 * height / 640),
    )
    return laid_over(drawing, marks)


def _heated(picture: Image.Image, map_: Map | None, opacity: float) -> Image.Image:
    if map_ is None:
        return picture
    return laid_over(picture, heat_layer(_visible(map_), picture.size, opacity=opacity, palette="inferno"))


def _visible(map_: Map) -> npt.NDArray[np.float32]:
    """A map (h, w) at a fineness that can be seen, without the outliers that would hide the rest."""
    values = np.nan_to_num(np.asarray(map_, np.float32), posinf=0, neginf=0)
    if max(values.shape) > _FINEST:
        size = min(values.shape[1], _FINEST), min(values.shape[0], _FINEST)
        values = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX))
    visible: npt.NDArray[np.float32] = np.minimum(values, np.percentile(values, _BRIGHTEST))
    return visible
