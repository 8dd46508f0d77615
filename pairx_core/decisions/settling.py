"""What every store of decisions has in common: how a decision is settled before it is appended."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Unpack

from pairx_core.decisions.checking import checked
from pairx_core.decisions.decision import Decision, DecisionContext, Verdict
from pairx_core.errors import DecisionLogError
from pairx_core.version import __version__


class UnconfirmedError(DecisionLogError):
    """The connection was lost while something was saved, so that nobody knows whether it was."""


class RecordingStore(ABC):
    """Takes decisions and undoing them; what it is derived for says how they are appended."""

    def record(
        self,
        *,
        reviewer: str,
        query_id: str,
        candidate_id: str,
        decision: Verdict,
        session: str = "",
        decision_id: str | None = None,
        decided_at: datetime | None = None,
        **context: Unpack[DecisionContext],
    ) -> Decision:
        """Append a decision and return it as the store now holds it; :class:`Decision` explains the fields.

        It supersedes the reviewer's decision that stood on this pair. A ``decision_id`` that is in the store
        already and says the same is the same decision arriving again, as from a key held down: nothing is
        appended, and the row from the store is returned. One that says something else gets an id of its own.
        NUL characters are removed from texts; half characters (lone surrogates) become U+FFFD.

        Raises:
            DecisionLogError: the decision was not saved; the message says why and what to do.
        """
        if decision == "undo":
            raise DecisionLogError(
                f"An undo says which decision it takes back. Use {type(self).__name__}.undo."
            )
        context.setdefault("app_version", __version__)
        draft = Decision(
            decision_id=decision_id or uuid.uuid4().hex,
            decided_at=decided_at or datetime.now(UTC),
            reviewer=reviewer,
            session=session,
            query_id=query_id,
            candidate_id=candidate_id,
            decision=decision,
            **context,
        )
        return self._append(draft)

    def undo(
        self,
        decision: Decision,
        *,
        reviewer: str,
        session: str = "",
        note: str = "",
        seconds: float | None = None,
        decision_id: str | None = None,
        decided_at: datetime | None = None,
        app_version: str = __version__,
    ) -> Decision:
        """Append a row that takes a decision back, and return it; the one before it on the pair stands again.

        Undoing the same decision again appends nothing and returns the row from the store.

        Raises:
            DecisionLogError: it is another reviewer's decision, is not in the store, or was replaced by a
                later one; or the row was not saved.
        """
        draft = replace(
            decision,
            decision_id=decision_id or uuid.uuid4().hex,
            decided_at=decided_at or datetime.now(UTC),
            reviewer=reviewer,
            session=session,
            decision="undo",
            confidence="",
            tags=(),
            note=note,
            seconds=seconds,
            supersedes=decision.decision_id,
            app_version=app_version,
        )
        return self._append(draft)

    @abstractmethod
    def _append_once(self, draft: Decision) -> Decision:
        """Append what :meth:`Standing.settle` makes of a draft, unless that is there; return it as stored."""

    def _append(self, draft: Decision) -> Decision:
        try:
            return self._append_once(_checked(draft))
        except UnconfirmedError:
            raise
        except DecisionLogError as reason:
            outcome = "Nothing was undone" if draft.decision == "undo" else "The decision was not saved"
            raise DecisionLogError(f"{outcome}. {reason}") from reason


class Standing:
    """The decisions of a store by what must be known before another one is appended.

    Adding a decision and settling one take the same time however many there are. Not thread-safe by itself.
    """

    def __init__(self, place: str, decisions: Iterable[Decision] = ()) -> None:
        self._place = place  # what messages call the store
        self._by_id: dict[str, Decision] = {}
        self._chains: dict[tuple[str, tuple[str, str]], list[Decision]] = {}  # (reviewer, pair) → in order
        self._undone: dict[tuple[str, str], Decision] = {}  # (reviewer, decision_id) → the row that undid it
        for decision in decisions:
            self.add(decision)

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, decision: Decision) -> None:
        """Take in the next decision of the store."""
        self._by_id[decision.decision_id] = decision
        if decision.decision == "undo":
            self._undone.setdefault((decision.reviewer, decision.supersedes), decision)
        else:
            self._chains.setdefault((decision.reviewer, decision.pair), []).append(decision)

    def find(self, decision_id: str) -> Decision | None:
        """The decision with this id."""
        return self._by_id.get(decision_id)

    def of(self, reviewer: str, pair: tuple[str, str]) -> Decision | None:
        """The reviewer's decision that stands on (query_id, candidate_id)."""
        chain = self._chains.get((reviewer, pair), [])
        while chain and (reviewer, chain[-1].decision_id) in self._undone:
            chain.pop()  # for good: what is undone stays so
        return chain[-1] if chain else None

    def settle(self, draft: Decision) -> Decision:
        """The decision to append; or the one in the store by which this was said already.

        Raises:
            DecisionLogError: the draft's id is another pair's or reviewer's, or it undoes what it must not.
        """
        said = self._already_recorded(draft)
        if said is not None:
            return said
        draft = self._with_free_id(draft)
        return self._undoing(draft) if draft.decision == "undo" else self._superseding(draft)

    def _already_recorded(self, draft: Decision) -> Decision | None:
        """The row in the store that says the same under the same id, if there is one."""
        earlier = self.find(draft.decision_id)
        if earlier is None:
            return None
        if (earlier.pair, earlier.reviewer) != (draft.pair, draft.reviewer):
            raise DecisionLogError(
                f"The decision_id {draft.decision_id} is in {self._place} for "
                "another pair or reviewer. Give each decision its own."
            )
        return earlier if _content(earlier) == _content(draft) else None

    def _with_free_id(self, draft: Decision) -> Decision:
        """A draft that says something else than the row with its id is a second thought: it gets its own id.

        So it comes when a row reached the disk although the system had reported a failure.
        """
        if self.find(draft.decision_id) is None:
            return draft
        return replace(draft, decision_id=uuid.uuid4().hex)

    def _superseding(self, draft: Decision) -> Decision:
        before = self.of(draft.reviewer, draft.pair)
        return replace(draft, supersedes="" if before is None else before.decision_id)

    def _undoing(self, draft: Decision) -> Decision:
        undone = self.find(draft.supersedes)
        if undone is None or undone.decision == "undo":
            raise DecisionLogError(f"{self._place} holds no such decision.")
        if undone.reviewer != draft.reviewer:
            raise DecisionLogError(f"Only {undone.reviewer} can take this decision back.")
        earlier = self._undone.get((undone.reviewer, undone.decision_id))
        if earlier is not None:
            return earlier
        if self.of(undone.reviewer, undone.pair) != undone:
            raise DecisionLogError("A later decision replaced this one. Undo that one first.")
        return draft


def _checked(draft: Decision) -> Decision:
    try:
        return checked(draft)
    except ValueError as reason:
        raise DecisionLogError(str(reason)) from reason


def _content(decision: Decision) -> tuple[object, ...]:
    """What a reviewer says with a decision."""
    return decision.decision, decision.confidence, decision.tags, decision.note
