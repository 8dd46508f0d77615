"""Measuring a catalogue's known pairs in the background: shared by all sessions, kept on disk, resumed after a stop."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from pages.components.background import Stopped, Task
from pages.components.trust_figures import PLAUSIBILITY, Separation, separation
from pages.components.workspace import Workspace
from pairx_core.errors import PairxError
from pairx_core.evaluate.bench import Failure
from pairx_core.evaluate.job import EvaluationJob
from pairx_core.evaluate.kept import ROWS_NAME, read_rows
from pairx_core.evaluate.measuring import PairRow
from pairx_core.evaluate.trust import MOST_QUERIES, TrustStudy, trust_job
from pairx_core.retrieval import CandidateFilters

Key = tuple[str, str, CandidateFilters, str, int]
IsBusy = Callable[[], bool]
_DESKS_KEPT = 4
_RESULTS_KEPT = 96  # small pictures and rows
_PLANS_KEPT = 8  # sessions whose pair is looked at
_LOOK_EVERY = 60  # rows, after which the study is made anew
_TIMED = 3  # rows, before which the time left is not told
_POLITE_SECONDS = 0.2  # between two looks whether the review room still needs the processor


@dataclass(frozen=True, eq=False)
class Subject:
    """What is measured: one model's candidates in one catalogue."""

    workspace: Workspace
    filters: CandidateFilters
    most: int = MOST_QUERIES  # photographs of known animals that are drawn as queries

    @property
    def key(self) -> Key:
        """What another subject differs in."""
        space = self.workspace
        return space.model.fingerprint, space.layer, self.filters, str(space.catalogue.source), self.most

    def job(self) -> EvaluationJob:
        """The job that measures it.

        Raises:
            CatalogueError: no known photo has a known candidate.
        """
        space = self.workspace
        return trust_job(space.index, space.model, space.layer, self.filters, most=self.most)


