"""What a file needs that several programs append to: a lock, appends that last, and following what is new."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pairx_core.errors import DecisionLogError

CHOOSE_ANOTHER = "Choose a file in a folder that you may write to with PAIRX_DECISIONS."
_ANCHOR_BYTES = 4096
_POLL_SECONDS = 0.005  # between two tries for the lock: saving takes about a millisecond


@contextmanager
def locked(path: Path, kind: str, timeout: float) -> Iterator[None]:
    """Keep other programs from writing to a file; ``kind`` is what messages call it, such as decisions file.

    Raises:
        DecisionLogError: another program kept the lock for ``timeout`` seconds, or there can be none.
    """
    lock = FileLock(f"{path}.lock", mode=0o666)  # other accounts may share the file
    try:
        lock.acquire(timeout=timeout, poll_interval=_POLL_SECONDS)
    except Timeout as error:
        raise DecisionLogError(
            f"Another program keeps {path} locked. Close it, or wait, then try again."
        ) from error
    except (OSError, NotImplementedError) as error:
        raise DecisionLogError(f"The {kind} {path} cannot be locked ({error}). {CHOOSE_ANOTHER}") from error
    try:
        yield
    finally:
        lock.release()


def make_folder_of(path: Path, kind: str) -> None:
    """Make the folder that a file lies in, where it is missing.

    Raises:
        DecisionLogError: it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DecisionLogError(
            f"The folder {path.parent} for the {kind} cannot be made ({error.strerror}). {CHOOSE_ANOTHER}"
        ) from error


def append(path: Path, content: bytes) -> None:
    """Append in one write (the rest in further ones, should the system take a part only), onto the disk.

    Raises:
        DecisionLogError: the file cannot be written.
    """
    try:
        with path.open("ab", buffering=0) as file:
            is_new = file.tell() == 0
            written = file.write(content)
            while written < len(content):
                written += file.write(content[written:])
            os.fsync(file.fileno())
        if is_new:
            sync_folder(path.parent)
    except OSError as error:
        raise DecisionLogError(
            f"{path} cannot be written ({error.strerror}). Make room on "
            "the disk or allow writing, then decide again."
        ) from error


def sync_folder(folder: Path) -> None:
    """Put a new file's name on the disk; on Windows the system does this itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Follower:
    """Reads what follows the bytes of a file that were taken before, and notices when those were changed.

    Not thread-safe by itself.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file_id: tuple[int, int] | None = None
        self._anchor = b""  # the last bytes that were taken, to notice that the file was changed there
        self.taken = 0  # bytes that need not be read again; 0 once they were changed

    @property
    def has_seen_file(self) -> bool:
        """Whether the file was there at some time."""
        return self._file_id is not None

    def unread(self) -> bytes:
        """All bytes after those taken.

        Raises:
            OSError: the file is missing or cannot be read.
        """
        with self._path.open("rb") as file:
            status = os.fstat(file.fileno())
            file_id = (status.st_dev, status.st_ino)
            file.seek(self.taken - len(self._anchor))
            if file_id != self._file_id or file.read(len(self._anchor)) != self._anchor:
                self._file_id, self._anchor, self.taken = file_id, b"", 0
                file.seek(0)
            return file.read()

    def take(self, content: bytes) -> None:
        """Count bytes that were just read as known."""
        self.taken += len(content)
        self._anchor = (self._anchor + content)[-_ANCHOR_BYTES:]
