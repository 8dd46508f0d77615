"""Embeddings on disk: one folder for a model, memory-mapped, appended to, never computed twice.

``store.json`` says what it holds and which generation of files that is. In ``vectors``, row r is one unit vector; in
``keys``, record r says of what photo it is and what its bytes sum up to. Vectors are on the disk before their keys are:
a program that is killed at any point leaves whole rows, and a torn end that the next writer cuts off.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from pairx_core.errors import RetrievalError
from pairx_core.retrieval.keys import Keys, KeyTable
from pairx_core.version import __version__

_Kind = Literal["vectors", "keys"]
_KINDS: tuple[_Kind, ...] = ("vectors", "keys")
Precision = Literal["float32", "float16"]
FORMAT = 1  # counts up when files of this kind are laid out otherwise
_ABOUT_NAME, _LOCK_NAME, _OWNER_NAME = "store.json", "store.lock", "store.writer"
_RECORD = np.dtype([("key", "V32"), ("sum", "<u4")])
_POLL_SECONDS = 0.5  # between two looks whether another writer has finished
_ROWS_AT_ONCE = 4096
_HEX = "[0-9a-f]" * 32  # how drafts end
_HINT = "Delete the folder to begin it anew, or choose another with PAIRX_CACHE."


@dataclass(frozen=True, slots=True)
class StoreAbout:
    """What a store holds."""

    model: str  # its name, for people
    fingerprint: str  # of the model, with its preprocessing
    preprocessing: str  # in words
    dimensions: int  # D
    precision: Precision
    version: str = __version__  # of pairx_core, when it was begun
    made_with: str = ""  # packages on which the last digits hang, when it was begun
    format: int = FORMAT
    generation: int = 0  # counts up when rows are dropped: then the files are others


class EmbeddingStore:
    """Unit embeddings (M, D) of photos by their keys. Readers and one writer at a time, of any program.

    A reader sees the rows that were there when it last looked (:meth:`refresh`). Safe to use from several threads.
    """

    def __init__(self, folder: Path, about: StoreAbout) -> None:
        """Open a store, or begin one where there is none.

        Args:
            folder: made when it does not exist.
            about: what it must hold; the version and the generation may differ.

        Raises:
            RetrievalError: the folder cannot be used, or holds the embeddings of something else or of a later format.
        """
        self.folder = folder
        self._threads = threading.RLock()
        self._is_writing = False
        self._seen = -1  # whole records of the file that was looked at last; -1: none was
        with _told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / _ABOUT_NAME).exists():
                self._begin(about)
            self.about = about
            self._look()

    def __len__(self) -> int:
        return len(self._records)

    @property
    def vectors(self) -> npt.NDArray[np.floating]:
        """The unit vectors (M, D) in the store's precision, memory-mapped; not to be written to."""
        return self._vectors

    def refresh(self) -> None:
        """Take in what other programs have written since.

        Raises:
            RetrievalError: the files cannot be read any more.
        """
        with self._threads, _told(self.folder):
            self._look()

    def rows_of(self, keys: Keys) -> npt.NDArray[np.int64]:
        """The rows (N,) of keys (N,) of 32 bytes each; -1 where there is none."""
        with self._threads:
            return self._table.find(keys)

    def append(self, keys: Keys, vectors: npt.NDArray[np.floating]) -> None:
        """Add a batch: on the disk as a whole, when this returns; to be seen once :meth:`writing` has ended.

        Args:
            keys: (N,) of 32 bytes each, none of which is there.
            vectors: (N, D), of any length but 0; kept at length 1.

        Raises:
            RetrievalError: not within :meth:`writing`, or the disk does not take it; then nothing of it is kept.
        """
        if not self._is_writing:
            raise RetrievalError(f"{self.folder}: embeddings are added within “writing” only.")
        if not len(keys):
            return
        unit = as_unit(vectors).astype(_dtype(self.about))
        records = np.zeros(len(keys), _RECORD)
        records["key"] = keys
        records["sum"] = [zlib.crc32(row.tobytes()) for row in unit]
        with self._threads, _told(self.folder):
            self._write(unit, records)
            self._whole += len(records)

    @contextmanager
    def writing(self, wait: Callable[[], None] | None = None) -> Iterator[None]:
        """Be the one who writes, and cut off what a killed writer left torn.

        Args:
            wait: called twice a second while another program writes; it may raise to give up. None: refused at once.

        Raises:
            RetrievalError: another program writes, or the folder cannot be written to.
        """
        lock = FileLock(self.folder / _LOCK_NAME, mode=0o666)
        while not self._locked(lock, patient=wait is not None):
            if wait is not None:
                wait()
        try:
            with suppress(OSError):  # only for others' messages
                (self.folder / _OWNER_NAME).write_text(str(os.getpid()), encoding="ascii")
            self.refresh()
            with self._threads, _told(self.folder):
                self._cut()
                self._clear_away()
            self._is_writing = True
            yield
        finally:
            self._is_writing = False
            lock.release()
            if self._whole != len(self._records):
                self.refresh()

    def keep_only(self, keys: Keys) -> int:
        """Drop all rows but those of some keys; how many are gone. What is open elsewhere stays readable there.

        Raises:
            RetrievalError: not within :meth:`writing`, or there is no room for the new files.
        """
        if not self._is_writing:
            raise RetrievalError(f"{self.folder}: embeddings are dropped within “writing” only.")
        self.refresh()  # with what was added just now
        kept = np.unique(rows := self.rows_of(keys))[int((rows < 0).any()) :]
        dropped = len(self) - len(kept)
        if dropped:
            with self._threads, _told(self.folder):
                self._rewrite(kept)
        return dropped

    def damaged(self) -> npt.NDArray[np.int64]:
        """The rows whose bytes are not what was written; reads them all."""
        found = [
            row
            for row, kept in enumerate(self._records["sum"])
            if zlib.crc32(np.ascontiguousarray(self._vectors[row]).tobytes()) != kept
        ]
        return np.asarray(found, np.int64)

    def drop(self, rows: npt.NDArray[np.int64]) -> None:
        """Drop rows, such as damaged ones, so that they are computed again.

        Raises:
            RetrievalError: as for :meth:`keep_only`.
        """
        kept = np.setdiff1d(np.arange(len(self)), rows)
        self.keep_only(self._records["key"][kept])

    def _locked(self, lock: FileLock, *, patient: bool) -> bool:
        with _told(self.folder):
            try:
                lock.acquire(timeout=_POLL_SECONDS if patient else 0)
            except Timeout:
                if patient:
                    return False
                raise RetrievalError(
                    f"{self.folder}: another program{self._writer()} is writing embeddings there. Wait until it has "
                    "finished, or stop it; what it has written is kept."
                ) from None
        return True

    def _writer(self) -> str:
        try:
            return f" (process {(self.folder / _OWNER_NAME).read_text(encoding='ascii').strip()})"
        except (OSError, UnicodeDecodeError):
            return ""

    def _begin(self, about: StoreAbout) -> None:
        for kind in _KINDS:
            self._file(kind, about).touch()
        _write_about(self.folder, about)

    def _file(self, kind: _Kind, about: StoreAbout | None = None) -> Path:
        return self.folder / f"{kind}-{(about or self.about).generation}.bin"

    def _look(self) -> None:
        """Look at what is there now; another program may be putting a new generation in its place."""
        while True:
            found = _checked(self.folder, _read_about(self.folder), self.about)
            try:
                size = self._file("keys", found).stat().st_size // _RECORD.itemsize
                if found.generation != self.about.generation or size != self._seen:
                    self.about = found
                    self._load()
                return
            except FileNotFoundError:
                if _read_about(self.folder).generation == found.generation:
                    raise

    def _load(self) -> None:
        """Look at the whole rows that are there."""
        content = self._file("keys").read_bytes()
        records = np.frombuffer(content[: len(content) // _RECORD.itemsize * _RECORD.itemsize], _RECORD)
        self._seen = len(records)
        there = self._file("vectors").stat().st_size // self._row_bytes
        self._whole = min(len(records), there)  # rows that count
        self._records = records[: self._whole]
        self._vectors = self._mapped(len(self._records))
        self._table = KeyTable(self._records["key"])

    def _mapped(self, count: int) -> npt.NDArray[np.floating]:
        if not count:
            return np.zeros((0, self.about.dimensions), _dtype(self.about))
        shape = (count, self.about.dimensions)
        # “c”: private to the process, so that torch takes it; nobody writes to it
        return np.memmap(self._file("vectors"), _dtype(self.about), mode="c", shape=shape)

    @property
    def _row_bytes(self) -> int:
        return self.about.dimensions * _dtype(self.about).itemsize

    def _write(self, unit: npt.NDArray[np.floating], records: npt.NDArray[np.void]) -> None:
        try:
            _append(self._file("vectors"), unit.tobytes())
            _append(self._file("keys"), records.tobytes())
        except OSError:
            self._is_writing = False  # what follows might not be where its key says; the next writer mends it
            with suppress(OSError):  # vectors stay: a reader may have them mapped
                os.truncate(self._file("keys"), self._whole * _RECORD.itemsize)
            raise

    def _cut(self) -> None:
        """Cut both files to the whole rows that are there: others may have them mapped."""
        sizes = (self._file("keys").stat().st_size, self._file("vectors").stat().st_size)
        self._whole = min(sizes[0] // _RECORD.itemsize, sizes[1] // self._row_bytes)
        for file, each in ((self._file("keys"), _RECORD.itemsize), (self._file("vectors"), self._row_bytes)):
            whole = self._whole * each
            if file.stat().st_size > whole:
                os.truncate(file, whole)

    def _clear_away(self) -> None:
        """Remove what killed writers left: drafts, and files of other generations."""
        own = {self._file(kind).name for kind in _KINDS}
        drafts = [
            path for name in (_ABOUT_NAME, "approximate.*") for path in self.folder.glob(f"{name}.{_HEX}")
        ]
        others = [
            path for kind in _KINDS for path in self.folder.glob(f"{kind}-*.bin") if path.name not in own
        ]
        for path in (*drafts, *others):
            with suppress(OSError):  # still open somewhere, on Windows
                path.unlink()

    def _rewrite(self, rows: npt.NDArray[np.int64]) -> None:
        """The same store with these rows only, in files of another generation."""
        old = self.about
        new = StoreAbout(**{**asdict(old), "generation": old.generation + 1})
        records = self._records[rows]
        try:
            with self._file("vectors", new).open("wb") as file:
                for start in range(0, len(rows), _ROWS_AT_ONCE):
                    file.write(
                        np.ascontiguousarray(self._vectors[rows[start : start + _ROWS_AT_ONCE]]).tobytes()
                    )
                _synced(file.fileno())
            with self._file("keys", new).open("wb") as file:
                file.write(records.tobytes())
                _synced(file.fileno())
            _write_about(self.folder, new)
        except OSError:
            for kind in _KINDS:
                self._file(kind, new).unlink(missing_ok=True)
            raise
        self.about = new
        self._load()
        for kind in _KINDS:
            with suppress(OSError):  # still open somewhere, on Windows
                self._file(kind, old).unlink()


def as_unit(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Vectors (N, D) at length 1, float32; a vector of zeros stays one."""
    exact = np.asarray(vectors, np.float64)
    unit: npt.NDArray[np.float32] = (
        exact / np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-12)
    ).astype(np.float32)
    return unit


def _dtype(about: StoreAbout) -> np.dtype[np.floating]:
    return np.dtype("<f2" if about.precision == "float16" else "<f4")


def _append(path: Path, content: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        view = memoryview(content)
        while len(view):
            view = view[file.write(view) :]
        _synced(file.fileno())


def _synced(descriptor: int) -> None:
    os.fsync(descriptor)


def _read_about(folder: Path) -> StoreAbout:
    file = folder / _ABOUT_NAME
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["format"] != FORMAT:
            raise RetrievalError(
                f"{folder}: the embeddings there are in format {kept['format']}, and this version reads format "
                f"{FORMAT} (they were written by version {kept.get('version', 'unknown')}). {_HINT}"
            )
        about = StoreAbout(**kept)
        if about.dimensions < 1 or about.precision not in ("float32", "float16") or about.generation < 0:
            raise ValueError("values that make no sense")
    except (ValueError, KeyError, TypeError) as error:
        raise RetrievalError(
            f"{file}: it does not say what embeddings are there ({error}). {_HINT}"
        ) from None
    return about


def _checked(folder: Path, found: StoreAbout, wanted: StoreAbout) -> StoreAbout:
    """What was found, where it is what is wanted."""
    names = ("fingerprint", "dimensions", "precision")
    differ = [name for name in names if getattr(found, name) != getattr(wanted, name)]
    if differ:
        said = "; ".join(f"{name} {getattr(found, name)}, not {getattr(wanted, name)}" for name in differ)
        raise RetrievalError(
            f"{folder}: it holds embeddings of the model {found.model} ({found.preprocessing}), which is not the model "
            f"that is asked for, {wanted.model} ({said}). {_HINT}"
        )
    return found


def _write_about(folder: Path, about: StoreAbout) -> None:
    fresh = folder / f"{_ABOUT_NAME}.{uuid4().hex}"
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(about), indent=1) + "\n")
            file.flush()
            _synced(file.fileno())
        fresh.replace(folder / _ABOUT_NAME)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say what the disk refuses.

    Raises:
        RetrievalError: the folder cannot be used.
    """
    try:
        yield
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RetrievalError(
            f"{folder}: embeddings cannot be kept there ({reason}). What was written before is kept. Make room on the "
            "disk and allow writing there, or choose another folder with PAIRX_CACHE."
        ) from error
