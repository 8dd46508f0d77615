"""Work on both photos of a pair at once, each on half of the processor.

Two steps side by side are faster than one after the other on all threads: what is too small to be shared out among
threads (windows of a few cells, element-wise work, the way from step to step) then occupies one half and not the whole.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch

_Result = TypeVar("_Result")
_SIDES = 2
_lock = threading.Lock()
_workers: dict[int, ThreadPoolExecutor] = {}


def results_in_order(tasks: Sequence[Callable[[], _Result]], device: torch.device) -> Generator[_Result]:
    """The results of tasks, in their order, two tasks being worked on at a time.

    All calls in a process share two worker threads, so that a result does not depend on who else is at work. Closing
    the iterator gives up what is not begun and waits for the rest. On a GPU, or where torch may use one thread only,
    each task runs when its result is asked for. Tasks may not call this function themselves.

    Raises:
        what a task raises, in its turn.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads < _SIDES:
        for task in tasks:
            yield task()
        return
    workers = _workers_for(threads)
    futures = [workers.submit(task) for task in tasks]
    try:
        for future in futures:
            yield future.result()
    finally:
        wait([future for future in futures if not future.cancel()])


def _use_threads(count: int) -> None:
    torch.get_num_threads()  # a thread's first call takes over the process's number: let that be past
    torch.set_num_threads(count)


def _workers_for(threads: int) -> ThreadPoolExecutor:
    """Two workers with half of so many threads each."""
    with _lock:
        if threads not in _workers:
            workers = ThreadPoolExecutor(
                _SIDES, "pairx-side", initializer=_use_threads, initargs=(threads // _SIDES,)
            )
            both_run = threading.Barrier(_SIDES)
            wait([workers.submit(both_run.wait) for _ in range(_SIDES)])
            # It holds for the thread that calls it, and for threads begun later: for those, set it back.
            torch.set_num_threads(threads)
            _workers[threads] = workers
        return _workers[threads]
