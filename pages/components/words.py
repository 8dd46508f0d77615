"""How facts are said: ranks, dates, verdicts. Plain functions that return text or escaped HTML."""

from __future__ import annotations

from html import escape

from pages.components.query_status import QueryStatus
from pairx_core.catalogue import Photo, days_apart, distance_apart
from pairx_core.retrieval import Candidate

DECISIONS: dict[str, tuple[str, str]] = {
    "accept": ("✓", "accepted"),
    "reject": ("✕", "rejected"),
    "not_comparable": ("⊘", "not comparable"),
    "unsure": ("?", "unsure"),
}
SCENERY_TAG = "scenerymatch"  # WBIA's word: the background was matched, not the animal
_QUERY_BADGES = {
    QueryStatus.OPEN: ("open", "○"),
    QueryStatus.ACCEPTED: ("accept", "✓"),
    QueryStatus.ALL_REJECTED: ("reject", "✕"),
    QueryStatus.REVIEWED: ("none", "●"),
    QueryStatus.EMPTY: ("none", "–"),
}


def ordinal(rank: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    ending = "th" if 10 <= rank % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def ranked(candidate: Candidate) -> str:
    """Rank and similarity, as a ranking and not as a verdict: “1st · 0.83”; another matcher's score as it came.

    Without a rank: “not ranked”, and the similarity where it is known.
    """
    if not candidate.rank:
        return candidate.score or f"not ranked · {candidate.similarity:.2f}"
    return f"{ordinal(candidate.rank)} · {candidate.score or f'{candidate.similarity:.2f}'}"


def file_name(photo: Photo) -> str:
    """The file's name without its folders."""
    return photo.path.name


def short_place(place: str) -> str:
    """A file's name without its folders, or a database's without the server."""
    return place.rstrip("/").replace("\\", "/").rpartition("/")[2] or place


def identity(photo: Photo) -> str:
    """Who it is."""
    return photo.identity if photo.identity is not None else "unknown"


def verdict_badge(decision: str | None) -> str:
    """A pair's standing decision."""
    sign, word = DECISIONS.get(decision or "", ("○", "open"))
    return f'<span class="px-badge px-{escape(decision or "open")}">{sign} {word}</span>'


def status_badge(status: QueryStatus) -> str:
    """What has been decided about a query."""
    look, sign = _QUERY_BADGES[status]
    return f'<span class="px-badge px-{look}">{sign} {status.value}</span>'


def facts(photo: Photo) -> str:
    """File, date, site, flank, identity and species; what is not known is said to be."""
    parts = [
        escape(file_name(photo)),
        _or_missing(_date(photo), "no date"),
        _or_missing(photo.site, "no site"),
        _or_missing(_flank(photo), "no flank"),
        f"<b>{escape(identity(photo))}</b>",
        _or_missing(photo.species, "no species"),
    ]
    return " · ".join(parts)


def facts_in_short(photo: Photo) -> str:
    """File, date and flank, as plain text."""
    return " · ".join(part for part in (file_name(photo), _date(photo), _flank(photo)) if part)


def apart(query: Photo, candidate: Photo) -> str:
    """What lies between two photos: “12 days, 3.4 km apart”; empty where nothing of it is known."""
    parts = [part for part in (days_apart(query, candidate), distance_apart(query, candidate)) if part]
    if parts == ["same day"]:
        return "same day"
    return f"{', '.join(parts)} apart" if parts else ""


def count(number: int, one: str, many: str | None = None) -> str:
    """“1 photo”, “12 photos”."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _flank(photo: Photo) -> str | None:
    return (
        f"{photo.flank} flank"
        if photo.flank in ("left", "right")
        else photo.flank and f"flank: {photo.flank}"
    )


def _date(photo: Photo) -> str | None:
    if photo.date is None:
        return None
    day = f"{photo.date.day} {photo.date:%b %Y}"
    return day if (photo.date.hour, photo.date.minute) == (0, 0) else f"{day}, {photo.date:%H:%M}"


def _or_missing(value: str | None, missing: str) -> str:
    return escape(value) if value else f'<span class="px-missing">{missing}</span>'


def time_left(seconds: float) -> str:
    """How long something will take, roughly."""
    if seconds < 90:
        return f"about {max(5, 5 * round(seconds / 5))} seconds left"
    if seconds < 5400:
        return f"about {round(seconds / 60)} minutes left"
    return f"about {seconds / 3600:.1f} hours left"
