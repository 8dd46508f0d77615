"""A decision as one row of the decisions file, and back."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import fields
from datetime import UTC, datetime

from pairx_core.decisions.decision import VERDICTS, Decision, Verdict

COLUMNS = tuple(field.name for field in fields(Decision))
HEADER = (",".join(COLUMNS) + "\n").encode()


def row_bytes(decision: Decision) -> bytes:
    """The row, in UTF-8 with a line end; every value comes back exactly from :func:`parse_row`."""
    values = [_cell(getattr(decision, column)) for column in COLUMNS]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(values)  # this line end has lone \r and \n quoted
    return (buffer.getvalue().removesuffix("\r\n") + "\n").encode()


def parse_row(record: bytes) -> Decision:
    """The decision in one row.

    Raises:
        ValueError: the row is not whole or not ours; the message says why.
    """
    values = split_cells(record)
    if len(values) != len(COLUMNS):
        raise ValueError(f"{len(values)} values instead of {len(COLUMNS)}")
    cells = dict(zip(COLUMNS, values, strict=True))
    for column in ("decision_id", "reviewer", "query_id", "candidate_id"):
        if not cells[column]:
            raise ValueError(f"{column} is empty")
    return _decision(cells)


def split_cells(record: bytes) -> list[str]:
    """The values of one row.

    Raises:
        ValueError: not UTF-8, or quotation marks out of place.
    """
    try:
        text = record.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    try:
        rows = list(csv.reader([text.removesuffix("\n").removesuffix("\r")], strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    return rows[0] if rows else []


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case tuple():
            return "|".join(value)
        case _:
            return str(value)


def _decision(cells: dict[str, str]) -> Decision:
    return Decision(
        decision_id=cells["decision_id"],
        decided_at=_time(cells["decided_at"]),
        reviewer=cells["reviewer"],
        session=cells["session"],
        query_id=cells["query_id"],
        candidate_id=cells["candidate_id"],
        decision=_verdict(cells["decision"]),
        confidence=cells["confidence"],
        tags=_parts(cells["tags"]),
        note=cells["note"],
        rank=_rank(cells["rank"]),
        similarity=_number(cells, "similarity"),
        query_path=cells["query_path"],
        candidate_path=cells["candidate_path"],
        query_identity=cells["query_identity"],
        candidate_identity=cells["candidate_identity"],
        model=cells["model"],
        layer=cells["layer"],
        overlay_shown=_parts(cells["overlay_shown"]),
        blind=_flag(cells["blind"]),
        seconds=_number(cells, "seconds"),
        supersedes=cells["supersedes"],
        app_version=cells["app_version"],
    )


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"decided_at “{text[:40]}” is not a time such as 2026-03-01T09:15:02.123Z") from None
    if time.tzinfo is None:
        raise ValueError(f"decided_at “{text[:40]}” does not say that it is UTC (Z at its end)")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"decided_at “{text[:40]}” lies outside the calendar") from None


def _verdict(text: str) -> Verdict:
    for verdict in VERDICTS:
        if text == verdict:
            return verdict
    raise ValueError(f"decision “{text[:40]}” is not one of {', '.join(VERDICTS)}")


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("|") if part)


def _rank(text: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"rank “{text[:40]}” is not a whole number") from None


def _number(cells: dict[str, str], column: str) -> float | None:
    text = cells[column]
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{column} “{text[:40]}” is not a number")
    return number


def _flag(text: str) -> bool:
    flags = {"true": True, "false": False}
    try:
        return flags[text.lower()]
    except KeyError:
        raise ValueError(f"blind “{text[:40]}” is neither true nor false") from None
