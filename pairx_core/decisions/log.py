"""The decisions file: rows are appended, under a lock, and never changed."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

from pairx_core.decisions.appending import CHOOSE_ANOTHER, append, locked, make_folder_of, sync_folder
from pairx_core.decisions.checking import checked
from pairx_core.decisions.decision import Decision, DecisionContext, Verdict
from pairx_core.decisions.reader import DecisionReader
from pairx_core.decisions.recovery import DamagedRow
from pairx_core.decisions.rows import HEADER, row_bytes
from pairx_core.decisions.standing import standing_decisions, undo_of
from pairx_core.errors import DecisionLogError
from pairx_core.version import __version__

_KIND = "decisions file"


class DecisionLog:
    """The record of decisions in one CSV file, which several reviewers and programs may share.

    The file and its folder are made where they are missing. Each decision is one row, appended in one write
    and flushed to the disk before :meth:`record` returns. All methods may be called from several threads,
    and see what other programs append.

    Raises:
        DecisionLogError: the file cannot be made, read or written, or is not a decisions file of ours.
    """

    def __init__(self, path: str | Path, *, lock_timeout: float = 10.0) -> None:
        self.path = Path(path).expanduser().absolute()
        self._lock_timeout = lock_timeout  # seconds to wait for another program that is writing
        self._threads = threading.RLock()
        self._reader = DecisionReader(self.path)
        make_folder_of(self.path, _KIND)
        with self._exclusive():
            self._start_file()
            self._reader.refresh()

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions in the file, undone ones and the undo rows included, in its order.

        Raises:
            DecisionLogError: the file is gone, cannot be read, or is not ours any more.
        """
        with self._threads:
            self._reader.refresh()
            return self._reader.decisions

    @property
    def damaged(self) -> tuple[DamagedRow, ...]:
        """Rows that cannot be read as decisions: torn by a crash, or changed by another program."""
        with self._threads:
            self._reader.refresh()
            return self._reader.damaged

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
        """Append a decision and return it as the file now holds it; :class:`Decision` explains the fields.

        It supersedes the reviewer's decision that stood on this pair. A ``decision_id`` that is in the file
        already and says the same is the same decision arriving again, as from a key held down: nothing is
        appended, and the row from the file is returned. One that says something else gets an id of its own.
        NUL characters are removed from texts; half characters (lone surrogates) become U+FFFD.

        Raises:
            DecisionLogError: the decision was not saved; the message says why and what to do.
        """
        if decision == "undo":
            raise DecisionLogError("An undo says which decision it takes back. Use DecisionLog.undo.")
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
        return self._append(draft, self._superseding)

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

        Undoing the same decision again appends nothing and returns the row from the file.

        Raises:
            DecisionLogError: it is another reviewer's decision, is not in the file, or was replaced by a
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
        return self._append(draft, self._undoing)

    def _append(self, draft: Decision, settle: Callable[[Decision], Decision]) -> Decision:
        """Write what ``settle`` makes of the draft under the lock, unless that is in the file already."""
        with self._threads:
            try:
                decision = self._write_once(_checked(draft), settle)
            except DecisionLogError as reason:
                outcome = "Nothing was undone" if draft.decision == "undo" else "The decision was not saved"
                raise DecisionLogError(f"{outcome}. {reason}") from reason
            return self._as_stored(decision.decision_id)

    def _write_once(self, draft: Decision, settle: Callable[[Decision], Decision]) -> Decision:
        with self._exclusive():
            self._reader.refresh()
            decision = self._already_recorded(draft) or settle(self._with_free_id(draft))
            if self._reader.find(decision.decision_id) is None:
                self._write(self._reader.missing_ending + row_bytes(decision))
            return decision

    def _already_recorded(self, draft: Decision) -> Decision | None:
        """The row in the file that says the same under the same id, if there is one."""
        earlier = self._reader.find(draft.decision_id)
        if earlier is None:
            return None
        if (earlier.pair, earlier.reviewer) != (draft.pair, draft.reviewer):
            raise DecisionLogError(
                f"The decision_id {draft.decision_id} is in {self.path} for "
                "another pair or reviewer. Give each decision its own."
            )
        return earlier if _content(earlier) == _content(draft) else None

    def _with_free_id(self, draft: Decision) -> Decision:
        """A draft that says something else than the row with its id is a second thought: it gets its own id.

        So it comes when a row reached the disk although the system had reported a failure.
        """
        if self._reader.find(draft.decision_id) is None:
            return draft
        return replace(draft, decision_id=uuid.uuid4().hex)

    def _superseding(self, draft: Decision) -> Decision:
        before = standing_decisions(self._reader.decisions, draft.reviewer).get(draft.pair)
        return replace(draft, supersedes="" if before is None else before.decision_id)

    def _undoing(self, draft: Decision) -> Decision:
        undone = self._reader.find(draft.supersedes)
        if undone is None or undone.decision == "undo":
            raise DecisionLogError(f"{self.path} holds no such decision.")
        if undone.reviewer != draft.reviewer:
            raise DecisionLogError(f"Only {undone.reviewer} can take this decision back.")
        if (earlier := undo_of(self._reader.decisions, undone)) is not None:
            return earlier
        standing = standing_decisions(self._reader.decisions, draft.reviewer)[undone.pair]
        if standing.decision_id != undone.decision_id:
            raise DecisionLogError("A later decision replaced this one. Undo that one first.")
        return draft

    def _as_stored(self, decision_id: str) -> Decision:
        self._reader.refresh()
        stored = self._reader.find(decision_id)
        if stored is None:
            raise DecisionLogError(
                f"The decision was written to {self.path} but cannot be found there. Another program may "
                "have changed the file. Look at its last rows, then decide again."
            )
        return stored

    def _write(self, content: bytes) -> None:
        append(self.path, content)

    def _start_file(self) -> None:
        """Make sure that the file is there, with its header, and can be written."""
        try:
            with self.path.open("ab", buffering=0) as file:
                if file.tell() == 0:
                    file.write(HEADER)
                    os.fsync(file.fileno())
                    sync_folder(self.path.parent)
        except OSError as error:
            raise DecisionLogError(
                f"The decisions file {self.path} cannot be written ({error.strerror}). {CHOOSE_ANOTHER}"
            ) from error

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keep other threads and programs from writing."""
        with self._threads, locked(self.path, _KIND, self._lock_timeout):
            yield


def _checked(draft: Decision) -> Decision:
    try:
        return checked(draft)
    except ValueError as reason:
        raise DecisionLogError(str(reason)) from reason


def _content(decision: Decision) -> tuple[object, ...]:
    """What a reviewer says with a decision."""
    return decision.decision, decision.confidence, decision.tags, decision.note
