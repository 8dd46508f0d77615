"""What the photos' files hold, found out once: a file is read again only when its size or time has changed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pairx_core.catalogue import Photo, photo_digest
from pairx_core.errors import PhotoError, RetrievalError
from pairx_core.paths import make_cache_folder
from pairx_core.retrieval.former import remove_former_cache

_SCHEMA = """
CREATE TABLE IF NOT EXISTS unreadable (key BLOB PRIMARY KEY, message TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS digest (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
"""
_AT_ONCE = 500  # paths in one statement
_KEEP_EVERY = 2_000  # files read between two times that they are kept
_READERS = 4  # files read at a time: a disk has something to do while another is summed up


@dataclass(frozen=True, slots=True)
class FileDigest:
    """The content of a file, good for as long as its size and modification time stay."""

    size: int  # bytes
    mtime_ns: int
    digest: str  # SHA-256, hex


class DigestCache:
    """Digests of files by path, in one SQLite file, which several processes may share."""

    def __init__(self, folder: Path) -> None:
        """Open or make the cache in a folder.

        Raises:
            RetrievalError: the folder or the file in it cannot be used.
        """
        self.path = folder / "digests.sqlite"
        make_cache_folder(folder, RetrievalError)
        with self._connection() as connection:
            connection.executescript(_SCHEMA)
        remove_former_cache(folder)

    def get(self, paths: Sequence[Path]) -> dict[Path, FileDigest]:
        """What is remembered of some files."""
        found: dict[Path, FileDigest] = {}
        with self._connection() as connection:
            for start in range(0, len(paths), _AT_ONCE):
                some = {os.fsencode(path): path for path in paths[start : start + _AT_ONCE]}
                marks = ",".join("?" * len(some))
                rows = connection.execute(
                    f"SELECT path, size, mtime_ns, digest FROM digest WHERE path IN ({marks})", list(some)
                )
                found |= {
                    some[path]: FileDigest(size, mtime_ns, digest) for path, size, mtime_ns, digest in rows
                }
        return found

    def put(self, digests: dict[Path, FileDigest]) -> None:
        """Remember files' contents for the next run."""
        rows = [
            (os.fsencode(path), entry.size, entry.mtime_ns, entry.digest) for path, entry in digests.items()
        ]
        with self._connection() as connection:
            connection.executemany("INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?)", rows)

    def unreadable(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Why photos could not be embedded, by the key of their embedding; only those that are known not to be."""
        found: dict[bytes, str] = {}
        with self._connection() as connection:
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                found |= dict(connection.execute(f"SELECT * FROM unreadable WHERE key IN ({marks})", some))
        return found

    def note_unreadable(self, messages: Mapping[bytes, str]) -> None:
        """Remember why photos could not be embedded."""
        with self._connection() as connection:
            connection.executemany("INSERT OR REPLACE INTO unreadable VALUES (?, ?)", list(messages.items()))

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A short-lived connection, committed on success: any thread may ask at any time."""
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise RetrievalError(
                f"{self.path}: the cache cannot be used ({error}). Make room on the disk, delete this file, "
                "or choose another folder with PAIRX_CACHE."
            ) from error


def digests_of(
    photos: Sequence[Photo],
    cache: DigestCache | None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[dict[Path, FileDigest], dict[Path, PhotoError]]:
    """The contents of photos' files by path, and the errors of those that cannot be read. Each file is read once.

    Args:
        photos: some may be of one file.
        cache: where digests are kept between runs; None: nowhere.
        tell: called with (files done, files in all); it may raise to stop.
    """
    by_path = {photo.path: photo for photo in photos}
    known = {} if cache is None else cache.get(list(by_path))
    digests = {path: entry for path, entry in known.items() if is_current(entry, by_path[path])}
    unreadable: dict[Path, PhotoError] = {}
    fresh: dict[Path, FileDigest] = {}
    with ThreadPoolExecutor(_READERS, "photo-digests") as pool:
        todo = [photo for path, photo in by_path.items() if path not in digests]
        known_already = len(digests)
        tell(known_already, len(by_path))
        for done, (photo, read) in enumerate(zip(todo, _map_lazily(pool, todo), strict=True), start=1):
            tell(known_already + done, len(by_path))
            if isinstance(read, PhotoError):
                unreadable[photo.path] = read
                continue
            digests[photo.path] = fresh[photo.path] = read
            if cache is not None and len(fresh) >= _KEEP_EVERY:
                cache.put(fresh)
                fresh = {}
    if cache is not None and fresh:
        cache.put(fresh)
    return digests, unreadable


def is_current(entry: FileDigest, photo: Photo) -> bool:
    """Whether a photo's file has the size and time that it had when it was read."""
    try:
        status = photo.path.stat()
    except OSError:
        return False  # reading it says what is wrong
    return (entry.size, entry.mtime_ns) == (status.st_size, status.st_mtime_ns)


def _map_lazily(pool: ThreadPoolExecutor, photos: Sequence[Photo]) -> Iterable[FileDigest | PhotoError]:
    """What the files hold, in order; not all are lined up at once, so that one can stop."""
    for start in range(0, len(photos), _AT_ONCE):
        yield from pool.map(_read, photos[start : start + _AT_ONCE])


def _read(photo: Photo) -> FileDigest | PhotoError:
    try:
        size, modified = _signature(photo)  # before it is read: what changes meanwhile is noticed afterwards
        return FileDigest(size, modified, photo_digest(photo))
    except PhotoError as error:
        return error


def _signature(photo: Photo) -> tuple[int, int]:
    try:
        status = photo.path.stat()
    except OSError:
        photo_digest(photo)  # which says it in words
        status = photo.path.stat()
    return status.st_size, status.st_mtime_ns
