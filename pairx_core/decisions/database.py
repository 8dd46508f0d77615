"""The record of decisions in a database that several servers may share: PostgreSQL, or a SQLite file.

A row holds the same texts as a row of the decisions file, so that an export is the same byte for byte. Who writes
holds a lock until it is committed, and numbers rows on from the last one. So their numbers are the order in which
they were committed, and whoever asks for the rows after the last one it knows misses none.
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, insert, select

from pairx_core.decisions.connections import Database
from pairx_core.decisions.database_tables import DECISIONS, LINES, RowFollower
from pairx_core.decisions.decision import Decision
from pairx_core.decisions.evidence import EvidenceLog, read_evidence
from pairx_core.decisions.lines import DamagedLine, Entry, FollowedLines, LinesRead, Read, as_it_is, line_text
from pairx_core.decisions.recovery import DamagedRow
from pairx_core.decisions.rows import COLUMNS, parse_row, row_bytes, split_cells
from pairx_core.decisions.settling import RecordingStore, Standing, UnconfirmedError
from pairx_core.errors import DecisionLogError

_KIND = "decisions"
_LONGEST_EXCERPT = 80  # characters


class DecisionDatabase(RecordingStore):
    """The record of decisions in a database; it does what :class:`DecisionLog` does with a file.

    The tables are made where they are missing. A decision is committed when :meth:`record` returns. All methods may
    be called from several threads, and see what other programs and servers append. After a lost connection, the
    next call connects again.

    Raises:
        DecisionLogError: the database cannot be reached, read or written, or holds tables that are not ours.
    """

    _snapshot: tuple[Decision, ...] | None  # made of _decisions when it is asked for

    def __init__(self, url: str, *, lock_timeout: float = 10.0) -> None:
        self._database = Database(url, lock_timeout=lock_timeout)
        self._threads = threading.RLock()
        self._rows = RowFollower(select(DECISIONS).order_by(DECISIONS.c.seq), DECISIONS)
        self._lines: dict[str, DatabaseLines] = {}
        ticked = DatabaseLines(self._database, "evidence", read=read_evidence)
        self._evidence = EvidenceLog.over(ticked)
        self._forget()
        self._database.prepare()
        self.decisions()

    @property
    def location(self) -> str:
        """Where the decisions are: the address without its password."""
        return self._database.location

    @property
    def evidence(self) -> EvidenceLog:
        """The ticked matches of these decisions."""
        return self._evidence

    def lines(self, kind: str) -> DatabaseLines:
        """The list of this kind beside the decisions, such as sessions."""
        with self._threads:
            return self._lines.setdefault(kind, DatabaseLines(self._database, kind))

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions, undone ones and the undo rows included, in the order in which they were committed.

        Raises:
            DecisionLogError: the database cannot be reached or read.
        """
        with self._threads:
            self._refresh()
            if self._snapshot is None:
                self._snapshot = tuple(self._decisions)
            return self._snapshot

    @property
    def damaged(self) -> tuple[DamagedRow, ...]:
        """Rows that cannot be read as decisions, because another program changed them; by their ``seq``."""
        with self._threads:
            self._refresh()
            return tuple(self._damaged)

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

    def _append_once(self, draft: Decision) -> Decision:
        with self._threads:
            return self._write(draft)

    def _write(self, draft: Decision, lost: UnconfirmedError | None = None) -> Decision:
        """A second time if the answer to the first got lost: by its id it is found, had it arrived."""
        decision = draft
        try:
            with self._database.writing(_KIND) as connection:
                self._take(connection)
                decision = self._standing.settle(draft)
                stored = self._standing.find(decision.decision_id)
                return stored or self._insert(connection, decision)
        except DecisionLogError as error:
            if lost is not None:
                raise lost from error
            if not isinstance(error, UnconfirmedError):
                raise
            return self._write(decision, error)

    def _insert(self, connection: Connection, decision: Decision) -> Decision:
        content = row_bytes(decision)
        cells = dict(zip(COLUMNS, split_cells(content), strict=True))
        connection.execute(insert(DECISIONS), {"seq": self._rows.next_seq} | cells)
        return parse_row(content)

    def _refresh(self) -> None:
        with self._database.reading() as connection:
            self._take(connection)

    def _take(self, connection: Connection) -> None:
        rows, is_afresh = self._rows.unread(connection)
        if is_afresh:
            self._forget()
        for row in rows:
            self._add(row.seq, row[1:])
        if rows:
            self._snapshot = None

    def _add(self, seq: int, cells: Sequence[str]) -> None:
        content = _row_of(cells)
        try:
            decision = parse_row(content)
        except ValueError as reason:
            excerpt = content.decode("utf-8", "replace").strip()[:_LONGEST_EXCERPT]
            self._damaged.append(DamagedRow(seq, excerpt, str(reason)))
        else:
            self._decisions.append(decision)
            self._standing.add(decision)

    def _forget(self) -> None:
        self._decisions: list[Decision] = []
        self._damaged: list[DamagedRow] = []
        self._standing = Standing(self._database.location)
        self._snapshot = None


class DatabaseLines(FollowedLines):
    """Lines in a database; see :class:`pairx_core.decisions.lines.Lines`."""

    def __init__(self, database: Database, kind: str, *, read: Read = as_it_is) -> None:
        super().__init__(read)
        self._database = database
        self._kind = kind
        self._connection: Connection | None = None  # of exclusive(), which may be nested in one thread
        rows = select(LINES).where(LINES.c.kind == kind).order_by(LINES.c.seq)
        self._rows = RowFollower(rows, LINES)
        self._found = LinesRead(read)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self._database.location} ({self._kind})"

    def append(self, entry: Entry) -> None:
        """Append an object; it is committed when this returns, or when the ``exclusive()`` around it has ended."""
        body = line_text(entry)
        with self._writing() as connection:
            self._take(connection)
            values = {"kind": self._kind, "seq": self._rows.next_seq, "body": body}
            connection.execute(insert(LINES), values)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other threads and programs from appending."""
        with self._writing():
            yield

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._threads:
            if self._connection is not None:
                yield self._connection
                return
            with self._database.writing(self._kind) as connection:
                self._connection = connection
                try:
                    yield connection
                finally:
                    self._connection = None

    def _damaged(self) -> tuple[DamagedLine, ...]:
        return tuple(self._found.damaged)

    def _refresh(self) -> None:
        if self._connection is not None:
            self._take(self._connection)
            return
        with self._database.reading() as connection:
            self._take(connection)

    def _take(self, connection: Connection) -> None:
        rows, is_afresh = self._rows.unread(connection)
        if is_afresh:
            self._found, self._snapshot = LinesRead(self._read), ()
        for row in rows:
            self._found.add(row.body.encode("utf-8", "replace"))
        if rows:
            self._snapshot = tuple(self._found.entries)


def _row_of(cells: Sequence[str]) -> bytes:
    """A row of the decisions file."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return (buffer.getvalue().removesuffix("\r\n") + "\n").encode("utf-8", "replace")
