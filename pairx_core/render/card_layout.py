"""Where everything on an evidence card goes: worked out before anything is drawn, so that it can be checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pairx_core.decisions.decision import ADJUDICATED
from pairx_core.render.card import EvidenceCard
from pairx_core.render.card_facts import (
    decision_facts,
    footers,
    making_facts,
    pair_facts,
    signed_by,
    tick_row,
    verdict_line,
)
from pairx_core.render.palettes import Rgb, match_color
from pairx_core.render.typesetting import Area, SetLine, line_height, set_text

PAGE = (2339, 1654)  # width, height: A4 landscape at 200 dpi
PanelKind = Literal["lines", "bare", "heat_map", "color_maps"]
Size = tuple[int, int]

INK: Rgb = (22, 24, 28)
GREY: Rgb = (92, 97, 107)
VERDICT_COLORS: dict[str, Rgb] = {"accept": (16, 104, 58), "reject": (166, 38, 30)}
_LEFT, _WIDTH = 60, 2219
_TITLE, _BODY, _SMALL, _FOOT = 36, 21, 18, 18
_CAPTION_TOP, _MAIN, _STRIP = 142, (176, 524), (754, 360)  # top and height of the photos
_NO_STRIP = (176, 850)  # of the photos where there is no explanation
_BOTTOM, _BOTTOM_HEIGHT = 1134, 408
_FOOT_TOP = 1562
_GAP = 8  # between the two photos
_SPLIT_BELOW = 1 / 3  # of the height: photos that would be lower at one height get half of the width each
_COLUMNS = ((60, 840), (926, 420), (1372, 320), (1718, 561))  # left and width: facts, decision, ticks, making
_STRIP_COLUMNS = ((60, 859), (949, 650), (1629, 650))
_ROW = 33


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in a place of its own."""

    area: Area
    lines: tuple[SetLine, ...]
    color: Rgb = INK


@dataclass(frozen=True, slots=True)
class Panel:
    """The pair, drawn in one way."""

    kind: PanelKind
    area: Area
    query: Area  # the photo's, at its own aspect
    candidate: Area


@dataclass(frozen=True, slots=True)
class Swatch:
    """A match's color beside its number in the list."""

    area: Area
    color: Rgb


@dataclass(frozen=True, slots=True)
class CardLayout:
    """All that is on the page."""

    cells: tuple[Cell, ...]
    panels: tuple[Panel, ...]
    swatches: tuple[Swatch, ...]
    rules: tuple[Area, ...]  # thin lines between parts


def lay_out_card(
    card: EvidenceCard,
    query_size: Size,
    candidate_size: Size,
    digests: Mapping[str, str],
    fonts: Sequence[Path] = (),
) -> CardLayout:
    """Places for all that is on a card.

    Args:
        card: what is on it.
        query_size: (width, height) of the cropped query photo, pixels.
        candidate_size: of the candidate photo.
        digests: what to quote of each file's SHA-256, by photo id.
        fonts: further font files.

    Raises:
        SettingsError: one of ``fonts`` is no font file.
    """
    writer = _Writer(tuple(fonts))
    swatches = _ticks(card, writer)
    _header(card, writer)
    panels = _panels(card, query_size, candidate_size, writer)
    _facts(card, digests, writer)
    _labelled("Decision", decision_facts(card), _COLUMNS[1], 122, writer)
    _labelled("How it was made", making_facts(card), _COLUMNS[3], 128, writer)
    height = line_height(_FOOT)
    for number, text in enumerate(footers(card, digests)):
        writer.write(text, Area(_LEFT, _FOOT_TOP + number * height, _WIDTH, height), _FOOT, GREY)
    rules = tuple(Area(_LEFT, top, _WIDTH, 2) for top in (_BOTTOM - 12, _FOOT_TOP - 12))
    return CardLayout(tuple(writer.cells), panels, swatches, rules)


