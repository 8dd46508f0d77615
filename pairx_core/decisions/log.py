"""The decisions file: rows are appended, under a lock, and never changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pairx_core.decisions.appending import CHOOSE_ANOTHER, append, locked, make_folder_of, sync_folder
from pairx_core.decisions.decision import Decision
from pairx_core.decisions.evidence import EvidenceLog
from pairx_core.decisions.lines import FileLines
from pairx_core.decisions.reader import DecisionReader
from pairx_core.decisions.recovery import DamagedRow
from pairx_core.decisions.rows import HEADER, row_bytes
from pairx_core.decisions.settling import RecordingStore, Standing
from pairx_core.errors import DecisionLogError

_KIND = "decisions file"


class DecisionLog(RecordingStore):
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
        self._reader = _StandingReader(self.path)
        self._lines: dict[str, FileLines] = {}
        self._evidence = EvidenceLog(self.path, lock_timeout=lock_timeout)
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

    @property
    def location(self) -> str:
        """Where the decisions are: the path."""
        return str(self.path)

    @property
    def evidence(self) -> EvidenceLog:
        """The ticked matches of these decisions."""
        return self._evidence

    def lines(self, kind: str) -> FileLines:
        """The list of this kind beside the decisions, such as sessions in ``pairx_decisions.sessions.jsonl``."""
        with self._threads:
            if kind not in self._lines:
                path = self.path.with_suffix(f".{kind}.jsonl")
                self._lines[kind] = FileLines(path, f"{kind} file", lock_timeout=self._lock_timeout)
            return self._lines[kind]

    def _append_once(self, draft: Decision) -> Decision:
        with self._threads:
            with self._exclusive():
                self._reader.refresh()
                standing = self._reader.standing
                decision = standing.settle(draft)
                if standing.find(decision.decision_id) is None:
                    self._write(self._reader.missing_ending + row_bytes(decision))
            return self._as_stored(decision.decision_id)

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


class _StandingReader(DecisionReader):
    """A reader that also knows what stands."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._place = str(path)
        self._counted: list[Decision] | None = None  # the list that _standing was made of
        self._standing = Standing(self._place)

    @property
    def standing(self) -> Standing:
        """What stands of all decisions that were read."""
        whole = self._whole.decisions
        if self._counted is not whole:  # the file was changed and read again
            self._counted, self._standing = whole, Standing(self._place)
        for decision in whole[len(self._standing) :]:
            self._standing.add(decision)
        return Standing(self._place, self.decisions) if self._last.decisions else self._standing
