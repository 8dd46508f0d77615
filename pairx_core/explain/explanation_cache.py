"""What was computed for explanations, kept on disk: a bounded store of bytes under keys."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pairx_core.errors import SettingsError
from pairx_core.paths import make_cache_folder

DEFAULT_LIMIT = 4 << 30  # bytes
T = TypeVar("T")
_logger = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    key TEXT PRIMARY KEY, used REAL NOT NULL, size INTEGER NOT NULL, checksum INTEGER NOT NULL, content BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_use ON entry (used, size);
"""
_INSERT = "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)"
_KEPT_SHARE = 0.9  # of the limit, after making room
_AT_ONCE = 500  # keys in one statement


class ExplanationCache:
    """Bytes under keys, in one SQLite file that several processes and threads may share.

    An entry that does not match its checksum counts as missing, and a file that is no database any more is begun
    anew: what is lost is computed again. The least recently used entries make room for new ones.
    """

    def __init__(self, folder: str | Path, limit: int = DEFAULT_LIMIT) -> None:
        """Open or make the cache in a folder.

        Args:
            folder: made when it does not exist.
            limit: bytes of content to keep at most.

        Raises:
            SettingsError: the folder cannot be used.
        """
        folder = Path(folder)
        self.path = folder / "explanations.sqlite"
        self.limit = limit
        self._unchecked = limit  # bytes written since the limit was last looked at: look at once
        self._lock = threading.Lock()
        make_cache_folder(folder, SettingsError)
        self._run(_total, 0)

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The entries that are there and whole, by key.

        Raises:
            SettingsError: the file cannot be used.
        """
        wanted = list(keys)
        rows: list[tuple[str, int, bytes]] = []
        for start in range(0, len(wanted), _AT_ONCE):
            rows += self._run(_Find(wanted[start : start + _AT_ONCE]), [])
        whole = {key: content for key, checksum, content in rows if _is_whole(content, checksum)}
        self.remove(key for key, _, _ in rows if key not in whole)
        return whole

    def put(self, entries: Mapping[str, bytes]) -> None:
        """Keep entries, all of them or none.

        Raises:
            SettingsError: the file cannot be used.
        """
        now = time.time()
        rows = [(key, now, len(content), zlib.crc32(content), content) for key, content in entries.items()]
        self._run(lambda connection: connection.executemany(_INSERT, rows), None)
        with self._lock:
            self._unchecked += sum(size for _, _, size, _, _ in rows)
            full = self._unchecked > self.limit * (1 - _KEPT_SHARE)
            self._unchecked = 0 if full else self._unchecked
        if full:
            self._run(self._make_room, None)

    def remove(self, keys: Iterable[str]) -> None:
        """Forget entries."""
        rows = [(key,) for key in keys]
        if rows:
            self._run(
                lambda connection: connection.executemany("DELETE FROM entry WHERE key = ?", rows), None
            )

    @property
    def nbytes(self) -> int:
        """Bytes of content kept."""
        return self._run(_total, 0)

    def _make_room(self, connection: sqlite3.Connection) -> None:
        surplus = float(_total(connection) - self.limit)
        if surplus <= 0:
            return
        surplus += self.limit * (1 - _KEPT_SHARE)
        doomed: list[tuple[int]] = []
        for rowid, size in connection.execute("SELECT rowid, size FROM entry ORDER BY used, rowid"):
            if surplus <= 0:
                break
            doomed.append((rowid,))
            surplus -= size
        connection.executemany("DELETE FROM entry WHERE rowid = ?", doomed)

    def _run(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do something in one transaction; in a file that turns out to be damaged, begin anew instead."""
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.executescript(_SCHEMA)
                return work(connection)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise self._unusable(
                    error
                ) from error  # no room, no permission, a lock that is never given up
            _logger.warning("%s: the cache is damaged (%s); it is begun anew.", self.path, error)
            self._begin_anew()
            return otherwise

    def _begin_anew(self) -> None:
        try:
            for ending in ("", "-journal"):
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> SettingsError:
        return SettingsError(
            f"{self.path}: the cache cannot be used ({error}). Make room on the disk, delete this file, or choose "
            "another folder with PAIRX_CACHE."
        )


class _Find:
    """Read entries, and note that they were used."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys
        self._marks = ",".join("?" * len(keys))

    def __call__(self, connection: sqlite3.Connection) -> list[tuple[str, int, bytes]]:
        found = connection.execute(
            f"SELECT key, checksum, content FROM entry WHERE key IN ({self._marks})", self._keys
        ).fetchall()
        if found:
            used = f"UPDATE entry SET used = ? WHERE key IN ({self._marks})"
            with contextlib.suppress(sqlite3.OperationalError):  # a full or read-only disk can still be read
                connection.execute(used, [time.time(), *self._keys])
        return found


def _total(connection: sqlite3.Connection) -> int:
    (total,) = connection.execute("SELECT coalesce(sum(size), 0) FROM entry").fetchone()
    return int(total)


def _is_whole(content: object, checksum: int) -> bool:
    return isinstance(content, bytes) and zlib.crc32(content) == checksum
