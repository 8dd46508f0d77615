"""Lists of small JSON objects beside the decisions, to which several programs append."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pairx_core.decisions.appending import Follower, append, locked, make_folder_of
from pairx_core.errors import DecisionLogError

Entry = dict[str, Any]
Read = Callable[[Entry], Any]  # what to make of an object; raises ValueError, saying what is wrong with it
_LONGEST_EXCERPT = 80  # characters


@dataclass(frozen=True, slots=True)
class DamagedLine:
    """A line that cannot be read; it stays where it is."""

    line: int  # from 1
    excerpt: str  # how it begins
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}: “{self.excerpt}”"


class Lines(Protocol):
    """An append-only list of JSON objects. Safe for several threads and programs."""

    @property
    def name(self) -> str:
        """What messages call it, such as its path."""

    def append(self, entry: Entry) -> None:
        """Append an object; it lasts when this returns, or when the :meth:`exclusive` around it has ended.

        Raises:
            DecisionLogError: it was not saved.
        """

    def entries(self) -> tuple[Any, ...]:
        """All objects that can be read, in their order; the same tuple while nothing is new.

        Raises:
            DecisionLogError: they cannot be read.
        """

    @property
    def damaged(self) -> tuple[DamagedLine, ...]:
        """What cannot be read: torn by a crash, or changed by another program."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep other threads and programs from appending, for what must be read first."""


def as_it_is(entry: Entry) -> Entry:
    """The object itself."""
    return entry


class LinesRead:
    """What was made of some lines."""

    def __init__(self, read: Read, count: int = 0) -> None:
        self.entries: list[Any] = []
        self.damaged: list[DamagedLine] = []
        self.count = count  # lines up to here, in the whole list
        self._read = read

    def add(self, line: bytes) -> None:
        """Take in the next line; an empty one only counts."""
        self.count += 1
        if not line.strip():
            return
        try:
            self.entries.append(self._read(_parsed(line)))
        except ValueError as reason:
            excerpt = line.decode("utf-8", "replace").strip()[:_LONGEST_EXCERPT]
            self.damaged.append(DamagedLine(self.count, excerpt, str(reason)))


def line_text(entry: Entry) -> str:
    """An object as one line, which UTF-8 can hold."""
    return json.dumps(entry, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace").decode()


class FollowedLines(ABC):
    """Lines of which what is new is taken in before each look."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._threads = threading.RLock()
        self._snapshot: tuple[Any, ...] = ()

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
            return self._damaged()

    @abstractmethod
    def _refresh(self) -> None:
        """Take in what is new."""

    @abstractmethod
    def _damaged(self) -> tuple[DamagedLine, ...]:
        """Of what was taken in."""


class FileLines(FollowedLines):
    """Lines in a file, made when the first one is appended."""

    def __init__(self, path: Path, kind: str, *, lock_timeout: float = 10.0, read: Read = as_it_is) -> None:
        super().__init__(read)
        self.path = path
        self._kind = kind  # what messages call the file, such as sessions file
        self._lock_timeout = lock_timeout  # seconds to wait for another program that is writing
        self._depth = 0  # of exclusive(), which may be nested in one thread
        self._file = Follower(path)
        self._whole = LinesRead(read)  # lines that have their line end and will not change any more
        self._last = LinesRead(read)  # the one after them, if any: torn, or being written at this moment
        self._tail = b""  # its bytes

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def append(self, entry: Entry) -> None:
        """Append an object; it is on the disk when this returns."""
        line = (line_text(entry) + "\n").encode()
        with self.exclusive():
            self._refresh()
            append(self.path, (b"\n" if self._tail else b"") + line)
            self._refresh()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other threads and programs from appending."""
        with self._threads:
            if self._depth:
                yield
                return
            make_folder_of(self.path, self._kind)
            with locked(self.path, self._kind, self._lock_timeout):
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1

    def _damaged(self) -> tuple[DamagedLine, ...]:
        return (*self._whole.damaged, *self._last.damaged)

    def _refresh(self) -> None:
        content = self._unread()
        was_changed = self._file.taken == 0 and self._whole.count > 0
        if content == self._tail and not was_changed:
            return
        if self._file.taken == 0:
            self._whole = LinesRead(self._read)
        *lines, self._tail = content.split(b"\n")
        for line in lines:
            self._whole.add(line)
        self._file.take(content[: len(content) - len(self._tail)])
        self._last = LinesRead(self._read, self._whole.count)
        self._last.add(self._tail)
        found = (*self._whole.entries, *self._last.entries)
        if found != self._snapshot:
            self._snapshot = found

    def _unread(self) -> bytes:
        try:
            return self._file.unread()
        except FileNotFoundError:
            if not self._file.has_seen_file:
                return b""
            raise DecisionLogError(
                f"The {self._kind} {self.path} is gone. Put it back, or open the catalogue again to start a new one."
            ) from None
        except OSError as error:
            raise DecisionLogError(
                f"The {self._kind} {self.path} cannot be read ({error.strerror}). Allow reading it, or move it away "
                "and open the catalogue again; it was not changed."
            ) from error


def _parsed(line: bytes) -> Entry:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise ValueError("not one whole JSON object") from None
    if not isinstance(value, dict):
        raise ValueError("not one whole JSON object")
    return value
