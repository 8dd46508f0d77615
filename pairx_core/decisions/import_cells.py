"""Numbers, times and words out of the cells of a table that a spreadsheet program may have changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo

from pairx_core.decisions.import_table import Notes, Table, cut
from pairx_core.formulas import MARKER

IDS = ("decision_id", "supersedes", "query_id", "candidate_id", "query_identity", "candidate_identity")
_TRUE = ("true", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar", "sant", "prawda", "1")
_FALSE = ("false", "falsch", "faux", "falso", "onwaar", "falskt", "fałsz", "0")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_CLOCK = (
    r"(?:,?\s+|T)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,6}))?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?"
)
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){_CLOCK}", re.IGNORECASE
)
_YEAR_LAST = re.compile(
    rf"(?P<one>\d{{1,2}})(?P<mark>[-/.])(?P<two>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d{{2}}){_CLOCK}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reading:
    """How cells have to be understood, as the whole file tells."""

    notes: Notes
    timezone: tzinfo | None  # of times that do not say theirs
    is_day_first: bool | None  # in times like 3/1/2026; None where no row tells
    may_have_commas: bool  # in numbers, for their decimal point
    may_lack_points: bool  # in seconds; a spreadsheet may have taken them for thousands separators


def reading_of(table: Table, timezone: tzinfo | None, notes: Notes) -> Reading:
    """How a table's cells have to be understood; what that rests on is noted."""
    is_local = table.separator != ","
    has_points = {
        name: any("." in cell for _, cell in table.column(name)) for name in ("similarity", "seconds")
    }
    _note_lost_zeros(table, notes)
    return Reading(
        notes=notes,
        timezone=timezone,
        is_day_first=_is_day_first(table, notes),
        may_have_commas=is_local and not any(has_points.values()),
        may_lack_points=is_local and has_points["similarity"] and not has_points["seconds"],
    )


def _is_day_first(table: Table, notes: Notes) -> bool | None:
    """Whether 3/1/2026 is in January, as rows like 13/1/2026 or 1/13/2026 tell."""
    days_at: dict[bool, int] = {}
    for number, cell in table.column("decided_at"):
        match = _YEAR_LAST.fullmatch(cell)
        if match and match["mark"] != ".":
            if int(match["one"]) > 12:
                days_at.setdefault(True, number)
            if int(match["two"]) > 12:
                days_at.setdefault(False, number)
    if len(days_at) != 1:
        return None
    ((is_day_first, number),) = days_at.items()
    order = "day/month/year" if is_day_first else "month/day/year"
    notes.add(f"decided_at was read as {order}, as row {number} shows")
    return is_day_first


def _note_lost_zeros(table: Table, notes: Notes) -> None:
    cells = [cell for name in IDS for _, cell in table.column(name) if cell.isdecimal()]
    if cells and not table.is_of_store and not any(cell.startswith("0") for cell in cells):
        notes.add(
            f"ids such as {cut(cells[0])} are numbers; had a spreadsheet program taken zeros from their start, "
            "it could not be seen here"
        )


def number_in(text: str, column: str, reading: Reading) -> str:
    """A number as the store writes it; empty where there is none.

    Raises:
        ValueError: it is none, or it may have lost its decimal point.
    """
    if not text:
        return ""
    shown = f"{column} “{cut(text)}”"
    if "," in text and not reading.may_have_commas:
        raise ValueError(f"{shown} has a comma where a decimal point should be; write it with a point")
    if column == "seconds" and reading.may_lack_points and re.fullmatch(r"\d{4,}", text):
        raise ValueError(
            f"{shown} may have lost its decimal point to a spreadsheet program; write {text}.0 if it is right"
        )
    if "," in text:
        reading.notes.add("decimal commas were read as decimal points")
    number = text.replace(",", ".").replace("−", "-")
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{shown} is not a number")
    if column == "similarity" and abs(float(number)) > 1.001:
        raise ValueError(
            f"{shown} lies outside −1 to 1, so its decimal point was lost; copy it from the original"
        )
    return re.sub(r"\.0*$", "", number) if column == "rank" else number