@dataclass(frozen=True, eq=False)
class Standing:
    """What has been measured so far."""

    rows: tuple[PairRow, ...]
    total: int  # pairs in all
    study: TrustStudy | None  # None: too few for anything to be said
    measured_at: datetime | None = None  # the last row; None: there is none
    failures: tuple[Failure, ...] = ()  # of the last run
    _separations: dict[str, Separation] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to measure."""
        return len(self.rows) + len(self.failures) >= self.total

    def separation(self, score: str) -> Separation | None:
        """How well a score, by its name in ``score_names``, tells right from wrong pairs; remembered."""
        if self.study is not None and score not in self._separations:
            self._separations[score] = separation(self.study, score)
        return self._separations.get(score)


class Measuring(Task[Standing]):
    """Looks up what was kept of a subject, and measures the rest if it is wanted."""

    stage = "Looking for what was measured before"

    def __init__(
        self,
        subject: Subject,
        folder: Path,
        *,
        goes_on: bool,
        is_busy: IsBusy,
        turn: threading.Lock,
        after: Measuring | None = None,
        standing: Standing | None = None,
    ) -> None:
        """Begin.

        Args:
            subject: what to measure.
            folder: under which rows are kept, in a folder by the job's fingerprint.
            goes_on: whether to measure what is not kept.
            is_busy: whether the review room needs the processor, which comes first.
            turn: held while rows are measured: two subjects at once would each take twice as long.
            after: what wrote into the same folder before, and may not have ended yet.
            standing: what is known already.
        """
        self.goes_on = goes_on
        self.standing = standing  # what has been measured; None: that is not looked up yet
        self._subject, self._folder, self._after = subject, folder, after
        self._is_busy, self._turn = is_busy, turn
        self._seen = 0  # rows in the standing
        self._began: tuple[float, int] | None = None  # when the first row was measured, and which one
        self.begin()

    @property
    def seconds_left(self) -> float | None:
        """A guess from the rows measured so far; None: there are too few."""
        began = self._began
        if began is None or self.done - began[1] < _TIMED:
            return None
        return (time.monotonic() - began[0]) / (self.done - began[1]) * (self.total - self.done)

    def work(self) -> Standing:
        """Look up, measure, and make the study."""
        if self._after is not None:
            self._after.wait_until_ended()
            self._after = None  # its results would stay as long as these
        job = self._subject.job()
        folder = self._folder / job.fingerprint
        total = len(job.sample.pairs)
        found = self._look(read_rows(folder), total, folder)
        if self.goes_on and not found.is_complete:
            self._wait_for_turn(total)
            try:
                found = self._measure(job, folder, len(found.rows))
            finally:
                self._turn.release()
        return found

    def _wait_for_turn(self, total: int) -> None:
        self.stage = "Waiting for another measurement to end"
        while not self._turn.acquire(timeout=_POLITE_SECONDS):
            self.tell(self.done, total)

    def _measure(self, job: EvaluationJob, folder: Path, kept: int) -> Standing:
        self.stage = "Measuring known pairs"
        total = len(job.sample.pairs)
        evaluated = job.run(folder, lambda done, total: self._progress(done, total, kept, folder))
        return self._look(evaluated.rows, total, folder, evaluated.failures)

    def wait_until_ended(self) -> None:
        """Wait for the thread, however long its last step takes."""
        self._thread.join()

    def _progress(self, done: int, total: int, kept: int, folder: Path) -> None:
        self.tell(done, total)
        if done < kept:
            return
        while self._is_busy():
            self.tell(done, total)
            time.sleep(_POLITE_SECONDS)
        if self._began is None:
            self._began = time.monotonic(), done
        if done - self._seen >= _LOOK_EVERY and done < total:
            self._look(read_rows(folder), total, folder)

    def _look(
        self, rows: Sequence[PairRow], total: int, folder: Path, failures: tuple[Failure, ...] = ()
    ) -> Standing:
        """Make the standing of the rows; the slow figures as well, so that no page waits for them."""
        once = tuple({row.key: row for row in rows}.values())
        study = study_of(once)
        if study is not None:
            study.quality, study.reranking, study.calibration  # noqa: B018
        file = folder / ROWS_NAME
        written = datetime.fromtimestamp(file.stat().st_mtime, UTC) if once and file.is_file() else None
        self._seen = len(once)
        standing = Standing(once, total, study, written, failures)
        standing.separation(PLAUSIBILITY)
        self.standing = standing
        return standing


def study_of(rows: Sequence[PairRow]) -> TrustStudy | None:
    """A study of rows; None where there are too few pairs, or all queries show one animal."""
    if len({row.query_identity for row in rows}) < 2:
        return None
    return TrustStudy.of(rows)


class Chores(Task[None]):
    """A few small things for one screen, one after the other."""

    def __init__(self, chores: Sequence[Callable[[], None]], is_busy: IsBusy) -> None:
        self._chores, self._is_busy = chores, is_busy
        self.begin()

    def work(self) -> None:
        """Do them, each as soon as the review room does not need the processor."""
        for number, chore in enumerate(self._chores):
            self.tell(number, len(self._chores))
            while self._is_busy():
                self.tell(number, len(self._chores))
                time.sleep(_POLITE_SECONDS)
            chore()


class Desk:
    """What is known of one subject, and what was made for the screens that ask for it. Safe to use from threads."""

    def __init__(
        self,
        subject: Subject,
        folder: Path,
        is_busy: IsBusy,
        turn: threading.Lock,
        after: Desk | None = None,
    ) -> None:
        """Look up what was kept; ``after`` is the desk of the same subject before the catalogue was read anew."""
        self.subject = subject
        self._folder, self._is_busy, self._turn = folder, is_busy, turn
        self._lock = threading.Lock()
        self._results: OrderedDict[tuple[str, ...], object] = OrderedDict()
        self._plans: OrderedDict[str, tuple[frozenset[tuple[str, ...]], Chores]] = OrderedDict()
        former = None if after is None else after.measuring
        self.measuring = Measuring(subject, folder, goes_on=False, is_busy=is_busy, turn=turn, after=former)

    @property
    def standing(self) -> Standing | None:
        """What has been measured; None: that is not looked up yet."""
        return self.measuring.standing

    @property
    def study(self) -> TrustStudy | None:
        """What the known pairs teach; None: nothing yet."""
        return None if self.standing is None else self.standing.study

    @property
    def is_measuring(self) -> bool:
        """Whether rows are on their way."""
        return self.measuring.goes_on and not self.measuring.finished

    def measure(self) -> None:
        """Measure what is not measured yet, or join those who wait for it."""
        with self._lock:
            if not self.is_measuring:
                self.measuring = Measuring(
                    self.subject,
                    self._folder,
                    goes_on=True,
                    is_busy=self._is_busy,
                    turn=self._turn,
                    after=self.measuring,
                    standing=self.standing,
                )

    def stop(self) -> None:
        """Stop after the pair at hand; what was measured stays."""
        self.measuring.cancel()

    def result(self, *key: str) -> object | None:
        """What was made under a key; None: nothing yet."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def put(self, key: tuple[str, ...], result: object) -> None:
        """Keep what was made."""
        with self._lock:
            self._results[key] = result
            while len(self._results) > _RESULTS_KEPT:
                self._results.popitem(last=False)

    def want(self, whose: str, wanted: dict[tuple[str, ...], Callable[[], object]]) -> bool:
        """Have missing results made, in this order, in the place of what the same screen wanted before.

        A photo that cannot be read, or a pair that cannot be explained, is a result as well: its error.

        Args:
            whose: the screen.
            wanted: what makes a result, by its key.

        Returns:
            Whether some are still to come.

        Raises:
            Exception: making them failed by a fault in the program.
        """
        missing = {key: make for key, make in wanted.items() if self.result(*key) is None}
        with self._lock:
            keys, task = self._plans.get(whose, (frozenset(), None))
            if task is not None and task.finished and task.error is not None and keys & missing.keys():
                del self._plans[whose]
                if not isinstance(task.error, Stopped):
                    task.result()
                task = None
            if not missing:
                return False
            if task is None or task.finished or not missing.keys() <= keys:
                if task is not None:
                    task.cancel()
                self._begin(whose, missing)
        return True

    def close(self) -> None:
        """Stop everything, and wait until nothing is at work any more."""
        self.cancel()
        for task in (self.measuring, *(task for _, task in self._plans.values())):
            task.close()

    def cancel(self) -> None:
        """Stop everything at its next step."""
        for task in (self.measuring, *(task for _, task in self._plans.values())):
            task.cancel()

    def _begin(self, whose: str, missing: dict[tuple[str, ...], Callable[[], object]]) -> None:
        chores = [self._chore(key, make) for key, make in missing.items()]
        self._plans[whose] = frozenset(missing), Chores(chores, self._is_busy)
        self._plans.move_to_end(whose)
        while len(self._plans) > _PLANS_KEPT:
            _, (_, dropped) = self._plans.popitem(last=False)
            dropped.cancel()

    def _chore(self, key: tuple[str, ...], make: Callable[[], object]) -> Callable[[], None]:
        def do() -> None:
            try:
                self.put(key, make())
            except PairxError as error:
                self.put(key, error)

        return do


