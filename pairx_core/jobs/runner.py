"""Running many tasks side by side, with their results in order.

A task is plain data, and what is done with it a function at the top level of a module: both can travel to another
process or another computer. Each task computes on one thread, whoever runs it; so its result does not depend on how
many processors there are, on how many tasks run beside it, or on where it runs.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import islice
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Made = TypeVar("Made", covariant=True)
LOOK_AHEAD = 2  # tasks under way or waiting, for each worker: none is idle, and few results wait to be taken


class Runner(Protocol):
    """What runs tasks. Functions may be run again where a worker was lost: they change nothing but what they return."""

    @property
    def workers(self) -> int:
        """How many tasks run at a time."""

    def results(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Generator[Result]:
        """The results of tasks, in their order. Tasks are taken as they are needed, not all at once.

        Closing the generator gives up what has not begun. What has begun is waited for on this computer, and forgotten
        on a cluster.

        Raises:
            what ``function`` raises, in its turn.
        """

    def close(self) -> None:
        """Let the workers go."""


class Pending(Protocol[Made]):
    """The result of a task that was handed over, to come. A ``concurrent.futures.Future`` is one."""

    def result(self) -> Made:
        """The result, once it is there.

        Raises:
            what the task raised.
        """

    def cancel(self) -> bool:
        """Give the task up; False: it has begun, and must be waited for."""

    def exception(self) -> BaseException | None:
        """What the task raised, once it has ended."""


class LocalRunner:
    """Runs tasks on this computer, in as many threads as it has processors. A runner, see :class:`Runner`."""

    def __init__(self, workers: int | None = None) -> None:
        """Take the number of tasks to run at a time; None: one for each processor that may be used."""
        self._workers = workers or usable_processors()
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    @property
    def workers(self) -> int:
        """How many tasks run at a time."""
        return self._workers

    def results(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Generator[Result]:
        """The results of tasks, in their order; see :meth:`Runner.results`."""
        pool = self._begun()
        return in_order(lambda task: pool.submit(function, task), tasks, lambda: LOOK_AHEAD * self._workers)

    def close(self) -> None:
        """End the threads."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=True, cancel_futures=True)
                self._pool = None

    def _begun(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = _single_threaded(self._workers)
            return self._pool


def in_order(
    submit: Callable[[Task], Pending[Result]], tasks: Iterable[Task], at_once: Callable[[], int]
) -> Generator[Result]:
    """The results of tasks in their order.

    Args:
        submit: hands a task over.
        tasks: taken as they are needed.
        at_once: how many may be under way, at least 1; asked before each result, for a cluster grows and shrinks.
    """
    waiting: deque[Pending[Result]] = deque()
    upcoming = iter(tasks)
    try:
        while True:
            waiting.extend(submit(task) for task in islice(upcoming, max(0, at_once() - len(waiting))))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        for begun in [pending for pending in waiting if not pending.cancel()]:
            begun.exception()


def usable_processors() -> int:
    """How many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def compute_on_one_thread() -> None:
    """Have torch compute on one thread from now on, where this thread calls it."""
    import torch

    torch.get_num_threads()  # a thread's first call takes over the process's number: let that be past
    torch.set_num_threads(1)


def _single_threaded(workers: int) -> ThreadPoolExecutor:
    """A pool whose threads compute on one thread each; other threads of the process keep theirs."""
    import torch

    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(workers, "pairx-job", initializer=compute_on_one_thread)
    all_run = threading.Barrier(workers)
    wait([pool.submit(all_run.wait) for _ in range(workers)])
    torch.set_num_threads(
        threads
    )  # it holds for the thread that calls it, and for threads begun later: for those
    return pool
