"""Dates as people write them in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

DayOrder = Literal["day first", "month first"]

_TIME = r"(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AaPp][Mm])?\s*(?:Z|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-/:.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}")
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}){_TIME}")
_DIGITS_ONLY = re.compile(r"(\d{4})(\d{2})(\d{2})")


def parse_date(text: str, order: DayOrder | None = None) -> datetime | None:
    """The date in a cell, local time as written; None where it cannot be read or could mean two days.

    ``2026-03-01``, ``2026:03:01 09:15:02`` and ``1.3.2026`` are clear by themselves; ``order`` says how to
    take ``3/1/2026``. Fractions of a second and time zones are dropped.
    """
    if found := _YEAR_FIRST.fullmatch(text):
        year, _, month, day, *time = found.groups()
        return _datetime(year, month, day, time)
    if found := _DIGITS_ONLY.fullmatch(text):
        return _datetime(found[1], found[2], found[3], [])
    if not (found := _YEAR_LAST.fullmatch(text)):
        return None
    first, separator, second, year, *time = found.groups()
    if separator == ".":
        order = "day first"
    if order is None:
        return None
    day, month = (first, second) if order == "day first" else (second, first)
    return _datetime(year, month, day, time)


def day_order(texts: Iterable[str]) -> DayOrder | None:
    """Whether a column's dates such as 25/3/2026 have the day or the month first; None where unclear."""
    dates = [found for text in texts if (found := _YEAR_LAST.fullmatch(text)) and found[2] != "."]
    day_first = any(int(date[1]) > 12 for date in dates)
    month_first = any(int(date[3]) > 12 for date in dates)
    if day_first == month_first:
        return None
    return "day first" if day_first else "month first"


def _datetime(year: str, month: str, day: str, time: list[str | None]) -> datetime | None:
    hour, minute, second, half = time or (None, None, None, None)
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    try:
        return datetime(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0))
    except ValueError:  # the 31st of February
        return None
