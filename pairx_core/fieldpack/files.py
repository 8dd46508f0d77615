"""The files of a pack on their way: each appears whole or not at all, and what is done is written down."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from pairx_core.catalogue.pack_catalogue import PACK_NAME, UNFINISHED_NAME
from pairx_core.errors import FieldPackError
from pairx_core.whole_files import take_away, whole_file

FAILED = "failed"  # in what came of a step: why
_LOCK_NAME = "pack.lock"  # stays: another run may have opened it, and a new one would be another lock
_DRAFT = re.compile(r"\.(?:.+\.)?[0-9a-f]{32}\.part")
Content = dict[str, Any]


class Stated(NamedTuple):
    """A file as it should be."""

    size: int  # bytes
    sha256: str  # hex


def put_file(folder: Path, name: str, content: bytes) -> Stated:
    """Write a file of a pack, whole and on disk when this returns.

    Raises:
        FieldPackError: it cannot be written.
    """
    path = folder / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise _cannot_write(path, error) from error
    return Stated(len(content), hashlib.sha256(content).hexdigest())


def remove_drafts(folder: Path) -> None:
    """Take away what a run that was killed left half written; somebody else's files stay."""
    for draft in folder.rglob(".*.part"):
        if _DRAFT.fullmatch(draft.name):
            take_away(draft)


class Journal:
    """What is done of a pack, line by line, so that a run that was stopped goes on where it was.

    The first line says what the pack is to be; each further one has a step that is done, and its files.
    """

    def __init__(self, folder: Path) -> None:
        """Read what is there; a line that a stop has torn counts as not written."""
        self.folder = folder
        self.path = folder / UNFINISHED_NAME
        self.head: Content | None = None
        self.steps: dict[str, Content] = {}
        self._size = 0  # bytes up to the end of the last whole line
        self._read()

    def begin(self, head: Content) -> None:
        """Write down what the pack is to be, unless that is done.

        Raises:
            FieldPackError: it cannot be written.
        """
        if self.head is None:
            self._append(head)
            self.head = head

    def done(self, step: str, content: Content) -> None:
        """Write down that a step is done, and what came of it.

        Raises:
            FieldPackError: it cannot be written.
        """
        self._append({"step": step, **content})
        self.steps[step] = content

    def is_done(self, step: str) -> bool:
        """Whether nothing is left to do of a step; what had failed is tried again."""
        content = self.found(step)
        return content is not None and FAILED not in content

    def found(self, step: str) -> Content | None:
        """What came of a step whose files are all there, be it that it failed; None: it is still to be done."""
        content = self.steps.get(step)
        if content is None:
            return None
        is_whole = all(_has_size(self.folder / name, size) for name, (size, _) in content["files"].items())
        return content if is_whole else None

    def take_over(self, steps: dict[str, Content]) -> None:
        """Count steps as done that a finished pack holds."""
        self.steps = {**steps, **self.steps}

    def close(self) -> None:
        """Take it away: the pack is finished."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> None:
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return
        except OSError as error:
            raise FieldPackError(
                f"{self.path} cannot be read ({error.strerror}). Choose another folder."
            ) from error
        for line in lines:
            try:
                content = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                content = None
            if not isinstance(content, dict):
                return  # torn: what follows it is done again
            self._size += len(line)
            if self.head is None:
                self.head = content
            else:
                self.steps[content.pop("step")] = content

    def _append(self, content: Content) -> None:
        line = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            with self.path.open("r+b" if self.path.exists() else "w+b") as file:
                file.truncate(self._size)
                file.seek(self._size)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        self._size += len(line)


def refuse_others_files(folder: Path) -> None:
    """Make sure that a folder is not there yet, empty, or of a field pack.

    Raises:
        FieldPackError: it holds something else, or cannot be looked at.
    """
    try:
        names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise FieldPackError(
            f"{folder} cannot be used for a field pack ({error.strerror}). Choose another folder."
        ) from error
    other = next((name for name in sorted(names) if not name.startswith(".") and name != _LOCK_NAME), None)
    if other is not None and not names & {PACK_NAME, UNFINISHED_NAME}:
        raise FieldPackError(
            f"{folder} holds something else already (such as {other}). Choose a folder that is empty or not there yet."
        )


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder for one run, making it where it is not there.

    Raises:
        FieldPackError: another run writes into it, it holds something else, or it cannot be used.
    """
    try:
        refuse_others_files(folder)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK_NAME, timeout=0)
        lock.acquire()
    except Timeout:
        raise FieldPackError(
            f"Another run writes a field pack into {folder}. Wait for it, or choose another folder."
        ) from None
    except OSError as error:
        raise FieldPackError(
            f"{folder} cannot be used for a field pack ({error.strerror}). Choose another folder."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _cannot_write(path: Path, error: OSError) -> FieldPackError:
    return FieldPackError(
        f"{path} cannot be written ({error.strerror}). Make room on the disk, or choose another folder; run again, and "
        "what is done is kept."
    )
