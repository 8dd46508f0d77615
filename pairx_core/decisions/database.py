"""The record of decisions in a database that several servers may share: PostgreSQL, or a SQLite file.

A row holds the same texts as a row of the decisions file, so that an export is the same byte for byte. Who writes
holds a lock until it is committed, and numbers rows on from the last one. So their numbers are the order in which
they were committed, and whoever asks for the rows after the last one it knows misses none.
"""

from __future__ import annotations

import csv
import io
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from pairx_core.decisions.appending import locked, make_folder_of
from pairx_core.decisions.decision import Decision
from pairx_core.decisions.evidence import EvidenceLog, read_evidence
from pairx_core.decisions.lines import DamagedLine, Entry, LinesRead, Read, as_it_is, line_text
from pairx_core.decisions.recovery import DamagedRow
from pairx_core.decisions.rows import COLUMNS, parse_row, row_bytes, split_cells
from pairx_core.decisions.settling import RecordingStore, Standing, UnconfirmedError
from pairx_core.errors import DecisionLogError

VERSION = 1  # of the tables
_KIND = "decisions"
_LONGEST_EXCERPT = 80  # characters
_ADVISORY = 0x50414952  # marks our locks among those of other programs in a PostgreSQL database
_PAGE = 1000  # rows
_IDLE_AT_MOST = "60s"  # so that a server that lost its network gives its lock back
_SECRETS = ("password", "sslpassword")  # in the query part of an address

