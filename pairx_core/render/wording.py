"""Facts of photos and decisions in plain words, for pages that are printed."""

from __future__ import annotations

from datetime import UTC, datetime

from pairx_core.catalogue import Photo
from pairx_core.decisions.decision import ADJUDICATED, Decision

VERDICT_WORDS: dict[str, str] = {
    "accept": "accepted as the same individual",
    "reject": "rejected as different individuals",
    "not_comparable": "not comparable",
    "unsure": "unsure",
    "undo": "earlier decision taken back",
}
VERDICT_SHORT: dict[str, str] = {
    "accept": "accepted",
    "reject": "rejected",
    "not_comparable": "not comparable",
    "unsure": "unsure",
    "undo": "taken back",
}
NOT_KNOWN = "not known"


def in_words(decision: Decision) -> str:
    """What was decided: “Accepted as the same individual”."""
    words = VERDICT_WORDS[decision.decision]
    return words[:1].upper() + words[1:]


def decided(decision: Decision) -> str:
    """What was decided, and whether that settles a disagreement; without who and when."""
    words = in_words(decision)
    return f"Settled by an adjudicator: {words.lower()}" if ADJUDICATED in decision.tags else words


def moment(time: datetime) -> str:
    """A time as “2026-03-01 14:20 UTC”."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def taken(photo: Photo) -> str:
    """When a photo was taken, as the catalogue says; midnight stands for a day without a time."""
    if photo.date is None:
        return NOT_KNOWN
    is_day = (photo.date.hour, photo.date.minute, photo.date.second) == (0, 0, 0)
    return f"{photo.date:%Y-%m-%d}" if is_day else f"{photo.date:%Y-%m-%d %H:%M}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """“1 photo”, “12 photos”."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
