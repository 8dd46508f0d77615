"""What people write into the cells of tables, and how it is understood."""

from __future__ import annotations

import math
import re
from datetime import datetime

from pairx_core.catalogue.dates import DayOrder, parse_date
from pairx_core.catalogue.entries import shortened
from pairx_core.catalogue.photo import Box
from pairx_core.catalogue.problems import ProblemList

NO_VALUE = frozenset({"", "unknown", "____", "nan"})
NO_NUMBER = NO_VALUE | {"nat", "none", "null"}  # of a date, a box or an angle
NO_MASK = NO_NUMBER | {"[]", "{}"}


def known_value(text: str) -> str | None:
    """A cell's text; None where the value is not known (empty, ``unknown``, ``____``, ``nan``)."""
    return None if text.casefold() in NO_VALUE else text


def parse_box(text: str) -> Box | None:
    """A box from "[x, y, w, h]" in any usual brackets and separators; None where the cell is empty.

    Raises:
        ValueError: not four finite numbers with a size above zero.
    """
    if text.casefold() in NO_NUMBER:
        return None
    return box_of(re.split(r"[,;\s]+", text.strip("[](){} \n\t")))


def box_of(texts: list[str], theta: float = 0.0) -> Box:
    """A box from x, y, width and height as written.

    Raises:
        ValueError: not four finite numbers with a size above zero.
    """
    x, y, width, height = (float(text) for text in texts)
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        raise ValueError(", ".join(texts))
    return Box(x, y, width, height, theta)


def parse_theta(text: str) -> float:
    """The turn of a box in radians, brought to -π … π; 0 where there is none (empty, ``none``, ``nan``).

    Raises:
        ValueError: not a finite number.
    """
    if text.casefold() in NO_NUMBER:
        return 0.0
    theta = float(text)
    if not math.isfinite(theta):
        raise ValueError(text)
    return math.remainder(theta, math.tau)


def date_or_note(
    text: str, order: DayOrder | None, problems: ProblemList, *, row: int, column: str
) -> datetime | None:
    """The date in a cell; None, and a note, where it cannot be read."""
    if text.casefold() in NO_NUMBER:
        return None
    date = parse_date(text, order)
    if date is None:
        problems.note(
            f"The date “{shortened(text)}” cannot be read, or could mean two days; the photo is used without a "
            "date. Write dates as 2026-03-01, with the time as 09:15:02 after it.",
            kind="date",
            row=row,
            column=column,
        )
    return date


def place_or_note(
    latitude: str | None, longitude: str | None, problems: ProblemList, *, row: int, column: str
) -> tuple[float, float] | None:
    """(latitude, longitude) in degrees; None where one is not given, with a note where they cannot be."""
    if latitude is None or longitude is None:
        return None
    try:
        place = float(latitude), float(longitude)
    except ValueError:
        place = math.nan, math.nan
    if abs(place[0]) <= 90 and abs(place[1]) <= 180:
        return place
    problems.note(
        f"“{shortened(f'{latitude}, {longitude}')}” is not a latitude (-90 to 90) and a longitude (-180 to 180) in "
        "degrees; the photo is used without a place. Write them as -24.9948 and 31.5969.",
        kind="place",
        row=row,
        column=column,
    )
    return None
