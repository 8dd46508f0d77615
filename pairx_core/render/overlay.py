"""render_overlay: an explanation as a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from pairx_core.explain.explanation import PairExplanation
from pairx_core.render.layers import color_layer, dimmed, heat_layer, laid_over
from pairx_core.render.marks import marks_layer
from pairx_core.render.pair import Pair, Side, lay_out
from pairx_core.render.palettes import GAP

Layout = Literal["overlay", "stacked"]


@dataclass(frozen=True, slots=True)
class _Style:
    """What is drawn, and how strongly. Opacities run from 0 to 1."""

    lines: int  # how many; 0 for none
    colors: int
    heat_map: bool
    line_opacity: float
    heat_opacity: float
    color_opacity: float
    dimming: float
    number_size: float
    heat_palette: str


def render_overlay(
    explanation: PairExplanation,
    *,
    query_image: Image.Image | None = None,
    candidate_image: Image.Image | None = None,
    lines: bool = True,
    heat_map: bool = True,
    color_maps: bool = True,
    k_lines: int | None = None,
    k_colors: int | None = None,
    height: int = 640,
    max_width: int | None = None,
    layout: Layout = "overlay",
    gap: int = 6,
    line_opacity: float = 0.95,
    heat_opacity: float = 0.6,
    color_opacity: float = 0.9,
    dimming: float = 0.6,
    number_size: float | None = None,
    heat_palette: str = "inferno",
) -> Image.Image:
    """Draw an explanation: query left, candidate right, at their own aspects and one height.

    Nothing is recomputed, and the same arguments give the same pixels. The photos are read from their files
    unless pictures are given: upright, cropped to the box, at any size. ``lines`` are numbered by relevance;
    ``color_maps`` share their colors. ``k_lines`` and ``k_colors`` are by default what was asked for when
    explaining. ``height`` is that of the photos in pixels; a pair wider than ``max_width`` is made smaller.
    ``layout`` "stacked" draws lines and heat map above, color maps below, as the paper does. Opacities run from
    0 to 1, ``dimming`` is how far photos fade under color maps, ``number_size`` is in pixels, ``heat_palette``
    is "inferno" or "viridis".

    Raises:
        ExplanationError: there is no photo to draw on, or it is not the one that was explained.
        PhotoError: a photo's file is missing or damaged.
    """
    style = _Style(
        lines=_count(lines, k_lines, explanation.k_lines, len(explanation.matches)),
        colors=_count(color_maps, k_colors, explanation.k_colors, len(explanation.query_color_maps)),
        heat_map=heat_map,
        line_opacity=line_opacity,
        heat_opacity=heat_opacity,
        color_opacity=color_opacity,
        dimming=dimming,
        number_size=number_size or max(9.0, 15 * height / 640),
        heat_palette=heat_palette,
    )
    pair = lay_out(explanation, query_image, candidate_image, height=height, max_width=max_width, gap=gap)
    if layout == "stacked":
        return _stacked(explanation, pair, style, gap)
    return _drawn(explanation, pair, style)


def _count(wanted: bool, asked: int | None, default: int, available: int) -> int:
    return max(0, min(default if asked is None else asked, available)) if wanted else 0


def _stacked(explanation: PairExplanation, pair: Pair, style: _Style, gap: int) -> Image.Image:
    above = _drawn(explanation, pair, replace(style, colors=0))
    below = _drawn(explanation, pair, replace(style, lines=0, heat_map=False))
    drawing = Image.new("RGB", (above.width, 2 * above.height + gap), GAP)
    drawing.paste(above, (0, 0))
    drawing.paste(below, (0, above.height + gap))
    return drawing


def _drawn(explanation: PairExplanation, pair: Pair, style: _Style) -> Image.Image:
    drawing = pair.joined(
        _side(pair.query, explanation.query_relevance, explanation.query_color_maps, style),
        _side(pair.candidate, explanation.candidate_relevance, explanation.candidate_color_maps, style),
    )
    if not style.lines:
        return drawing
    marks = marks_layer(
        pair.size,
        pair.query.to_drawing(explanation.matches.query_xy[: style.lines]),
        pair.candidate.to_drawing(explanation.matches.candidate_xy[: style.lines]),
        opacity=style.line_opacity,
        number_size=style.number_size,
    )
    return laid_over(drawing, marks)


def _side(
    side: Side, relevance: npt.NDArray[np.floating], color_maps: npt.NDArray[np.floating], style: _Style
) -> Image.Image:
    picture = side.picture
    if style.colors:
        colors = color_layer(color_maps[: style.colors], picture.size, opacity=style.color_opacity)
        picture = laid_over(dimmed(picture, style.dimming), colors)
    if style.heat_map:
        heat = heat_layer(relevance, picture.size, opacity=style.heat_opacity, palette=style.heat_palette)
        picture = laid_over(picture, heat)
    return picture
