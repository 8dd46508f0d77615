"""Running tasks on several computers, through Dask distributed. An extra: requirements-cluster.txt."""

from __future__ import annotations

import asyncio
import importlib
import logging
import pickle
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from pairx_core.errors import ClusterError
from pairx_core.jobs.runner import LOOK_AHEAD, in_order, usable_processors
from pairx_core.jobs.worker import Needs, Refused, packed, processor, run_task, what_is_missing

Task = TypeVar("Task")
Result = TypeVar("Result")
Tell = Callable[[str], None]
RETRIES = 3  # of a task that failed with anything but an error of ours
PATIENCE = 300.0  # seconds without any worker, after which a job is given up
_CONNECT = 10.0  # seconds to reach a scheduler in
_LOOK = 1.0  # seconds between looks at who is there
_RESTART = "1h"  # in which a worker that died may come back; Dask's 15 s are less than a busy computer needs for torch


class DaskRunner:
    """Runs tasks on the workers of a Dask scheduler. A runner, see :class:`pairx_core.jobs.Runner`.

    A task whose worker dies is done again by another, and one that fails by chance (a share that does not answer) up to
    ``RETRIES`` times more; a task that is refused with an error of ours is not tried again. Workers with other versions
    than this computer's, or that do not see its files, are refused. Results are the same bytes as on this computer,
    where the processors are of one kind.
    """

    def __init__(
        self,
        client: Any,
        *,
        files: Iterable[Path] = (),
        patience: float = PATIENCE,
        tell: Tell = lambda _: None,
        cluster: Any = None,
    ) -> None:
        """Look whether the workers of a scheduler can do the work.

        Args:
            client: a ``distributed.Client``; closed with the runner, and when it is refused.
            files: some that all workers must see, such as a few photos and the model's weights.
            patience: seconds to wait for a first worker, and for another when all are lost.
            tell: takes what the user may want to know.
            cluster: to be ended with the runner, and when it is refused.

        Raises:
            ClusterError: no worker joins, or one of them has other versions or lacks a file.
        """
        self._client = client
        self._cluster = cluster
        self._address = client.scheduler.address
        self._patience = patience
        self._needs = Needs.of_this_computer(files)
        self._workers = 0
        self._looked = self._seen = time.monotonic()
        try:
            self._wait_for_workers(tell)
            self._check_workers(tell)
        except BaseException:
            self.close()
            raise

    @classmethod
    def at(cls, address: str, **more: Any) -> DaskRunner:
        """A runner with the workers of a scheduler that runs already.

        Args:
            address: the scheduler's, such as "tcp://10.0.0.5:8786".
            more: files, patience, tell; see above.

        Raises:
            ClusterError: Dask is not installed, the scheduler cannot be reached, or its workers cannot be used.
        """
        distributed = _dask()
        try:
            with ThreadPoolExecutor(
                1
            ) as elsewhere:  # a notebook has an event loop in its main thread already
                elsewhere.submit(asyncio.run, _reach(address)).result()
            client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError, ImportError, RuntimeError) as error:
            raise ClusterError(
                f"The scheduler “{address}” cannot be reached ({error}). Give its address as the scheduler prints it "
                "when started (python -m distributed.cli.dask_scheduler), such as tcp://10.0.0.5:8786, or “local” for "
                "workers on this computer."
            ) from error
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what the user must know, we say
        return cls(client, **more)

    @classmethod
    def on_this_computer(cls, workers: int | None = None, **more: Any) -> DaskRunner:
        """A runner with a scheduler and workers of its own on this computer.

        Args:
            workers: how many processes; None: one for each processor that may be used.
            more: files, patience, tell; see above.

        Raises:
            ClusterError: Dask is not installed.
        """
        distributed = _dask()
        # Read when a worker dies, so it cannot be handed over; without it, one that is back late is sent away for good.
        importlib.import_module("dask").config.set({"distributed.deploy.lost-worker-timeout": _RESTART})
        cluster = distributed.LocalCluster(
            n_workers=workers or usable_processors(),
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # its figures, on a port that is free; None would want port 8787
            memory_limit=0,  # as where no cluster is: a share of it each would end workers that could go on
            silence_logs="CRITICAL",  # what the user must know, we say
        )
        return cls(distributed.Client(cluster, set_as_default=False), cluster=cluster, **more)

    @property
    def workers(self) -> int:
        """How many tasks run at a time, by the workers that are there now."""
        self._look_for_workers()
        return max(self._workers, 1)

    def results(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Generator[Result]:
        """The results of tasks, in their order; see :meth:`pairx_core.jobs.Runner.results`.

        Raises:
            ClusterError: the scheduler was lost, no worker was there for too long, or workers died of the task.
            what ``function`` raises, in its turn.
        """
        self._seen = time.monotonic()  # patience begins anew with each job
        return in_order(lambda task: self._sent(function, task), tasks, lambda: LOOK_AHEAD * self.workers)

    def close(self) -> None:
        """Leave the scheduler; one that was started here is ended with its workers."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def _sent(self, function: Callable[[Task], Result], task: Task) -> _Sent[Result]:
        # Not "pure": each task is done for itself, whatever was asked before.
        try:
            future = self._client.submit(
                run_task, packed(function, task), self._needs, pure=False, retries=RETRIES
            )
        except (OSError, RuntimeError) as error:  # so it says that the connection is closed
            raise self._lost() from error
        return _Sent(self, future)

    def _taken(self, future: Any) -> Any:
        """What came of a task, once it is there.

        Raises:
            as :meth:`results`.
        """
        distributed = _dask()
        while True:
            try:
                with self._client.as_current():
                    distributed.wait([future], timeout=_LOOK)
                if future.status == "error":
                    break
                made = pickle.loads(future.result(timeout=self._patience))
            except TimeoutError:  # not done yet, or its worker died with it: it is being done again
                self._look_for_workers()
            except (CancelledError, OSError) as error:
                raise self._lost() from error
            else:
                return _accepted(made)
        raise self._failure(future.exception())

    def _failure(self, error: BaseException) -> BaseException:
        """What to raise for a task that every try failed at."""
        if not isinstance(error, _dask().KilledWorker):
            return error
        given_up = ClusterError(
            f"A task was given up: the workers that had it died, again and again ({error}). Most likely they ran out "
            "of memory: give each more, or have fewer of them on a computer."
        )
        given_up.__cause__ = error
        return given_up

    def _look_for_workers(self) -> None:
        """Count who is there, at most once a second.

        Raises:
            ClusterError: nobody was for too long, or the scheduler is lost.
        """
        now = time.monotonic()
        if self._workers and now - self._looked < _LOOK:
            return
        self._looked, self._workers = now, self._counted()
        if self._workers:
            self._seen = now
        elif now - self._seen > self._patience:
            raise ClusterError(
                f"No worker has been at the scheduler {self._address} for {self._patience:,.0f} seconds. Start some "
                "(docs/cluster.md), and run this again: it goes on where it stopped."
            )

    def _counted(self) -> int:
        """Tasks that the workers can do at a time."""
        try:
            return sum(self._client.nthreads().values())
        except (OSError, RuntimeError, AttributeError) as error:  # closed, or between two connections
            raise self._lost() from error

    def _wait_for_workers(self, tell: Tell) -> None:
        self._look_for_workers()
        if not self._workers:
            tell(f"waiting for workers at {self._address} ...")
        while not self._workers:
            with suppress(TimeoutError):
                self._client.wait_for_workers(1, timeout=_LOOK)
            self._look_for_workers()

    def _check_workers(self, tell: Tell) -> None:
        """Refuse workers that would not compute what this computer does.

        Raises:
            ClusterError: there is one; it is named.
        """
        lacks = self._client.run(what_is_missing, self._needs, on_error="return")
        for worker, lack in lacks.items():
            if isinstance(lack, Exception):
                raise ClusterError(
                    f"The worker {worker} cannot run PAIR-X Review ({lack}). Install the same version of it, and of "
                    "Python, on all computers."
                )
            if lack:
                raise ClusterError(f"The worker {worker} {lack}")
        kinds = sorted({processor(), *self._client.run(processor).values()})
        if len(kinds) > 1:
            tell(
                f"note: the computers compute with different processors ({', '.join(kinds)}); last digits can differ"
            )

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"The scheduler {self._address} was lost in the middle of the job. What was written is kept: start the "
            "scheduler again, and run this again; it goes on where it stopped."
        )


class _Sent(Generic[Result]):
    """A task that is with the scheduler. A :class:`pairx_core.jobs.runner.Pending`."""

    def __init__(self, runner: DaskRunner, future: Any) -> None:
        self._runner = runner
        self._future = future

    def result(self) -> Result:
        return cast(Result, self._runner._taken(self._future))

    def cancel(self) -> bool:
        """Forget the task. One that is being done costs its worker time, and nobody else anything."""
        self._future.release()
        return True

    def exception(self) -> BaseException | None:
        return None  # nobody waits for what is forgotten


def _accepted(made: object) -> object:
    if isinstance(made, Refused):
        raise made.error
    return made


async def _reach(address: str) -> None:
    """Try a scheduler's address: a client that did not reach one would be in the way until the process ends.

    Raises:
        OSError, ValueError, ImportError: it is none, or nobody answers.
    """
    of_client = _dask().Security().get_connection_args("client")
    connect = importlib.import_module("distributed.comm").connect
    comm = await connect(address, timeout=_CONNECT, **of_client)
    await comm.close()


def _dask() -> Any:
    """The package distributed.

    Raises:
        ClusterError: it is not installed.
    """
    try:
        return importlib.import_module("distributed")
    except ImportError:
        raise ClusterError(
            "Working on a cluster needs Dask: pip install -r requirements-cluster.txt"
        ) from None