def fit_pair(
    query_size: Size, candidate_size: Size, area: Area, *, is_centered: bool = True
) -> tuple[Area, Area]:
    """Where the two photos go: side by side in the middle of an area, at their own aspects and one height.

    Or, where not centered, from its upper left corner on.

    Where one of them is so wide that both would become very low, each gets half of the width and its own height.
    No side is less than a pixel.
    """
    aspects = query_size[0] / query_size[1] + candidate_size[0] / candidate_size[1]
    height = int(min(area.height, (area.width - _GAP - 2) / aspects))
    if height < _SPLIT_BELOW * area.height:
        return _in_halves(query_size, candidate_size, area)
    widths = [max(1, round(height * width / tall)) for width, tall in (query_size, candidate_size)]
    left, top = area.left, area.top
    if is_centered:
        left += max(0, area.width - sum(widths) - _GAP) // 2
        top += (area.height - height) // 2
    return Area(left, top, widths[0], height), Area(left + widths[0] + _GAP, top, widths[1], height)


def _in_halves(query_size: Size, candidate_size: Size, area: Area) -> tuple[Area, Area]:
    half = (area.width - _GAP) // 2
    second = Area(area.left + half + _GAP, area.top, half, area.height)
    return _fitted(query_size, Area(area.left, area.top, half, area.height)), _fitted(candidate_size, second)


