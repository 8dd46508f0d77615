"""Embeddings on disk, so that no photo is embedded twice."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pairx_core.errors import SettingsError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS embedding (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS digest (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class FileDigest:
    """The content of a file, good for as long as its size and modification time stay."""

    size: int  # bytes
    mtime_ns: int
    digest: str  # SHA-256, hex


class EmbeddingCache:
    """Embeddings keyed by what they depend on: the photo's bytes, its box, the model and its preprocessing.

    One SQLite file, which several processes may share. A photo that changed gets a new key; an entry is
    never wrong, only unused.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the cache in a folder.

        Raises:
            SettingsError: the folder or the file in it cannot be used.
        """
        self.path = folder / "embeddings.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"{folder}: the cache folder cannot be made ({error.strerror}). Choose another with PAIRX_CACHE."
            ) from None
        with self._connection() as connection:
            connection.executescript(_SCHEMA)

    def known_digests(self) -> dict[Path, FileDigest]:
        """What is remembered of files' contents, by path."""
        with self._connection() as connection:
            rows = connection.execute("SELECT path, size, mtime_ns, digest FROM digest")
            return {Path(path): FileDigest(size, mtime_ns, digest) for path, size, mtime_ns, digest in rows}

    def remember_digests(self, digests: dict[Path, FileDigest]) -> None:
        """Remember files' contents for the next run."""
        rows = [(str(path), entry.size, entry.mtime_ns, entry.digest) for path, entry in digests.items()]
        with self._connection() as connection:
            connection.executemany("INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?)", rows)

    def get(self, keys: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        """The embeddings (D,) that are there, by key."""
        found: dict[str, npt.NDArray[np.float32]] = {}
        with self._connection() as connection:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                marks = ",".join("?" * len(some))
                rows = connection.execute(f"SELECT key, vector FROM embedding WHERE key IN ({marks})", some)
                found.update((key, np.frombuffer(blob, "<f4")) for key, blob in rows)
        return found

    def put(self, vectors: dict[str, npt.NDArray[np.float32]]) -> None:
        """Keep embeddings (D,) by key; on disk when this returns."""
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with self._connection() as connection:
            connection.executemany("INSERT OR REPLACE INTO embedding VALUES (?, ?)", rows)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A short-lived connection, committed on success: any thread may ask at any time."""
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise SettingsError(
                f"{self.path}: the cache cannot be used ({error}). Make room on the disk, delete this file, "
                "or choose another folder with PAIRX_CACHE."
            ) from error
