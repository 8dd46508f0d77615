"""Measuring as tasks: a pair, and which methods to measure on it. Plain data, to be measured here or anywhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pairx_core.catalogue import Photo
from pairx_core.errors import ExplanationError, PhotoError
from pairx_core.evaluate.evidence import Method
from pairx_core.evaluate.measuring import Measurer, PairRow, WhatToMeasure
from pairx_core.evaluate.methods import METHODS, make_method
from pairx_core.evaluate.pairs import KnownPair
from pairx_core.evaluate.plan import Plan
from pairx_core.evaluate.steadiness import with_random_weights
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.models.named import NamedModel

_alone = threading.Lock()  # held by methods that switch something for the whole process


@dataclass(frozen=True, slots=True)
class Failure:
    """A pair that a method could not explain, or whose photo cannot be read."""

    query_id: str
    candidate_id: str
    method: str
    message: str


@dataclass(frozen=True, slots=True)
class RowsTask:
    """A pair, and what to measure on it."""

    pair: KnownPair
    names: tuple[str, ...]  # of methods; a control's has the control behind an @
    what: WhatToMeasure
    other: Photo | None  # another candidate, for the dependence on it
    elsewhere: KnownPair  # whose explanation the control of pairs shows instead


class Workbench:
    """A model, and the methods that a plan names, set up as they are needed.

    Several threads may use one; a method serves one thread, so that each thread has its own.
    """

    def __init__(self, model: EmbeddingModel, plan: Plan, truth: Path | None) -> None:
        """Take what all tasks of an evaluation share.

        Args:
            model: the embedding model.
            plan: which methods, and how much.
            truth: folder of truth files; None: lines are not scored.
        """
        self._model = model
        self._plan = plan
        self._own = threading.local()
        self._random: EmbeddingModel | None = None
        self._lock = threading.Lock()
        self._measurer = Measurer(model, truth, k_lines=plan.k_lines, seed=plan.seed)
        named = {name.partition(":")[0] for name in (*plan.methods, *plan.controlled)}
        self._is_alone = any(METHODS[name].alone for name in named)

    def method(self, name: str) -> Method:
        """A method or control of the plan, for the thread that asks.

        Raises:
            ExplanationError: a package that it needs is missing, or it cannot explain this model.
        """
        if not hasattr(self._own, "methods"):
            self._own.methods = {}
        methods: dict[str, Method] = self._own.methods
        plain, _, control = name.partition("@")
        key = name if control == "weights" else plain
        if key not in methods:
            model = self._with_random_weights() if control == "weights" else self._model
            method, _, layer = plain.partition(":")
            methods[key] = make_method(method, model, layer or self._plan.layer)
        return methods[key]

    def rows(self, task: RowsTask) -> tuple[PairRow | Failure, ...]:
        """Measure a pair by some methods, in their order."""
        with self._turn():
            return tuple(self._row(task, name) for name in task.names)

    def _row(self, task: RowsTask, name: str) -> PairRow | Failure:
        instead = task.elsewhere if name.endswith("@pairs") else None
        try:
            method = self.method(name)
            return self._measurer.row(task.pair, name, method, task.what, other=task.other, instead=instead)
        except (ExplanationError, PhotoError) as error:
            return Failure(task.pair.query.id, task.pair.candidate.id, name, str(error))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Keep others of this process from measuring meanwhile, where the plan has a method that needs it."""
        if not self._is_alone:
            yield
            return
        with _alone:
            yield

    def _with_random_weights(self) -> EmbeddingModel:
        with self._lock:
            if self._random is None:
                self._random = with_random_weights(self._model, self._plan.seed)
            return self._random


@dataclass(frozen=True, slots=True)
class NamedBench:
    """A workbench as data: another process sets up the same."""

    model: NamedModel
    plan: Plan
    truth: Path | None

    def open(self) -> Workbench:
        """The workbench, set up once a process.

        Raises:
            ModelError: the model cannot be loaded, or it is another one.
        """
        return _opened(self)


def measured(by: Workbench | NamedBench, task: RowsTask) -> tuple[PairRow | Failure, ...]:
    """What a runner is given: the rows of a task, measured at a bench that is at hand or to be set up."""
    return (by.open() if isinstance(by, NamedBench) else by).rows(task)


@lru_cache(maxsize=1)
def _opened(bench: NamedBench) -> Workbench:
    return Workbench(bench.model.load(), bench.plan, bench.truth)
