"""Connections to a database: how it is read, how it is written by one at a time, and what its errors mean."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pairx_core.decisions.appending import locked, make_folder_of
from pairx_core.decisions.database_address import secrets_in, usable_url, without_secrets
from pairx_core.decisions.database_tables import ADVISORY, LOCK, REHEARSAL, TABLES, VERSION, VERSIONS
from pairx_core.decisions.settling import UnconfirmedError
from pairx_core.errors import DecisionLogError


class Database:
    """Connections to a database: how it is read, how it is written by one at a time, and what its errors mean.

    Raises:
        DecisionLogError: the address is not one of a PostgreSQL or SQLite database.
    """

    def __init__(self, url: str, *, lock_timeout: float = 10.0) -> None:
        self._url = usable_url(url)
        self._lock_timeout = lock_timeout  # seconds to wait for another program that is writing
        self.path = Path(str(self._url.database)) if self._is_file else None
        self.location = without_secrets(self._url)
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
            connection.execute(REHEARSAL)
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
            connection.execute(LOCK, {"wait": wait, "ours": ADVISORY, "kind": number})

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
        names = set(seen.get_table_names()) & set(TABLES.tables)
        if not names:
            TABLES.create_all(connection)
            connection.execute(insert(VERSIONS), {"version": VERSION})
            return
        columns = {name: [column["name"] for column in seen.get_columns(name)] for name in names}
        if columns.get("schema_version") == ["version"]:
            self._check_version(connection)
        for name, table in TABLES.tables.items():
            if columns.get(name) != list(table.columns.keys()):
                raise DecisionLogError(
                    f"The table “{name}” of {self.location} is not one of PAIR-X Review: its columns are others, or "
                    "it is missing. Choose another database with PAIRX_DECISIONS; this one was not changed."
                )

    def _check_version(self, connection: Connection) -> None:
        version = connection.execute(select(VERSIONS.c.version)).scalar() or 0
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
        for secret in secrets_in(self._url):
            reason = reason.replace(secret, "***")
        return reason


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
