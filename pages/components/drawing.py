"""What the viewer needs of an explanation: small, ready to be sent, made once."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import open_mask
from pairx_core.errors import PhotoError
from pairx_core.explain import PairExplanation, scenery
from pairx_core.render import ColorSheet, color_sheet, heat_levels

MOST_LINES = 100  # matches that the slider reaches


@dataclass(frozen=True, slots=True)
class Maps:
    """The color maps of one photo, encoded."""

    jpeg: bytes
    tile: tuple[int, int]  # (width, height), pixels
    columns: int
    count: int


@dataclass(frozen=True, slots=True)
class Match:
    """A match, as the viewer shows it and as a tick is stored."""

    query_cell: tuple[int, int]  # column, row
    candidate_cell: tuple[int, int]
    query_xy: tuple[float, float]  # pixels of the cropped photo
    candidate_xy: tuple[float, float]
    relevance: float
    distance: float


@dataclass(frozen=True, slots=True)
class Heat:
    """Layer relevance of one photo."""

    columns: int
    rows: int
    values: str  # a byte a cell, row by row, in base64


@dataclass(frozen=True, slots=True)
class Drawing:
    """An explanation without what only the engine needs: some hundred kilobytes instead of many megabytes."""

    matches: tuple[Match, ...]  # the most relevant first, at most MOST_LINES
    match_count: int  # how many there are in all
    k_lines: int
    heat: tuple[Heat, Heat]  # query, candidate
    maps: tuple[Maps, Maps] | None  # None: not made yet, or none asked for
    layer: str
    model: str
    model_fingerprint: str
    warning: str = ""  # what speaks against the evidence, in words: that it is not on the animal
    is_scenery: bool = False  # whether that is so


def draw(explanation: PairExplanation) -> Drawing:
    """Take from an explanation what is shown."""
    warning, is_scenery = _scenery(explanation)
    query = color_sheet(explanation.query_color_maps)
    candidate = color_sheet(explanation.candidate_color_maps)
    return Drawing(
        matches=_matches(explanation),
        match_count=len(explanation.matches),
        k_lines=explanation.k_lines,
        heat=(_heat(explanation.query_relevance), _heat(explanation.candidate_relevance)),
        maps=None if query is None or candidate is None else (_maps(query), _maps(candidate)),
        layer=explanation.layer,
        model=explanation.model,
        model_fingerprint=explanation.model_fingerprint,
        warning=warning,
        is_scenery=is_scenery,
    )


def _scenery(explanation: PairExplanation) -> tuple[str, bool]:
    """A warning where the evidence is not on the animal, or where its mask cannot be read."""
    photos = explanation.query_photo, explanation.candidate_photo
    try:
        query, candidate = (None if photo is None else open_mask(photo) for photo in photos)
    except PhotoError as error:
        return str(error), False
    warning = scenery(explanation, query, candidate).warning
    return warning or "", warning is not None


def _matches(explanation: PairExplanation) -> tuple[Match, ...]:
    matches = explanation.matches
    columns = (
        matches.query_cells,
        matches.candidate_cells,
        np.round(matches.query_xy, 2),
        np.round(matches.candidate_xy, 2),
        matches.relevance,
        matches.distance,
    )
    rows = zip(*(column[:MOST_LINES].tolist() for column in columns), strict=True)
    return tuple(
        Match(tuple(query), tuple(candidate), tuple(query_xy), tuple(candidate_xy), relevance, distance)
        for query, candidate, query_xy, candidate_xy, relevance, distance in rows
    )


def _heat(relevance: npt.NDArray[np.floating]) -> Heat:
    levels = heat_levels(relevance)
    rows, columns = levels.shape
    return Heat(columns, rows, base64.b64encode(levels.tobytes()).decode("ascii"))


def _maps(sheet: ColorSheet) -> Maps:
    buffer = io.BytesIO()
    sheet.picture.save(buffer, "JPEG", quality=85)
    return Maps(buffer.getvalue(), sheet.tile, sheet.columns, sheet.count)