def flag_in(text: str, column: str, reading: Reading) -> bool:
    """Whether a word for true stands there, in the languages that spreadsheet programs write it in.

    Raises:
        ValueError: a word for neither true nor false.
    """
    word = text.strip()
    if word.casefold() not in (*_TRUE, *_FALSE):
        raise ValueError(f"{column} “{cut(word)}” is neither true nor false")
    if word not in {"true", "false"} and column != MARKER:
        reading.notes.add(f"words such as {word} were read as true or false")
    return word.casefold() in _TRUE


def time_in(text: str, reading: Reading) -> str:
    """The time in ISO 8601 with its zone.

    Raises:
        ValueError: it cannot be understood for certain.
    """
    try:
        time = datetime.fromisoformat(re.sub(r"\s*(?:UTC|GMT)$", "Z", text))
    except ValueError:
        time = None
    if time is not None and time.tzinfo is not None:
        return time.isoformat()
    return _in_zone(_local_time(text, reading), text, reading).isoformat()


def _local_time(text: str, reading: Reading) -> datetime:
    match = _YEAR_FIRST.fullmatch(text) or _YEAR_LAST.fullmatch(text)
    if match is None:
        raise ValueError(
            f"decided_at “{cut(text)}” is not a time that can be read; write it like 2026-03-01T09:15:02Z"
        )
    year, month, day = _date(match, text, reading)
    try:
        return datetime(year, month, day, _hour(match), *_rest_of_time(match, reading))
    except ValueError:
        raise ValueError(f"decided_at “{cut(text)}” is not in the calendar or on the clock") from None


def _date(match: re.Match[str], text: str, reading: Reading) -> tuple[int, int, int]:
    """Year, month, day."""
    if match.re is _YEAR_FIRST:
        return int(match["year"]), int(match["month"]), int(match["day"])
    if len(match["year"]) == 2:
        reading.notes.add("years of two digits were read as 20..")
    year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)
    one, two = int(match["one"]), int(match["two"])
    if match["mark"] == ".":
        reading.notes.add("decided_at was read as day.month.year")
        return year, two, one
    is_day_first = one > 12 or (two <= 12 and reading.is_day_first)
    if one != two and max(one, two) <= 12 and reading.is_day_first is None:
        raise ValueError(
            f"decided_at “{cut(text)}” may be day or month first, and no other row settles it; write it like "
            "2026-03-01T09:15:02Z"
        )
    return (year, two, one) if is_day_first else (year, one, two)


def _hour(match: re.Match[str]) -> int:
    hour = int(match["hour"])
    if match["half"] is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("not on a clock of twelve hours")
    return hour % 12 + (12 if match["half"].casefold() == "p" else 0)


def _rest_of_time(match: re.Match[str], reading: Reading) -> tuple[int, int, int]:
    """Minute, second, microsecond."""
    if match["second"] is None:
        reading.notes.add("times without seconds were taken at the full minute")
    return int(match["minute"]), int(match["second"] or 0), int((match["fraction"] or "0").ljust(6, "0"))


def _in_zone(time: datetime, text: str, reading: Reading) -> datetime:
    zone = reading.timezone
    if zone is None:
        raise ValueError(
            f"decided_at “{cut(text)}” does not say its time zone; give the zone (UTC where a spreadsheet "
            "program shows a time of ours in another way), or write it like 2026-03-01T09:15:02Z"
        )
    first, second = (time.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise ValueError(
            f"decided_at “{cut(text)}” lies where clocks are changed in {zone}, so it is twice or not at all; "
            "write it in UTC like 2026-03-01T09:15:02Z"
        )
    reading.notes.add(f"times without a time zone were taken as {zone}")
    return first
