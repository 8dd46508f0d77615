"""How far a reviewer is in a session; always derived from the decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from pairx_core.decisions import Decision, standing_decisions
from pairx_core.decisions.decision import ADJUDICATED
from pairx_core.sessions.definition import ExpertSession, Pair


class Stage(Enum):
    """What a reviewer is asked about a pair."""

    BLIND = "blind"  # a verdict on the bare photos
    REVEALED = "revealed"  # to keep or change it, now that the explanation is shown
    OPEN = "open"  # a verdict with everything shown: in an open session
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Task:
    """A pair of a reviewer's queue, and what is asked about it."""

    place: int  # in the reviewer's queue, from 0
    number: int  # of the pair in the session, from 0
    stage: Stage


@dataclass(frozen=True)
class Progress:
    """A reviewer's queue and what they have said."""

    session: ExpertSession
    reviewer: str
    standing: Mapping[Pair, Decision]  # the reviewer's in this session
    rows: tuple[
        Decision, ...
    ]  # the reviewer's in this session, in the order of the record, undone ones as well

    @property
    def total(self) -> int:
        """Pairs in the queue."""
        return len(self.session.queues[self.reviewer])

    @property
    def done(self) -> int:
        """Pairs with nothing left to ask."""
        queue = self.session.queues[self.reviewer]
        return sum(self.stage(number) is Stage.DONE for number in queue)

    def stage(self, number: int) -> Stage:
        """What is asked about a pair."""
        said = self.standing.get(self.session.pairs[number].ids)
        if not self.session.is_blind:
            return Stage.OPEN if said is None else Stage.DONE
        if said is None:
            return Stage.BLIND
        return Stage.REVEALED if said.blind else Stage.DONE

    def next_task(self, after: int = -1) -> Task | None:
        """The next pair with something to ask, going round from a place in the queue; None: all is done.

        A pair whose explanation was revealed comes before all others.
        """
        queue = self.session.queues[self.reviewer]
        tasks = [Task(place, number, self.stage(number)) for place, number in enumerate(queue)]
        order = [*tasks[after + 1 :], *tasks[: after + 1]]
        revealed = (task for task in order if task.stage is Stage.REVEALED)
        left = (task for task in order if task.stage is not Stage.DONE)
        return next(revealed, None) or next(left, None)

    def last_undoable(self) -> Decision | None:
        """The last decision of the reviewer in the session that may be taken back.

        A verdict on bare photos may not: what came after it has been seen.
        """
        undone = {row.supersedes for row in self.rows if row.decision == "undo"}
        final = (
            row
            for row in reversed(self.rows)
            if row.decision != "undo" and row.decision_id not in undone and not row.blind
        )
        return next(final, None)


def progress(session: ExpertSession, reviewer: str, decisions: Iterable[Decision]) -> Progress:
    """How far a reviewer is.

    Args:
        session: the session.
        reviewer: one of its reviewers.
        decisions: the record's, in its order.
    """
    rows = tuple(
        row
        for row in decisions
        if row.session == session.name and row.reviewer == reviewer and ADJUDICATED not in row.tags
    )
    return Progress(session, reviewer, standing_decisions(rows, reviewer), rows)
