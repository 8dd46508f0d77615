"""What takes a while: done in a thread of its own, while the page shows how far it is."""

from __future__ import annotations

import atexit
import threading
import time
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

T = TypeVar("T")
_MEASURED_SECONDS = 3.0  # before the time left is told


class Stopped(Exception):
    """The work is not wanted any more."""


class Task(ABC, Generic[T]):
    """Work on its way: how far it is, and in the end its result or what went wrong.

    A class of its own sets its fields first, and then calls :meth:`begin`.
    """

    stage = ""  # what is being done, for the screen
    note = ""  # said beside the progress

    def begin(self) -> None:
        """Start the work."""
        self.done, self.total = 0, 0
        self._since: tuple[int, int, float] | None = (
            None  # total and done when the first step was told, and when
        )
        self.value: T | None = None
        self.error: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        atexit.register(self.close)  # the interpreter must not end while torch is at work
        self._thread.start()

    @abstractmethod
    def work(self) -> T:
        """The work itself, in the thread; calls :meth:`tell` now and then."""

    @property
    def finished(self) -> bool:
        """Whether there is a result or an error."""
        return not self._thread.is_alive()

    @property
    def fraction(self) -> float:
        """How much is done, 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def is_stopping(self) -> bool:
        """Whether it is not wanted any more, and ends with its present step."""
        return self._closed and not self.finished

    @property
    def was_stopped(self) -> bool:
        """Whether it ended because somebody did not want to wait any longer."""
        return self.finished and isinstance(self.error, Stopped)

    @property
    def seconds_left(self) -> float | None:
        """About how long the present stage will still take; None where that cannot be told yet."""
        if self._since is None:
            return None
        total, done, when = self._since
        passed = time.monotonic() - when
        if self.done <= done or passed < _MEASURED_SECONDS:
            return None
        return (total - self.done) * passed / (self.done - done)

    def tell(self, done: int, total: int) -> None:
        """How far the work is.

        Raises:
            Stopped: it is not wanted any more.
        """
        if self._closed:
            raise Stopped("the work was stopped")
        self.done, self.total = done, total
        before = self._since
        is_other_stage = before is None or before[0] != total or done < before[1]
        if is_other_stage or (before[1] == 0 and done):  # before the first step, time goes into getting ready
            self._since = (total, done, time.monotonic())

    def tell_stage(self, what: str, done: int, total: int) -> None:
        """What is done at the moment, and how far that is.

        Raises:
            Stopped: it is not wanted any more.
        """
        self.tell(done, total)
        self.stage = what

    def wait(self, seconds: float) -> bool:
        """Wait, at most so long; whether it is finished."""
        self._thread.join(seconds)
        return self.finished

    def cancel(self) -> None:
        """Stop at the next step, without waiting for it."""
        self._closed = True

    def close(self) -> None:
        """Stop, and wait until nothing is at work any more."""
        self.cancel()
        self._thread.join()

    def result(self) -> T:
        """What came of it.

        Raises:
            Exception: what went wrong; a PairxError where the reviewer can act on it.
        """
        if self.value is None:
            raise self.error or RuntimeError(f"{type(self).__name__} ended without a result")
        return self.value

    def _run(self) -> None:
        try:
            self.value = self.work()
        except Exception as error:  # handed over to the session, which shows a PairxError and raises a bug
            self.error = error
        finally:
            atexit.unregister(self.close)  # which would keep the result alive
