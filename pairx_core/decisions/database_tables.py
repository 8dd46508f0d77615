"""The tables of the record in a database, and how their rows are read on from the last one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Row, Select, Table, Text, text

from pairx_core.decisions.rows import COLUMNS

VERSION = 1  # of the tables
ADVISORY = 0x50414952  # marks our locks among those of other programs in a PostgreSQL database
_PAGE = 1000  # rows
_IDLE_AT_MOST = "60s"  # so that a server that lost its network gives its lock back

TABLES = MetaData()
VERSIONS = Table("schema_version", TABLES, Column("version", Integer, nullable=False))
DECISIONS = Table(
    "decisions",
    TABLES,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    *(Column(name, Text, nullable=False, unique=name == "decision_id") for name in COLUMNS),
)
LINES = Table(
    "side_lines",
    TABLES,
    Column("kind", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
LOCK = text(  # for one kind of change, until the transaction ends
    "SELECT set_config('lock_timeout', :wait, true), "
    f"set_config('idle_in_transaction_session_timeout', '{_IDLE_AT_MOST}', true), "
    "set_config('synchronous_commit', 'on', true), "
    "pg_advisory_xact_lock(:ours, :kind)"
)
REHEARSAL = text("INSERT INTO decisions SELECT * FROM decisions WHERE 1 = 0")


class RowFollower:
    """Reads the rows of a table after those it read before, and notices when the last one was changed.

    Not thread-safe by itself.
    """

    def __init__(self, rows: Select[Any], table: Table) -> None:
        self._rows = rows
        self._seq = table.c.seq
        self._last: Row[Any] | None = None  # the last one that was read

    @property
    def next_seq(self) -> int:
        """The number of the row to be appended, while nobody else may append."""
        return 1 if self._last is None else int(self._last.seq) + 1

    def unread(self, connection: Connection) -> tuple[Sequence[Row[Any]], bool]:
        """The rows, and whether they are all of the table, not only those after the ones before."""
        if self._last is not None:
            found = self._from(connection, self._last.seq)
            if found and found[0] == self._last:
                self._last = found[-1]
                return found[1:], False
        rows = self._from(connection, 0)
        self._last = rows[-1] if rows else None
        return rows, True

    def _from(self, connection: Connection, seq: int) -> list[Row[Any]]:
        """All rows from this number on, by pages: asked for a few, PostgreSQL goes through the index."""
        rows: list[Row[Any]] = []
        while True:
            page = connection.execute(self._rows.where(self._seq >= seq).limit(_PAGE)).all()
            rows += page
            if len(page) < _PAGE:
                return rows
            seq = page[-1].seq + 1
