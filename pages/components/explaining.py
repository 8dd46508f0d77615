"""Pictures and explanations in the background: one worker for all sessions, what is on a screen first.

Photos come before explanations, lines before color maps.
"""

from __future__ import annotations

import atexit
import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.components.drawing import Drawing, draw
from pairx_core.catalogue import Photo, photo_digest
from pairx_core.errors import ExplanationError
from pairx_core.explain import PairExplanation, give_memory_back

if TYPE_CHECKING:
    from pairx_core.explain import PairExplainer
    from pairx_core.fieldpack import PackExplainer

_RESULTS_KEPT = 48  # some hundred kilobytes each
_PLANS_KEPT = 16  # sessions whose next pairs are prepared
REST_SECONDS = (
    0.7  # after a page asked: its drawing, in the browser too, comes before what may be wanted next
)
_LOOKED_AT_SECONDS = 2.0  # a screen that waits asks again well within this time
_IDLE_SECONDS = 10.0  # after which other programs may have the memory
_RETRY_SECONDS = 5.0  # after which what may have passed, such as a drive that was gone, is tried again


@dataclass(frozen=True, eq=False)
class Job:
    """A pair to explain."""

    key: str  # changes with anything that the explanation depends on
    explainer: PairExplainer | PackExplainer
    query: Photo
    candidate: Photo

    @classmethod
    def of(cls, explainer: PairExplainer | PackExplainer, query: Photo, candidate: Photo) -> Job:
        """The job of a pair.

        Raises:
            PhotoError: a photo's file cannot be read.
        """
        parts = [explainer.model.fingerprint, explainer.layer, str(explainer.options)]
        parts += [f"{photo_digest(photo)} {photo.path} {photo.box}" for photo in (query, candidate)]
        return cls(hashlib.sha256("\n".join(parts).encode()).hexdigest(), explainer, query, candidate)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a job."""

    drawing: Drawing | None = None
    error: Exception | None = None
    expires: float = math.inf  # seconds of the monotonic clock
    is_final: bool = True  # False: color maps are still to come

    @property
    def is_current(self) -> bool:
        """Whether it still counts."""
        return time.monotonic() < self.expires


class ExplanationWorker:
    """Explains pairs one after the other and keeps what is drawn of the last ones."""

    def __init__(
        self,
        prepare: Callable[[Job], None] = lambda job: None,
        draw: Callable[[PairExplanation], Drawing] = draw,
    ) -> None:
        """Take what makes a job's pictures, and what makes a drawing of an explanation."""
        self._prepare = prepare
        self._draw = draw
        self._waiting: OrderedDict[str, Job] = OrderedDict()
        self._running: str | None = None
        self._looked_at: dict[str, float] = {}  # when a job was last the most urgent of someone's
        self._plans: OrderedDict[str, set[str]] = OrderedDict()  # what each session asked for last
        self._quiet_until = 0.0  # when what is on no screen may be begun
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="explaining", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # the interpreter must not end while torch is at work

    def want(self, jobs: Sequence[Job], whose: str = "") -> None:
        """Ask for explanations, the one on the screen first, then what may be wanted next, most urgent first.

        It takes the place of what the same session asked for before. What is on a screen is begun at once; the
        rest rests for a moment, so that the page is drawn first.
        """
        with self._changed:
            self._quiet_until = time.monotonic() + REST_SECONDS
            self._plans[whose] = {job.key for job in jobs}
            self._plans.move_to_end(whose)
            while len(self._plans) > _PLANS_KEPT:
                self._plans.popitem(last=False)
            planned = set[str]().union(*self._plans.values())
            self._waiting = OrderedDict((key, job) for key, job in self._waiting.items() if key in planned)
            for job in reversed(jobs):
                self._line_up(job)
            if jobs:
                self._looked_at[jobs[0].key] = time.monotonic()
            self._changed.notify_all()

    def look_at(self, job: Job) -> None:
        """The job's pair is still on a screen: it goes first."""
        with self._changed:
            self._looked_at[job.key] = time.monotonic()
            self._line_up(job)
            self._changed.notify_all()

    def outcome(self, key: str) -> Outcome | None:
        """What became of a job, or has become of it so far; None before its first step is done."""
        with self._changed:
            outcome = self._current(key)
            if outcome is not None:
                self._outcomes.move_to_end(key)
            return outcome

    @property
    def is_busy(self) -> bool:
        """Whether something is explained or waits to be: what is less urgent lets it go first."""
        with self._changed:
            return not self._closed and (self._running is not None or bool(self._waiting))

    def close(self) -> None:
        """Finish what is running, drop what waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        atexit.unregister(self.close)

    def _current(self, key: str) -> Outcome | None:
        """The outcome kept for a job; one that does not count any more is dropped."""
        outcome = self._outcomes.get(key)
        if outcome is not None and not outcome.is_current:
            del self._outcomes[key]
            return None
        return outcome

    def _is_done(self, key: str) -> bool:
        outcome = self._current(key)
        return outcome is not None and outcome.is_final

    def _line_up(self, job: Job) -> None:
        """Put a job before all others."""
        if not self._is_done(job.key) and job.key != self._running:
            self._waiting[job.key] = job
            self._waiting.move_to_end(job.key, last=False)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            finished = self._explain(job)
            with self._changed:
                self._running = None
                if not finished and not self._is_done(job.key):  # it made way: what is done of it is kept
                    self._waiting.setdefault(job.key, job)

    def _next(self) -> Job | None:
        """The next job, once there is one; None: to end."""
        with self._changed:
            at_once = self._changed.wait_for(self._has_something, timeout=_IDLE_SECONDS)
        if not at_once:
            give_memory_back()
        with self._changed:
            while not self._closed:
                key = self._due()
                if key is not None:
                    self._running = key
                    return self._waiting.pop(key)
                rest = self._quiet_until - time.monotonic()
                self._changed.wait(max(0.01, rest) if self._waiting else None)
            return None

    def _has_something(self) -> bool:
        """Whether there is something to do, be it to end."""
        return self._closed or bool(self._waiting)

    def _due(self) -> str | None:
        """The key of the job to do now: what is on a screen; the others once it is quiet."""
        self._forget_screens()
        on_screen = next((key for key in self._waiting if key in self._looked_at), None)
        if on_screen is not None or self._is_quiet():
            return on_screen or next(iter(self._waiting), None)
        return None

    def _is_quiet(self) -> bool:
        return time.monotonic() >= self._quiet_until

    def _forget_screens(self) -> None:
        soon = time.monotonic() - _LOOKED_AT_SECONDS
        self._looked_at = {key: when for key, when in self._looked_at.items() if when > soon}

    def _explain(self, job: Job) -> bool:
        """Go through a job's stages; whether it came to its end."""
        try:
            self._prepare(job)
            last = None
            with closing(job.explainer.stages(job.query, job.candidate)) as stages:
                for number, last in enumerate(stages):
                    if number == 0:
                        self._put(job.key, Outcome(self._draw(last), is_final=False))
                    if self._must_make_way(job.key):
                        return False
            self._put(job.key, Outcome(None if last is None else self._draw(last)))
        except ExplanationError as error:  # it will be the same next time
            self._put(job.key, Outcome(error=error))
        except Exception as error:  # handed over to the session, which shows it
            self._put(job.key, Outcome(error=error, expires=time.monotonic() + _RETRY_SECONDS))
        return True

    def _must_make_way(self, key: str) -> bool:
        """Whether someone waits for something else, or has just moved on."""
        with self._changed:
            if self._closed:
                return True
            self._forget_screens()
            is_wanted = any(other in self._waiting for other in self._looked_at)
            return key not in self._looked_at and (is_wanted or not self._is_quiet())

    def _put(self, key: str, outcome: Outcome) -> None:
        with self._changed:
            self._outcomes[key] = outcome
            self._outcomes.move_to_end(key)
            while len(self._outcomes) > _RESULTS_KEPT:
                self._outcomes.popitem(last=False)
