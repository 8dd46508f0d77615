from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from pairx_core.decisions import Decision
from pairx_core.decisions.decision import ADJUDICATED
from pairx_core.sessions import ExpertSession, SessionPair, plan_session


@dataclass
class Memory:
    """Entries that are kept nowhere."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    name: str = "memory"

    def append(self, entry: dict[str, Any]) -> None:
        self.kept.append(entry)

    def entries(self) -> tuple[dict[str, Any], ...]:
        return tuple(self.kept)

    def exclusive(self):
        return contextlib.nullcontext()


class Record:
    """Decisions as a log would hold them."""

    def __init__(self) -> None:
        self.rows: list[Decision] = []
        self._numbers = count()

    def say(
        self,
        session: ExpertSession,
        reviewer: str,
        number: int,
        verdict: str,
        *,
        blind: bool = False,
        tags=(),
    ) -> Decision:
        query, candidate = session.pairs[number].ids
        row = Decision(
            decision_id=f"d{next(self._numbers)}",
            decided_at=datetime(2026, 3, 1, tzinfo=UTC),
            reviewer=reviewer,
            session=session.name,
            query_id=query,
            candidate_id=candidate,
            decision=verdict,
            blind=blind,
            tags=tuple(tags),
        )
        self.rows.append(row)
        return row

    def undo(self, row: Decision) -> None:
        from dataclasses import replace

        number = next(self._numbers)
        taken_back = {"decision": "undo", "supersedes": row.decision_id, "tags": ()}
        self.rows.append(replace(row, decision_id=f"d{number}", **taken_back))

    def adjudicate(self, session: ExpertSession, by: str, number: int, verdict: str) -> Decision:
        return self.say(session, by, number, verdict, tags=(ADJUDICATED,))


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def make_session():
    def make(pairs: int = 4, **changes) -> ExpertSession:
        plan = {
            "name": "spring",
            "coordinator": "Ada",
            "reviewers": ("Ben", "Cleo"),
            "pairs": [SessionPair(f"q{n}", f"c{n}", 1, 0.5) for n in range(pairs)],
            "overlap": 2,
        }
        return plan_session(**plan | changes)

    return make
