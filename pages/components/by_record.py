"""How queries stand by the record alone: without their candidates, a million of them at once.

A query with an acceptance is accepted: that is certain. Without one it is taken for done once as many of its candidates
are decided on as are shown of each, and for open before. What its candidates say when it comes up is exact; it differs
where there are fewer candidates than that, or other ones under other filters.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pages.components.query_status import DISAGREED, UNSURE, QueryStatus
from pages.components.roster import Places, Queries, Roster
from pairx_core.decisions import Decision
from pairx_core.decisions.followed import ReviewerStanding

_CODES = {
    QueryStatus.OPEN.value: 0,
    QueryStatus.ACCEPTED.value: 1,
    QueryStatus.ALL_REJECTED.value: 2,
    QueryStatus.REVIEWED.value: 3,
}
_STATUS, _UNSURE = 3, 4  # the bits of a code that tell the status, and that a candidate is unsure
_KEPT = 8  # selections, and reviewers

Codes = npt.NDArray[np.uint8]
Asked = tuple[int, bool, frozenset[str], frozenset[str]]


@dataclass(frozen=True, eq=False)
class ByRecord:
    """How the photos of a roster stand for one reviewer, at one state of the record."""

    roster: Roster
    codes: Codes  # (N,)
    _kept: OrderedDict[Asked, tuple[Places, Queries]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def done(self, places: Places) -> int:
        """How many of some places have nothing left to decide."""
        return int(np.count_nonzero(self.codes[places] & _STATUS))

    def standing_so(
        self, queries: Queries, open_only: bool, standings: frozenset[str], disagreed: frozenset[str]
    ) -> Queries:
        """Those of some queries that stand as is asked for; remembered.

        Args:
            queries: to choose from.
            open_only: only open ones.
            standings: values of QueryStatus, UNSURE, DISAGREED, any of which will do; empty excludes nothing.
            disagreed: ids of queries on which reviewers' decisions differ.
        """
        asked = (id(queries.places), open_only, standings, disagreed)
        with self._lock:
            kept = self._kept.get(asked)
        if kept is not None and kept[0] is queries.places:
            return kept[1]
        found = queries.at_places(
            queries.places[self._stand_so(queries.places, open_only, standings, disagreed)]
        )
        with self._lock:
            self._kept[asked] = queries.places, found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _stand_so(
        self, places: Places, open_only: bool, standings: frozenset[str], disagreed: Collection[str]
    ) -> npt.NDArray[np.bool_]:
        codes = self.codes[places]
        chosen = np.ones(len(places), bool)
        if open_only:
            chosen &= codes & _STATUS == 0
        if not standings:
            return chosen
        any_of = np.isin(codes & _STATUS, [_CODES[one] for one in standings if one in _CODES])
        if UNSURE in standings:
            any_of |= codes & _UNSURE != 0
        if DISAGREED in standings:
            known = (self.roster.place(one) for one in disagreed)
            any_of |= np.isin(places, np.asarray([place for place in known if place is not None], np.int32))
        found: npt.NDArray[np.bool_] = chosen & any_of
        return found


class ByRecordBook:
    """How queries stand for each reviewer, followed decision by decision. Safe to use from several threads."""

    def __init__(self, roster: Roster, enough: int) -> None:
        """Take the photos, and how many candidates decided on make a query done."""
        self._roster = roster
        self._enough = enough
        self._known: OrderedDict[str, tuple[ReviewerStanding, ByRecord]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, reviewer: str, standing: ReviewerStanding) -> ByRecord:
        """How queries stand with what stands of a reviewer."""
        with self._lock:
            before = self._known.get(reviewer)
            if before is not None and before[0] is standing:
                return before[1]
            now = ByRecord(self._roster, self._codes(before, standing))
            self._known[reviewer] = standing, now
            self._known.move_to_end(reviewer)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return now

    def _codes(self, before: tuple[ReviewerStanding, ByRecord] | None, standing: ReviewerStanding) -> Codes:
        codes = np.zeros(len(self._roster), np.uint8)
        changed: Iterable[str] = standing.by_query
        if before is not None and before[0].changed is standing.changed and before[0].rows <= standing.rows:
            codes = before[1].codes.copy()
            changed = standing.changed[before[0].rows : standing.rows]
        for query_id in changed:
            place = self._roster.place(query_id)
            if place is not None:
                codes[place] = self._code(standing.by_query.get(query_id, {}))
        return codes

    def _code(self, decided: Mapping[str, Decision]) -> int:
        said = [row.decision for row in decided.values()]
        status = QueryStatus.OPEN
        if "accept" in said:
            status = QueryStatus.ACCEPTED
        elif len(said) >= self._enough:
            status = QueryStatus.ALL_REJECTED if set(said) == {"reject"} else QueryStatus.REVIEWED
        return _CODES[status.value] | (_UNSURE if "unsure" in said else 0)