class Desks:
    """The desks of the last subjects, shared by all sessions."""

    def __init__(self) -> None:
        self.one_method = (
            threading.Lock()
        )  # held while a method watches a model's layers, which all sessions share
        self._desks: OrderedDict[tuple[Key, Path], Desk] = OrderedDict()
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def of(self, subject: Subject, cache: Path, is_busy: IsBusy) -> Desk:
        """The desk of a subject; a new one where its catalogue was read anew."""
        key = subject.key, cache
        with self._lock:
            desk = self._desks.get(key)
            if desk is None or desk.subject.workspace is not subject.workspace:
                if desk is not None:
                    desk.cancel()
                desk = Desk(subject, cache / "trust", is_busy, self._turn, desk)
                self._desks[key] = desk
            self._desks.move_to_end(key)
            while len(self._desks) > _DESKS_KEPT:
                _, dropped = self._desks.popitem(last=False)
                dropped.cancel()
            return desk

    def measured(self, subject: Subject, cache: Path) -> Desk | None:
        """The last desk for these photos, model and filters with a study, however many photographs it took."""
        with self._lock:
            found = [
                desk
                for (key, place), desk in self._desks.items()
                if key[:-1] == subject.key[:-1] and place == cache and desk.study is not None
            ]
        return next((desk for desk in reversed(found) if desk.subject.workspace is subject.workspace), None)

    def close(self) -> None:
        """Stop all."""
        with self._lock:
            for desk in self._desks.values():
                desk.close()


@st.cache_resource(show_spinner=False, on_release=Desks.close)
def desks() -> Desks:
    """The desks of all sessions."""
    return Desks()
