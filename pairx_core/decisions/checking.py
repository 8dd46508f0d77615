"""What a decision must be like before it is written."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import UTC, datetime

from pairx_core.decisions.decision import VERDICTS, Decision

_LONGEST_TEXT = 30_000  # characters in one cell; spreadsheets cut cells off at 32,767
_PARTS = ("tags", "overlay_shown")


def checked(decision: Decision) -> Decision:
    """The decision as it will be written: texts cleaned, numbers rounded, the time in UTC.

    Raises:
        ValueError: something is missing or cannot be written; the message says what and what to do.
    """
    values = {field.name: getattr(decision, field.name) for field in fields(Decision)}
    cleaned_texts = {column: clean_text(value) for column, value in values.items() if isinstance(value, str)}
    cleaned_parts = {column: _clean_parts(values[column], column) for column in _PARTS}
    cleaned = Decision(**{**values, **cleaned_texts, **cleaned_parts})
    _check_texts(cleaned)
    return replace(
        cleaned,
        reviewer=tidy_name(cleaned.reviewer),
        decided_at=_utc(decision.decided_at),
        rank=None if decision.rank is None else int(decision.rank),
        similarity=_rounded(decision.similarity, 6, "similarity"),
        seconds=_rounded(decision.seconds, 3, "seconds"),
    )


def clean_text(text: str) -> str:
    """Text that a UTF-8 file can hold: NUL characters are removed, lone surrogates become U+FFFD."""
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def tidy_name(reviewer: str) -> str:
    """A reviewer's name on one line, without spaces at its ends or double ones in it."""
    return " ".join(clean_text(reviewer).split())


def _check_texts(decision: Decision) -> None:
    if not tidy_name(decision.reviewer):
        raise ValueError("There is no reviewer. Enter your name, then decide again.")
    for column in ("decision_id", "query_id", "candidate_id"):
        if not getattr(decision, column):
            raise ValueError(f"{column} is empty. It says what was decided, so it is needed.")
    if decision.decision not in VERDICTS:
        raise ValueError(f"“{decision.decision}” is no decision. Use one of {', '.join(VERDICTS)}.")
    for field in fields(Decision):
        value = getattr(decision, field.name)
        text = "|".join(value) if isinstance(value, tuple) else value
        if isinstance(text, str) and len(text) > _LONGEST_TEXT:
            raise ValueError(f"{field.name} has more than {_LONGEST_TEXT:,} characters. Shorten it.")


def _clean_parts(parts: tuple[str, ...], column: str) -> tuple[str, ...]:
    if isinstance(parts, str):
        raise ValueError(f"{column} must be several texts, not one. Give ({parts!r},).")
    cleaned = tuple(clean_text(part) for part in parts)
    if any("|" in part for part in cleaned):
        raise ValueError(
            f"{column} must not contain |, which separates them in the file. Use another character."
        )
    return tuple(part for part in cleaned if part)


def _utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError("decided_at has no time zone. Give a time in UTC.")
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _rounded(number: float | None, places: int, column: str) -> float | None:
    if number is None:
        return None
    if not math.isfinite(number):
        raise ValueError(f"{column} is not a number ({number}).")
    return round(float(number), places)
