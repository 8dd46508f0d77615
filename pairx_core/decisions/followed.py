"""What stands in a record that grows: new rows are taken in, and what was taken in before is not gone through again."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pairx_core.decisions.adjudication import disputes
from pairx_core.decisions.checking import tidy_name
from pairx_core.decisions.decision import ADJUDICATED, Decision
from pairx_core.decisions.settling_pairs import Pair, SettledPair, settle, unordered

ByQuery = Mapping[str, Mapping[str, Decision]]  # query id → candidate id → the decision that stands
_OPPOSED = {"accept", "reject"}


@dataclass(frozen=True, eq=False)
class ReviewerStanding(Mapping[tuple[str, str], Decision]):
    """A reviewer's decisions that stand, by (query_id, candidate_id). It never changes."""

    by_query: ByQuery = field(default_factory=dict)
    count: int = 0  # pairs
    last_undoable: Decision | None = None  # outside sessions, and no adjudication
    changed: Sequence[
        str
    ] = ()  # ids of the queries of all rows so far, in their order; may grow behind the rows
    rows: int = 0  # how many of ``changed`` are in here

    def __getitem__(self, pair: tuple[str, str]) -> Decision:
        return self.by_query[pair[0]][pair[1]]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((query, candidate) for query, of_one in self.by_query.items() for candidate in of_one)


_NOTHING = ReviewerStanding()


@dataclass(frozen=True, eq=False)
class StandingRecord:
    """A record as it stood when it was looked at. It never changes."""

    rows: Sequence[Decision] = ()  # those that belong, in the order of the record
    by_reviewer: Mapping[str, ReviewerStanding] = field(default_factory=dict)  # in the order of the record
    disagreed: frozenset[tuple[str, str]] = (
        frozenset()
    )  # pairs that one reviewer accepts and another one rejects

    def of(self, reviewer: str) -> ReviewerStanding:
        """What stands of a reviewer; nothing where they have decided nothing."""
        return self.by_reviewer.get(reviewer, _NOTHING)


class _Follower(ABC):
    """Takes in what is new in a record. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: Sequence[Decision] = ()
        self._forget()

    @abstractmethod
    def _forget(self) -> None:
        """Begin anew."""

    @abstractmethod
    def _take(self, rows: Sequence[Decision], start: int) -> None:
        """Take in the rows from one on."""

    def _follow(self, rows: Sequence[Decision]) -> None:
        """Take in what is new in rows; all of them where they do not begin with those seen.

        Rows that those seen begin with are a look from before, of another thread that was overtaken: what is known
        stays.
        """
        if self._is_overtaken(rows):
            return
        if not self._goes_on(rows):
            self._seen = ()
            self._forget()
        if len(rows) > len(self._seen):
            self._take(rows, len(self._seen))
        self._seen = rows

    def _goes_on(self, rows: Sequence[Decision]) -> bool:
        """Whether rows begin with those seen: the record's reader keeps its rows as long as the file only grows."""
        seen = self._seen
        return rows is seen or not seen or (len(rows) >= len(seen) and rows[len(seen) - 1] is seen[-1])

    def _is_overtaken(self, rows: Sequence[Decision]) -> bool:
        return 0 < len(rows) < len(self._seen) and self._seen[len(rows) - 1] is rows[-1]


class FollowedDecisions(_Follower):
    """Follows a record, so that a row more costs the same however many there are. Safe to use from several threads.

    What stands is what :func:`pairx_core.decisions.standing_by_reviewer` finds in all rows.
    """

    def __init__(self, belongs: Callable[[Decision], bool] = lambda _: True) -> None:
        """Take which rows count, such as those about one catalogue's photos."""
        self._belongs = belongs
        super().__init__()

    def look(self, rows: Sequence[Decision]) -> StandingRecord:
        """What stands now.

        Args:
            rows: all of the record's, in its order. Where they do not begin with those of the last look, they are
                gone through from the beginning; where an earlier look has gone beyond them, nothing changes.
        """
        with self._lock:
            self._follow(rows)
            return self._record

    def _forget(self) -> None:
        self._kept: list[Decision] | None = None  # the rows that belong; None while that is all of them
        self._reviewers: dict[str, _Reviewer] = {}
        self._said: dict[tuple[str, str], dict[str, str]] = {}  # pair → reviewer → verdict
        self._disagreed: set[tuple[str, str]] = set()
        self._record = StandingRecord()

    def _take(self, rows: Sequence[Decision], start: int) -> None:
        touched: set[str] = set()
        for at in range(start, len(rows)):
            row = rows[at]
            if not self._belongs(row):
                self._kept = list(rows[:at]) if self._kept is None else self._kept
                continue
            if self._kept is not None:
                self._kept.append(row)
            touched.add(row.reviewer)
            reviewer = self._reviewers.setdefault(row.reviewer, _Reviewer(row.reviewer))
            self._note(row.reviewer, *reviewer.add(row))
        fresh = {name: self._reviewers[name].published() for name in self._reviewers if name in touched}
        self._record = StandingRecord(
            rows if self._kept is None else tuple(self._kept),
            {**self._record.by_reviewer, **fresh},
            frozenset(self._disagreed) if touched else self._record.disagreed,
        )

    def _note(self, reviewer: str, pair: tuple[str, str], standing: Decision | None) -> None:
        said = self._said.setdefault(pair, {})
        if standing is None:
            said.pop(reviewer, None)
        else:
            said[reviewer] = standing.decision
        if len(said) > 1 and set(said.values()) >= _OPPOSED:
            self._disagreed.add(pair)
        else:
            self._disagreed.discard(pair)


