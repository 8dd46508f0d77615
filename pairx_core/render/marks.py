"""Lines and numbered end points, drawn at a multiple of their size and reduced: smooth on any photo."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from pairx_core.render.palettes import HALO, Rgb, lighter, match_color

_OVERSAMPLING = 2
# Drawn as four plain bands, red, green, blue and alpha: Pillow would weigh RGBA by its alpha when reducing, which
# takes longer than all the drawing, and is not needed where everything has a halo of the color of the canvas.
_FOUR_BANDS = "CMYK"
_AROUND = np.array(
    [(1, 0), (-1, 0), (0, -1), (0, 1), (0.75, -0.75), (-0.75, -0.75), (0.75, 0.75), (-0.75, 0.75)]
)
Xy = tuple[float, float]
Points = npt.NDArray[np.float64]


def marks_layer(
    size: tuple[int, int], query_xy: Points, candidate_xy: Points, *, opacity: float, number_size: float
) -> Image.Image:
    """Matches as an RGBA picture: (N, 2) end points in its pixels, the most relevant first and on top."""
    canvas = Image.new(_FOUR_BANDS, (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING), (*HALO, 0))
    draw = ImageDraw.Draw(canvas)
    unit = _OVERSAMPLING * number_size / 15  # rings and lines grow with the numbers
    starts, ends = query_xy * _OVERSAMPLING, candidate_xy * _OVERSAMPLING
    for match in reversed(range(len(starts))):
        _draw_line(draw, _xy(starts[match]), _xy(ends[match]), match, len(starts), unit)
    for match in reversed(range(len(starts))):
        _draw_ring(draw, _xy(starts[match]), match_color(match), unit)
        _draw_ring(draw, _xy(ends[match]), match_color(match), unit)
    _draw_numbers(draw, starts, canvas.size, unit, side=-1)  # away from where the lines go
    _draw_numbers(draw, ends, canvas.size, unit, side=1)
    layer = Image.frombytes("RGBA", size, canvas.reduce(_OVERSAMPLING).tobytes())
    if opacity < 1:
        layer.putalpha(layer.getchannel("A").point([round(value * opacity) for value in range(256)]))
    return layer


def _draw_line(draw: ImageDraw.ImageDraw, start: Xy, end: Xy, match: int, count: int, unit: float) -> None:
    """Thinner with rank; the halo keeps it visible where the photo has its color."""
    width = (2.4 - 1.0 * match / max(count, 1)) * unit
    draw.line((start, end), fill=(*HALO, 150), width=max(1, round(width + 2 * unit)))
    draw.line((start, end), fill=(*match_color(match), 235), width=max(1, round(width)))


def _draw_ring(draw: ImageDraw.ImageDraw, center: Xy, color: Rgb, unit: float) -> None:
    """A hollow ring: the marking under it stays visible."""
    for radius, width, fill in ((7.0, 4.6, (*HALO, 210)), (6.0, 2.6, (*color, 255))):
        draw.circle(center, radius * unit, outline=fill, width=max(1, round(width * unit)))


def _draw_numbers(
    draw: ImageDraw.ImageDraw, points: Points, size: tuple[int, int], unit: float, *, side: int
) -> None:
    """Each number beside its ring, where it covers the fewest other rings and numbers."""
    font = _font(max(6, round(15 * unit)))
    taken = points.copy()
    for match, center in enumerate(points):
        others = np.delete(taken, match, axis=0)
        spot = _free_spot(center + _AROUND * (17 * unit * side, 17 * unit), others, size, unit)
        taken = np.vstack([taken, spot])
        draw.text(
            _xy(spot),
            str(match + 1),
            font=font,
            anchor="mm",
            fill=(*lighter(match_color(match), 0.4), 255),
            stroke_width=max(1, round(2 * unit)),
            stroke_fill=(*HALO, 255),
        )


def _free_spot(spots: Points, taken: Points, size: tuple[int, int], unit: float) -> Points:
    """The first of some places (M, 2) that crowds what is taken (N, 2) the least."""
    distance = np.hypot(*(spots[:, None] - taken[None]).transpose(2, 0, 1))
    crowding = np.maximum(17 * unit - distance, 0).sum(axis=1)
    outside = ((spots < 10 * unit) | (spots > np.asarray(size) - 10 * unit)).any(axis=1)
    best: Points = spots[np.argmin(crowding + 1000 * unit * outside)]
    return best


def _xy(point: npt.NDArray[np.float64]) -> Xy:
    return float(point[0]), float(point[1])


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