_TABLES = MetaData()
_VERSIONS = Table("schema_version", _TABLES, Column("version", Integer, nullable=False))
_DECISIONS = Table(
    "decisions",
    _TABLES,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    *(Column(name, Text, nullable=False, unique=name == "decision_id") for name in COLUMNS),
)
_LINES = Table(
    "side_lines",
    _TABLES,
    Column("kind", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
_LOCK = text(
    "SELECT set_config('lock_timeout', :wait, true), "
    f"set_config('idle_in_transaction_session_timeout', '{_IDLE_AT_MOST}', true), "
    "set_config('synchronous_commit', 'on', true), "
    "pg_advisory_xact_lock(:ours, :kind)"
)
_REHEARSAL = text("INSERT INTO decisions SELECT * FROM decisions WHERE 1 = 0")


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
        self._rows = _Follower(select(_DECISIONS).order_by(_DECISIONS.c.seq), _DECISIONS)
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
        connection.execute(insert(_DECISIONS), {"seq": self._rows.next_seq} | cells)
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


class DatabaseLines:
    """Lines in a database; see :class:`pairx_core.decisions.lines.Lines`."""

    def __init__(self, database: Database, kind: str, *, read: Read = as_it_is) -> None:
        self._database = database
        self._kind = kind
        self._read = read
        self._threads = threading.RLock()
        self._connection: Connection | None = None  # of exclusive(), which may be nested in one thread
        rows = select(_LINES).where(_LINES.c.kind == kind).order_by(_LINES.c.seq)
        self._rows = _Follower(rows, _LINES)
        self._found = LinesRead(read)
        self._snapshot: tuple[Any, ...] = ()

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
            connection.execute(insert(_LINES), values)

    def entries(self) -> tuple[Any, ...]:
        """What is made of all objects that can be read, in their order; the same tuple while nothing is new."""
        with self._threads:
            self._refresh()
            return self._snapshot

    @property
    def damaged(self) -> tuple[DamagedLine, ...]:
        """Lines that cannot be read."""
        with self._threads:
            self._refresh()
            return tuple(self._found.damaged)

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


class Database:
    """Connections to a database: how it is read, how it is written by one at a time, and what its errors mean.

    Raises:
        DecisionLogError: the address is not one of a PostgreSQL or SQLite database.
    """

    def __init__(self, url: str, *, lock_timeout: float = 10.0) -> None:
        self._url = _usable_url(url)
        self._lock_timeout = lock_timeout  # seconds to wait for another program that is writing
        self.path = Path(str(self._url.database)) if self._is_file else None
        self.location = _without_secrets(self._url)
        self._file_id: tuple[int, int] | None = None
        self._engine = self._make_engine()
        self._reader = self._engine if self._is_file else _without_transactions(self._engine)
        self._writer = self._engine.execution_options(pairx_is_writing=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for one look.

        Raises:
            DecisionLogError: the database cannot be reached or read.
        """
        self._check_file()
        try:
            with self._reader.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise DecisionLogError(self._told(error)) from error

    @contextmanager
    def writing(self, kind: str) -> Iterator[Connection]:
        """A connection for one change, while nobody else changes what is of this kind; committed at its end.

        Raises:
            UnconfirmedError: the connection was lost while it was committed.
            DecisionLogError: the database cannot be reached or written; nothing was changed.
        """
        self._check_file()
        is_committing = False
        try:
            with self._writer.begin() as connection:
                self._lock(connection, kind)
                yield connection
                is_committing = True
        except SQLAlchemyError as error:
            if is_committing and isinstance(error, DBAPIError) and error.connection_invalidated:
                raise UnconfirmedError(self._unconfirmed(error)) from error
            raise DecisionLogError(self._told(error)) from error

    def prepare(self) -> None:
        """Make the tables where there are none, and make sure that they are ours and can be written.

        Raises:
            DecisionLogError: they are not, or cannot be.
        """
        with self._alone(), self.writing("tables") as connection:
            self._check_encoding(connection)
            self._make_tables(connection)
            connection.execute(_REHEARSAL)
        if self.path is not None:
            self._file_id = _file_id(self.path)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @property
    def _is_file(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    def _make_engine(self) -> Engine:
        if self._is_file:
            engine = create_engine(
                self._url, hide_parameters=True, connect_args={"timeout": self._lock_timeout}
            )
            event.listen(engine, "connect", _set_up_file)
            event.listen(engine, "begin", _begin)
            return engine
        settings = {"connect_timeout": 10, "client_encoding": "utf8", "tcp_user_timeout": 15_000}
        return create_engine(
            self._url,
            isolation_level="READ COMMITTED",  # so that a look after the lock sees what came before it
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={name: value for name, value in settings.items() if name not in self._url.query},
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others from making the same file."""
        if self.path is None:
            yield
            return
        make_folder_of(self.path, "database")
        with locked(self.path, "database", self._lock_timeout):
            yield

    def _lock(self, connection: Connection, kind: str) -> None:
        """A SQLite file was locked by BEGIN IMMEDIATE."""
        if not self._is_file:
            wait = f"{int(self._lock_timeout * 1000)}ms"
            number = zlib.crc32(kind.encode()) - 2**31  # a signed 32-bit number
            connection.execute(_LOCK, {"wait": wait, "ours": _ADVISORY, "kind": number})

    def _check_file(self) -> None:
        """Make sure that a SQLite file is still there; one in its place is opened anew."""
        if self.path is None or self._file_id is None:
            return
        try:
            found = _file_id(self.path)
        except OSError as error:
            raise DecisionLogError(
                f"The database {self.path} is gone ({error.strerror}). Put it back, or open the catalogue again to "
                "start a new one."
            ) from error
        if found != self._file_id:
            self._engine.dispose()
            self._file_id = found

    def _check_encoding(self, connection: Connection) -> None:
        encoding = "UTF8" if self._is_file else connection.execute(text("SHOW server_encoding")).scalar_one()
        if encoding != "UTF8":
            raise DecisionLogError(
                f"The database {self.location} keeps texts as {encoding}, which lacks letters. Make one with "
                "ENCODING 'UTF8'."
            )

    def _make_tables(self, connection: Connection) -> None:
        seen = inspect(connection)
        names = set(seen.get_table_names()) & set(_TABLES.tables)
        if not names:
            _TABLES.create_all(connection)
            connection.execute(insert(_VERSIONS), {"version": VERSION})
            return
        columns = {name: [column["name"] for column in seen.get_columns(name)] for name in names}
        if columns.get("schema_version") == ["version"]:
            self._check_version(connection)
        for name, table in _TABLES.tables.items():
            if columns.get(name) != list(table.columns.keys()):
                raise DecisionLogError(
                    f"The table “{name}” of {self.location} is not one of PAIR-X Review: its columns are others, or "
                    "it is missing. Choose another database with PAIRX_DECISIONS; this one was not changed."
                )

    def _check_version(self, connection: Connection) -> None:
        version = connection.execute(select(_VERSIONS.c.version)).scalar() or 0
        if version > VERSION:
            raise DecisionLogError(
                f"{self.location} was made by a newer PAIR-X Review (tables {version}; this one knows {VERSION}). "
                "Install the newer one here too; the database was not changed."
            )

    def _told(self, error: SQLAlchemyError) -> str:
        """What is wrong and what to do, without a password."""
        code = _code(error)
        if code.startswith(("55P03", "SQLITE_BUSY", "SQLITE_LOCKED")):
            return f"Another program keeps {self.location} locked. Close it, or wait, then try again."
        if code.startswith(("53100", "SQLITE_FULL")):
            what, remedy = "is full", "Make room on its disk"
        elif code.startswith(("25006", "42501", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
            what, remedy = "cannot be written", "Allow writing to it"
        elif code[:2] in ("", "08", "28", "3D", "53", "57") or getattr(
            error, "connection_invalidated", False
        ):
            what, remedy = "cannot be reached", "Check that it runs and that this computer may use it"
        else:
            what, remedy = "cannot be used", "Check that it is whole and that its tables are there"
        return f"The database {self.location} {what} ({self._reason(error)}). {remedy}, then try again."

    def _unconfirmed(self, error: SQLAlchemyError) -> str:
        return (
            f"The connection to {self.location} was lost in the middle of saving ({self._reason(error)}), and nobody "
            "knows yet whether it was saved. Try again: nothing is saved twice."
        )

    def _reason(self, error: SQLAlchemyError) -> str:
        """The first line of what the database says."""
        lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
        reason = lines[0].rstrip(".")
        for secret in _secrets(self._url):
            reason = reason.replace(secret, "***")
        return reason


class _Follower:
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


def is_at(url: str, location: str) -> bool:
    """Whether an address is that of the database at a location, which holds no password."""
    try:
        return _without_secrets(_usable_url(url)) == location
    except DecisionLogError:
        return False


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; None: the database is on a server.

    Raises:
        DecisionLogError: this is no address of a database.
    """
    found = _usable_url(url)
    return Path(str(found.database)) if found.get_backend_name() == "sqlite" else None


def _usable_url(url: str) -> URL:
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        found = None
    backend = "" if found is None else found.get_backend_name()
    if found is not None and backend in ("postgresql", "postgres"):
        return found.set(drivername="postgresql+psycopg")
    if found is not None and backend == "sqlite" and found.database not in (None, "", ":memory:"):
        path = Path(str(found.database)).expanduser().absolute()
        return found.set(drivername="sqlite", database=str(path))
    raise DecisionLogError(
        "PAIRX_DECISIONS is not the address of a database that can be used. Write one such as "
        "postgresql://user:password@host/name or sqlite:////folder/decisions.db, or the path of a CSV file."
    )


def _secrets(url: URL) -> list[str]:
    named = [url.password, *(url.query.get(name) for name in _SECRETS)]
    return [str(secret) for secret in named if secret]


def _without_secrets(url: URL) -> str:
    shown = url.set(drivername=url.get_backend_name()).difference_update_query(_SECRETS)
    return shown.render_as_string(hide_password=True)


def _without_transactions(engine: Engine) -> Engine:
    """For looks of one statement each, to ask the server once and not three times."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _set_up_file(connection: Any, _: object) -> None:
    connection.isolation_level = None  # Python begins no transactions of its own
    connection.execute("PRAGMA journal_mode = WAL")  # looks need not wait for changes
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("pairx_is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _file_id(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _code(error: SQLAlchemyError) -> str:
    """The SQLSTATE or SQLite's name of an error; empty where there is none."""
    cause = getattr(error, "orig", None)
    return getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or ""


def _row_of(cells: Sequence[str]) -> bytes:
    """A row of the decisions file."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return (buffer.getvalue().removesuffix("\r\n") + "\n").encode("utf-8", "replace")