class _Reviewer:
    """One reviewer's rows."""

    def __init__(self, name: str) -> None:
        self._counts = tidy_name(name) == name  # a name that is written otherwise is nobody's
        self._chains: dict[tuple[str, str], list[Decision]] = {}  # pair → what is not undone, in order
        self._pairs: dict[str, tuple[str, str]] = {}  # decision_id → pair
        self._undone: set[str] = set()
        self._plain: list[Decision] = []  # outside sessions, without adjudications
        self._changed: list[str] = []
        self._unpublished: set[tuple[str, str]] = set()
        self._published = ReviewerStanding()

    def add(self, row: Decision) -> tuple[tuple[str, str], Decision | None]:
        """Take in a row; the pair that it is about, and what stands on it now."""
        pair = self._take_back(row) if row.decision == "undo" else self._decide(row)
        self._changed.append(pair[0])
        self._unpublished.add(pair)
        chain = self._chains.get(pair)
        return pair, chain[-1] if chain else None

    def published(self) -> ReviewerStanding:
        """What stands now; what was published before stays as it was."""
        before = self._published.by_query
        count = self._published.count
        fresh: dict[str, dict[str, Decision]] = {}
        for pair in self._unpublished:
            query, candidate = pair
            of_query = fresh.setdefault(query, dict(before.get(query, {})))
            count -= candidate in of_query
            chain = self._chains.get(pair)
            if chain:
                of_query[candidate] = chain[-1]
                count += 1
            else:
                of_query.pop(candidate, None)
        self._unpublished.clear()
        by_query = {**before, **fresh}
        for query in [query for query, of_query in fresh.items() if not of_query]:
            del by_query[query]
        last = self._last_undoable()
        self._published = ReviewerStanding(by_query, count, last, self._changed, len(self._changed))
        return self._published

    def _decide(self, row: Decision) -> tuple[str, str]:
        self._pairs[row.decision_id] = row.pair
        if self._counts and row.decision_id not in self._undone:
            self._chains.setdefault(row.pair, []).append(row)
            if not row.session and ADJUDICATED not in row.tags:
                self._plain.append(row)
        return row.pair

    def _take_back(self, row: Decision) -> tuple[str, str]:
        self._undone.add(row.supersedes)
        pair = self._pairs.get(row.supersedes, row.pair)
        chain = self._chains.get(pair, [])
        chain[:] = [one for one in chain if one.decision_id != row.supersedes]
        return pair

    def _last_undoable(self) -> Decision | None:
        while self._plain and self._plain[-1].decision_id in self._undone:
            self._plain.pop()  # for good: what is undone stays so
        for row in reversed(self._plain):
            chain = self._chains.get(row.pair)
            if chain and chain[-1] is row:
                return row
        return None


@dataclass(frozen=True, eq=False)
class PairsOfRecord:
    """What all reviewers say about pairs of photos. It never changes."""

    settled: Mapping[Pair, SettledPair] = field(default_factory=dict)
    disputed: int = 0  # pairs on which reviewers differ and nobody has settled


class FollowedPairs(_Follower):
    """Follows the verdict on each pair, row by row. Safe to use from several threads.

    Verdicts are those that :func:`settle` finds in all rows, disputes those of :func:`disputes`.
    """

    def look(self, rows: Sequence[Decision]) -> PairsOfRecord:
        """The verdicts now; ``rows`` as for :meth:`FollowedDecisions.look`."""
        with self._lock:
            self._follow(rows)
            return self._pairs

    def _forget(self) -> None:
        self._rows: dict[Pair, list[Decision]] = {}  # what was said of a pair, and what takes some of it back
        self._pair_of: dict[tuple[str, str], Pair] = {}  # (reviewer, decision_id) → pair
        self._early: dict[tuple[str, str], list[Decision]] = {}  # undo rows that come before what they undo
        self._disputed: set[Pair] = set()
        self._pairs = PairsOfRecord()

    def _take(self, rows: Sequence[Decision], start: int) -> None:
        touched = {self._line_up(rows[at]) for at in range(start, len(rows))}
        settled = dict(self._pairs.settled)
        for pair in touched:
            of_pair = self._rows[pair]
            found = settle(of_pair).get(pair)
            if found is None:
                settled.pop(pair, None)
            else:
                settled[pair] = found
            is_open = any(one.settled is None for one in disputes(of_pair))
            (self._disputed.add if is_open else self._disputed.discard)(pair)
        self._pairs = PairsOfRecord(settled, len(self._disputed))

    def _line_up(self, row: Decision) -> Pair:
        """Put a row with those on its pair; an undo with what it takes back."""
        pair = unordered(*row.pair)
        of_row = (row.reviewer, row.supersedes if row.decision == "undo" else row.decision_id)
        if row.decision != "undo":
            self._pair_of[of_row] = pair
            self._rows.setdefault(pair, []).extend(self._early.pop(of_row, ()))
        elif of_row in self._pair_of:
            pair = self._pair_of[of_row]
        else:
            self._early.setdefault(of_row, []).append(row)
        self._rows.setdefault(pair, []).append(row)
        return pair
