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

from pages.components.drawing import Drawing, draw
from pairx_core.catalogue import Photo, photo_digest
from pairx_core.errors import ExplanationError
from pairx_core.explain import PairExplainer, PairExplanation, give_memory_back

_RESULTS_KEPT = 48  # some hundred kilobytes each
_WAITING_KEPT = 16
_LOOKED_AT_SECONDS = 2.0  # a screen that waits asks again well within this time
_IDLE_SECONDS = 10.0  # after which other programs may have the memory
_RETRY_SECONDS = 5.0  # after which what may have passed, such as a drive that was gone, is tried again


@dataclass(frozen=True, eq=False)
class Job:
    """A pair to explain."""

    key: str  # changes with anything that the explanation depends on
    explainer: PairExplainer
    query: Photo
    candidate: Photo

    @classmethod
    def of(cls, explainer: PairExplainer, query: Photo, candidate: Photo) -> Job:
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
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="explaining", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # the interpreter must not end while torch is at work

    def want(self, jobs: Sequence[Job]) -> None:
        """Ask for explanations, the most urgent first, before anything asked for earlier.

        What is computed for nobody's screen then makes way at its next step.
        """
        with self._changed:
            if jobs:
                self._looked_at[jobs[0].key] = time.monotonic()
            for job in reversed(jobs):
                if self._is_done(job.key) or job.key == self._running:
                    continue
                self._waiting[job.key] = job
                self._waiting.move_to_end(job.key, last=False)
            while len(self._waiting) > _WAITING_KEPT:
                self._waiting.popitem(last=True)
            self._changed.notify_all()

    def outcome(self, key: str) -> Outcome | None:
        """What became of a job, or has become of it so far; None before its first step is done."""
        with self._changed:
            outcome = self._current(key)
            if outcome is not None:
                self._outcomes.move_to_end(key)
            return outcome

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

    def _work(self) -> None:
        while True:
            with self._changed:
                at_once = self._changed.wait_for(self._has_something, timeout=_IDLE_SECONDS)
            if not at_once:
                give_memory_back()
            with self._changed:
                self._changed.wait_for(self._has_something)
                if self._closed:
                    return
                _, job = self._waiting.popitem(last=False)
                self._running = job.key
            finished = self._explain(job)
            with self._changed:
                self._running = None
                if not finished and not self._is_done(job.key):  # it made way: what is done of it is kept
                    self._waiting.setdefault(job.key, job)

    def _has_something(self) -> bool:
        """Whether there is something to do, be it to end."""
        return self._closed or bool(self._waiting)

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
        with self._changed:
            if self._closed:
                return True
            soon = time.monotonic() - _LOOKED_AT_SECONDS
            self._looked_at = {other: when for other, when in self._looked_at.items() if when > soon}
            return key not in self._looked_at and any(other in self._waiting for other in self._looked_at)

    def _put(self, key: str, outcome: Outcome) -> None:
        with self._changed:
            self._outcomes[key] = outcome
            self._outcomes.move_to_end(key)
            while len(self._outcomes) > _RESULTS_KEPT:
                self._outcomes.popitem(last=False)
