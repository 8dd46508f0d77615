"""Which media belong to an event that is told by a deployment, a beginning and an end (Camtrap DP 1.0)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from pairx_core.catalogue.dates import parse_date


class MediaByTime:
    """The media of each deployment by the time at which they were taken."""

    def __init__(self, media: Mapping[str, tuple[str, str]], spans: Iterable[tuple[str, str]]) -> None:
        """Take all media and events; where one time has no zone, all are compared by the clock alone.

        Args:
            media: deployment and time, as written, by mediaID.
            spans: the events' beginnings and ends, as written.
        """
        taken = {media_id: _moment(written) for media_id, (_, written) in media.items()}
        times = [*taken.values(), *(_moment(written) for span in spans for written in span)]
        self._has_zones = all(time is None or time.tzinfo is not None for time in times)
        self._of: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for media_id, time in taken.items():
            if time is not None:
                self._of[media[media_id][0]].append((self._comparable(time), media_id))
        for of_one in self._of.values():
            of_one.sort()

    def between(self, deployment: str, start: str, end: str) -> list[str]:
        """The mediaIDs of a deployment from a beginning to an end, both as written; none without a beginning."""
        first, last = _moment(start), _moment(end)
        if first is None:
            return []
        media = self._of.get(deployment, [])
        left = bisect_left(media, self._comparable(first), key=_time)
        right = bisect_right(media, self._comparable(last or first), key=_time)
        return [media_id for _, media_id in media[left:right]]

    def _comparable(self, time: datetime) -> datetime:
        if self._has_zones:
            with suppress(OverflowError):  # in the year 1 or 9999
                time = time.astimezone(UTC)
        return time.replace(tzinfo=None)


def _moment(written: str) -> datetime | None:
    """A time with the zone that it is written with; None where it cannot be read."""
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return parse_date(written)


def _time(entry: tuple[datetime, str]) -> datetime:
    return entry[0]