def _fitted(size: Size, area: Area) -> Area:
    """The largest place for one photo at its own aspect, in the middle of an area."""
    scale = min(area.width / size[0], area.height / size[1])
    width, height = (max(1, round(scale * side)) for side in size)
    return Area(area.left + (area.width - width) // 2, area.top + (area.height - height) // 2, width, height)


class _Writer:
    """Collects the texts of a page."""

    def __init__(self, fonts: tuple[Path, ...]) -> None:
        self.cells: list[Cell] = []
        self._fonts = fonts

    def write(self, text: str, area: Area, size: int, color: Rgb = INK, *, is_bold: bool = False) -> int:
        """Set a text into an area; the number of its lines."""
        lines = set_text(text, area, size, fonts=self._fonts, is_bold=is_bold)
        self.cells.append(Cell(area, lines, color))
        return len(lines)

    def shorten(self, text: str, width: int, size: int) -> str:
        """The text as it fits into one line."""
        lines = set_text(text, Area(0, 0, width, line_height(size)), size, fonts=self._fonts)
        return lines[0].text if lines else ""


def _header(card: EvidenceCard, writer: _Writer) -> None:
    title = f"Evidence card: {writer.shorten(card.query.id, 450, _TITLE)} and {card.candidate.id}"
    writer.write(title, Area(_LEFT, 42, 1320, 48), _TITLE, is_bold=True)
    writer.write(
        "Query left, candidate right, each at its own proportions.", Area(_LEFT, 98, 1320, 30), _BODY, GREY
    )
    color = GREY if card.decision is None else VERDICT_COLORS.get(card.decision.decision, INK)
    writer.write(verdict_line(card), Area(1410, 46, 869, 44), 30, color, is_bold=True)
    if card.decision is not None:
        room = 270 if ADJUDICATED in card.decision.tags else 380
        name = writer.shorten(card.decision.reviewer, room, _BODY)
        writer.write(signed_by(card.decision, name), Area(1410, 98, 869, 30), _BODY)


def _panels(card: EvidenceCard, query: Size, candidate: Size, writer: _Writer) -> tuple[Panel, ...]:
    caption = Area(_LEFT, _CAPTION_TOP, _WIDTH, 28)
    if card.explanation is None:
        reason = card.no_explanation or "the reason was not recorded"
        writer.write("The bare photos.", caption, _BODY, GREY)
        below = Area(_LEFT, sum(_NO_STRIP) + 16, _WIDTH, 60)
        writer.write(f"No explanation is shown: {reason}", below, _BODY)
        return (_panel("bare", (_LEFT, _WIDTH), _NO_STRIP, query, candidate),)
    shown, found = card.line_count, len(card.explanation.matches)
    writer.write(
        f"The {shown} most relevant of {found} matches, numbered by relevance (1 is the most relevant)."
        if shown
        else f"No match is drawn; the explanation has {found}.",
        caption,
        _BODY,
        GREY,
    )
    panels = [_panel("lines", (_LEFT, _WIDTH), _MAIN, query, candidate)]
    for (kind, words), column in zip(_strip(card), _STRIP_COLUMNS, strict=False):
        panels.append(_panel(kind, column, _STRIP, query, candidate))
        writer.write(words, Area(column[0], _STRIP[0] - 34, column[1], 28), _BODY, GREY)
    return tuple(panels)


def _strip(card: EvidenceCard) -> Iterable[tuple[PanelKind, str]]:
    yield "bare", "The bare photos."
    yield "heat_map", "Heat map: where the model's relevance lies."
    if card.explanation is not None and len(card.explanation.query_color_maps):
        count = len(card.explanation.query_color_maps)
        yield "color_maps", f"Color maps: what the first {count} matches looked at."


def _panel(kind: PanelKind, across: Size, down: Size, query: Size, candidate: Size) -> Panel:
    area = Area(across[0], down[0], across[1], down[1])
    return Panel(kind, area, *fit_pair(query, candidate, area, is_centered=down != _STRIP))


def _facts(card: EvidenceCard, digests: Mapping[str, str], writer: _Writer) -> None:
    left, width = _COLUMNS[0]
    label = 112
    column = (width - label - 24) // 2
    places = ((left, label), (left + label + 12, column), (left + label + column + 24, column))
    for number, row in enumerate(pair_facts(card, digests)):
        top = _BOTTOM + number * _ROW + (4 if number else 0)
        for place, (text, (start, wide)) in enumerate(zip(row, places, strict=False)):
            is_last = place == len(row) - 1
            area = Area(start, top, left + width - start if is_last else wide, line_height(_BODY))
            writer.write(text, area, _BODY, GREY if place == 0 else INK, is_bold=number == 0)


def _labelled(
    title: str, rows: Sequence[tuple[str, str, int]], across: Size, label: int, writer: _Writer
) -> None:
    """Rows of a label, a text, and how many lines it may have at most."""
    left, width = across
    writer.write(title, Area(left, _BOTTOM, width, line_height(_BODY)), _BODY, is_bold=True)
    top, height = _BOTTOM + _ROW + 4, line_height(_SMALL)
    for name, text, most in rows:
        room = min(most * height, _BOTTOM + _BOTTOM_HEIGHT - top)
        area = Area(left + label, top, width - label, room)
        count = max(1, writer.write(text, area, _SMALL))
        writer.cells[-1] = Cell(
            Area(area.left, area.top, area.width, count * height),
            writer.cells[-1].lines,
        )
        writer.write(name, Area(left, top, label - 8, height), _SMALL, GREY)
        top += count * height + 3


def _ticks(card: EvidenceCard, writer: _Writer) -> tuple[Swatch, ...]:
    """The list of ticked matches; the swatches of those that are drawn."""
    left, width = _COLUMNS[2]
    writer.write("Ticked matches", Area(left, _BOTTOM, width, line_height(_BODY)), _BODY, is_bold=True)
    height = line_height(_SMALL) + 2
    top = _BOTTOM + _ROW + 4
    rows = (_BOTTOM_HEIGHT - _ROW - 4) // height
    if not card.ticked:
        writer.write("No match was ticked.", Area(left, top, width, line_height(_SMALL)), _SMALL)
        return ()
    notes = _tick_notes(card, rows - 1)
    swatches = []
    places = ((left + 26, 84), (left + 112, 108), (left + 222, 108))
    listed = card.ticked[: _listed(card, rows)]
    for number, row in enumerate([("rank", "relevance", "distance"), *map(tick_row(card), listed)]):
        y = top + number * height
        for text, (start, wide) in zip(row, places, strict=True):
            writer.write(text, Area(start, y, wide, line_height(_SMALL)), _SMALL, INK if number else GREY)
        if number and card.is_drawn(listed[number - 1]):
            swatches.append(Swatch(Area(left, y + 4, 18, 18), match_color(listed[number - 1].rank - 1)))
    for number, note in enumerate(notes, len(listed) + 1):
        y = top + number * height
        writer.write(note, Area(left, y, width, line_height(_SMALL)), _SMALL, GREY)
    return tuple(swatches)


def _listed(card: EvidenceCard, rows: int) -> int:
    """How many ticked matches there is room for, below the names of the columns and above the notes."""
    return min(len(card.ticked), rows - 1 - len(_tick_notes(card, rows - 1)))


def _tick_notes(card: EvidenceCard, room: int) -> list[str]:
    notes = ["✓ convincing, ✕ misleading"]
    if any(not card.is_drawn(one) for one in card.ticked):
        where = card.ticked_elsewhere
        notes += ["* ticked on another drawing:", where] if where else ["* not among the lines drawn"]
    if len(card.ticked) > room - len(notes):
        left = len(card.ticked) - (room - len(notes) - 1)
        notes.insert(0, f"… and {left} more")
    return notes
