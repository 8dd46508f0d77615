"""The evaluation as a job: pair by pair, method by method, each row kept as soon as it is measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np

from pairx_core.catalogue import Photo, photo_digest
from pairx_core.errors import PhotoError
from pairx_core.evaluate.bench import Failure, NamedBench, RowsTask, Workbench, measured
from pairx_core.evaluate.kept import keep, opened
from pairx_core.evaluate.measuring import PairRow, WhatToMeasure
from pairx_core.evaluate.pairs import PairSample
from pairx_core.evaluate.plan import CONTROLS, Plan
from pairx_core.explain.engine_version import engine_fingerprint
from pairx_core.jobs import Runner
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.models.named import NamedModel

_MEASURES_VERSION = 1  # counts up when a measure's definition changes
Progress = Callable[[int, int], None]  # called with (rows done, rows in all)
_Place = tuple[int, str]  # a pair's number in the sample, and a method


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of an evaluation."""

    rows: tuple[PairRow, ...]  # in the order of the pairs, then of the methods
    failures: tuple[Failure, ...] = ()
    resumed: int = 0  # rows that were there before
    folder: Path | None = field(default=None, compare=False)


class EvaluationJob:
    """Measures a sample of known pairs. Where it is stopped, it goes on from the last row kept.

    Methods without lines have no plausibility to tell right from wrong by: they are measured on the first pairs only,
    those with deletion or steadiness.
    """

    def __init__(
        self, model: EmbeddingModel, sample: PairSample, plan: Plan, *, truth: Path | None = None
    ) -> None:
        """Take what to measure.

        Args:
            model: the embedding model.
            sample: the pairs.
            plan: which methods, and how much.
            truth: folder of truth files; None: lines are not scored.
        """
        self.model = model
        self.sample = sample
        self.plan = plan
        self.truth = truth
        self._elsewhere = _one_round(len(sample.pairs), plan.seed)
        self._bench = Workbench(model, plan, truth)

    def run(
        self,
        folder: Path | None = None,
        progress: Progress | None = None,
        *,
        runner: Runner | None = None,
        named: NamedModel | None = None,
    ) -> Evaluated:
        """Measure all that is not measured yet.

        Args:
            folder: where rows are kept; None: nowhere.
            progress: called with (rows done, rows in all); it may raise to stop the job.
            runner: what measures pairs side by side, each on one thread; None: one row after the other, here, on all
                threads, so that not a row is lost when it is stopped.
            named: the model as data, for a runner whose tasks leave this process; None: they do not.

        Raises:
            CatalogueError: the folder holds another evaluation, or cannot be written.
            ClusterError: the runner's cluster was lost.
        """
        known = {} if folder is None else opened(folder, self.fingerprint, self.about())
        places = list(self._places())
        missing = [place for place in places if self._key(place) not in known]
        rows: list[PairRow] = []
        failures: list[Failure] = []
        with closing(self._measured(missing, runner, named)) as measured_rows:
            for number, place in enumerate(places):
                _tell(progress, number, len(places))
                kept = known.get(self._key(place))
                row = next(measured_rows) if kept is None else kept
                if isinstance(row, Failure):
                    failures.append(row)
                    continue
                rows.append(row)
                if kept is None and folder is not None:
                    keep(folder, row)
        _tell(progress, len(places), len(places))
        return Evaluated(tuple(rows), tuple(failures), len(places) - len(missing), folder)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with anything that the rows depend on."""
        digest = hashlib.sha256(json.dumps(self.about(), sort_keys=True).encode())
        for pair in self.sample.pairs:
            for photo in (pair.query, pair.candidate):
                digest.update(_identified(photo))
        return digest.hexdigest()[:16]

    def about(self) -> dict[str, object]:
        """What the evaluation is of, for its folder and its report."""
        return {
            "measures_version": _MEASURES_VERSION,
            "engine": engine_fingerprint(),
            "model": self.model.name,
            "model_fingerprint": self.model.fingerprint,
            "preprocessing": self.model.preprocessing_in_words,
            "layer": self.plan.layer or self.model.recommended_layer,
            "plan": asdict(self.plan) | {"layer": None, "methods": None, "controlled": None},
            "sample_seed": self.sample.seed,
            "pairs": len(self.sample.pairs),
            "truth": self.truth is not None,
        }

    def _places(self) -> Iterator[_Place]:
        names = list(self.plan.methods)
        names += [f"{name}@{control}" for name in self.plan.controlled for control in CONTROLS]
        few = max(self.plan.faithful_pairs, self.plan.steady_pairs)
        lined = {name for name in names if self._bench.method(name).draws_lines}
        for place in range(len(self.sample.pairs)):
            yield from ((place, name) for name in names if name in lined or place < few)

    def _key(self, place: _Place) -> tuple[str, str, str]:
        pair = self.sample.pairs[place[0]]
        return pair.query.id, pair.candidate.id, place[1]

    def _measured(
        self, places: Sequence[_Place], runner: Runner | None, named: NamedModel | None
    ) -> Generator[PairRow | Failure]:
        """Rows or failures, in the order of their places."""
        if runner is None:
            for place, name in places:
                yield from self._bench.rows(self._task(place, (name,)))
            return
        by = self._bench if named is None else NamedBench(named, self.plan, self.truth)
        of_pairs = groupby(places, key=lambda place: place[0])  # what a pair's methods share is computed once
        tasks = (self._task(place, tuple(name for _, name in group)) for place, group in of_pairs)
        with closing(runner.results(partial(measured, by), tasks)) as results:
            for rows in results:
                yield from rows

    def _task(self, place: int, names: tuple[str, ...]) -> RowsTask:
        pairs = self.sample.pairs
        what = WhatToMeasure(place < self.plan.faithful_pairs, place < self.plan.steady_pairs)
        other, elsewhere = self._other_candidate(place), pairs[self._elsewhere[place]]
        return RowsTask(pairs[place], names, what, other, elsewhere)

    def _other_candidate(self, place: int) -> Photo | None:
        """A candidate of the pairs that follow which is on neither photo of this one; None where there is none."""
        pairs = self.sample.pairs
        here = {pairs[place].query.id, pairs[place].candidate.id}
        following = (pair.candidate for pair in (*pairs[place + 1 :], *pairs[:place]))
        return next((photo for photo in following if photo.id not in here), None)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _one_round(count: int, seed: int) -> list[int]:
    """For each of so many things another one, drawn at random, each once.

    Not the next one: in a sample, same and different pairs take turns, and a control that exchanged the two kinds
    would not collapse but tell them apart the wrong way round.
    """
    order = np.random.default_rng(seed).permutation(count)
    following = np.empty(count, np.int64)
    following[order] = np.roll(order, -1)
    return [int(place) for place in following]


def _identified(photo: Photo) -> bytes:
    try:
        content = photo_digest(photo)
    except PhotoError:
        content = "unreadable"
    return f"{photo.id} {photo.identity} {photo.box} {content}\n".encode()
