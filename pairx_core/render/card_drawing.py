"""An evidence card as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from pairx_core.catalogue import Photo, open_photo
from pairx_core.errors import ExplanationError
from pairx_core.explain.explanation import PairExplanation
from pairx_core.frames import PhotoFrame
from pairx_core.render.card import EvidenceCard
from pairx_core.render.card_layout import PAGE, CardLayout, Panel, PanelKind, lay_out_card
from pairx_core.render.layers import color_layer, dimmed, heat_layer, laid_over
from pairx_core.render.marks import marks_layer
from pairx_core.render.palettes import Rgb
from pairx_core.render.typesetting import Area, draw_line

_PAPER: Rgb = (255, 255, 255)
_RULE: Rgb = (205, 208, 214)
_LINE_OPACITY, _HEAT_OPACITY, _COLOR_OPACITY, _DIMMING = 0.95, 0.6, 0.9, 0.6
_NUMBER_SIZE = 19.0  # pixels: 2.4 mm on paper
_HEAT_PALETTE = "inferno"


@dataclass(frozen=True, slots=True)
class _Side:
    """One photo of the pair, and what its explanation says of it."""

    picture: Image.Image
    relevance: npt.NDArray[np.floating] | None
    color_maps: npt.NDArray[np.floating] | None


def draw_page(card: EvidenceCard, digests: Mapping[str, str], fonts: tuple[Path, ...]) -> Image.Image:
    """Draw the page; see :func:`pairx_core.render.card.draw_card`."""
    query, candidate = _sides(card)
    layout = lay_out_card(card, query.picture.size, candidate.picture.size, digests, fonts)
    page = Image.new("RGB", PAGE, _PAPER)
    for panel in layout.panels:
        page.paste(_drawn(query, panel.query, panel.kind), (panel.query.left, panel.query.top))
        page.paste(
            _drawn(candidate, panel.candidate, panel.kind), (panel.candidate.left, panel.candidate.top)
        )
        if panel.kind == "lines" and card.explanation is not None and card.line_count:
            _draw_marks(page, panel, card.explanation, card.line_count)
    _draw_texts(page, layout)
    return page


def _draw_texts(page: Image.Image, layout: CardLayout) -> None:
    for rule in layout.rules:
        page.paste(_RULE, (rule.left, rule.top, rule.right, rule.bottom))
    for swatch in layout.swatches:
        page.paste(swatch.color, (swatch.area.left, swatch.area.top, swatch.area.right, swatch.area.bottom))
    for cell in layout.cells:
        for line in cell.lines:
            draw_line(page, line, cell.color)


def _sides(card: EvidenceCard) -> tuple[_Side, _Side]:
    explanation = card.explanation
    if explanation is None:
        return _Side(open_photo(card.query), None, None), _Side(open_photo(card.candidate), None, None)
    return (
        _Side(
            _as_explained(card.query, explanation.query_frame, "query"),
            explanation.query_relevance,
            explanation.query_color_maps,
        ),
        _Side(
            _as_explained(card.candidate, explanation.candidate_frame, "candidate"),
            explanation.candidate_relevance,
            explanation.candidate_color_maps,
        ),
    )


def _as_explained(photo: Photo, frame: PhotoFrame, which: str) -> Image.Image:
    picture = open_photo(photo)
    if picture.size != frame.photo_size:
        now, then = (f"{width} × {height}" for width, height in (picture.size, frame.photo_size))
        raise ExplanationError(
            f"{photo.path}: the {which} photo has changed since it was explained ({now} pixels now, {then} then). "
            "Explain the pair again."
        )
    return picture


def _drawn(side: _Side, area: Area, kind: PanelKind) -> Image.Image:
    """The photo at the size of its place, with what a panel lays on it."""
    size = (area.width, area.height)
    picture = side.picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if kind == "heat_map" and side.relevance is not None:
        heat = heat_layer(side.relevance, size, opacity=_HEAT_OPACITY, palette=_HEAT_PALETTE)
        return laid_over(picture, heat)
    if kind == "color_maps" and side.color_maps is not None:
        colors = color_layer(side.color_maps, size, opacity=_COLOR_OPACITY)
        return laid_over(dimmed(picture, _DIMMING), colors)
    return picture


def _draw_marks(page: Image.Image, panel: Panel, explanation: PairExplanation, count: int) -> None:
    matches = explanation.matches
    marks = marks_layer(
        (panel.area.width, panel.area.height),
        _to_panel(matches.query_xy[:count], explanation.query_frame, panel.query, panel.area),
        _to_panel(matches.candidate_xy[:count], explanation.candidate_frame, panel.candidate, panel.area),
        opacity=_LINE_OPACITY,
        number_size=_NUMBER_SIZE,
    )
    page.paste(marks, (panel.area.left, panel.area.top), marks)


def _to_panel(
    photo_xy: npt.ArrayLike, frame: PhotoFrame, photo: Area, panel: Area
) -> npt.NDArray[np.float64]:
    """Points (N, 2) in photo pixels, in pixels of the panel."""
    scale = np.asarray((photo.width, photo.height), np.float64) / np.asarray(frame.photo_size, np.float64)
    start = (photo.left - panel.left, photo.top - panel.top)
    return np.asarray(photo_xy, np.float64).reshape(-1, 2) * scale + start
