"""A cluster in trouble: workers that die or differ, nobody there, a scheduler that goes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import distributed
import psutil
import pytest
from dask import config as dask_config
from dask.utils import parse_timedelta

from pairx_core.errors import ClusterError, PhotoError
from pairx_core.jobs import cluster
from pairx_core.jobs.cluster import RETRIES, DaskRunner
from pairx_core.jobs.worker import Needs, own_versions
from tests.jobs import work
from tests.jobs.test_runners import wait_for


def another(dask, **more) -> DaskRunner:
    """A further runner with the same workers."""
    return DaskRunner.at(dask._address, **more)


def test_a_killed_worker_changes_nothing(local, dask):
    expected = [array.tobytes() for array in local.results(work.computed, range(30))]
    found = []
    victim = oldest_process(dask)
    for number, array in enumerate(dask.results(work.computed, range(30))):
        found.append(array.tobytes())
        if number == 4:
            os.kill(victim, signal.SIGKILL)
    assert found == expected
    wait_until_replaced(dask, victim)


def test_a_killed_worker_that_comes_back_late_is_not_sent_away(dask):
    """Dask forgets a worker that was not back after 15 s; on a busy computer loading torch takes longer."""
    waits = dask_config.get("distributed.deploy.lost-worker-timeout")
    assert parse_timedelta(waits) >= cluster.PATIENCE


def oldest_process(dask) -> int:
    """The worker's that has been there longest: one that is just starting would not be replaced."""
    return min(processes(dask), key=lambda process: psutil.Process(process).create_time())


def wait_until_replaced(dask, victim: int) -> None:
    """Wait for as many workers as there were, without the one that was killed."""
    wait_for(lambda: dask._counted() == 2 and len(found := processes(dask)) == 2 and victim not in found)


def processes(dask) -> set[int]:
    """Of the workers that answer."""
    return {one for one in dask._client.run(os.getpid, on_error="ignore").values() if isinstance(one, int)}


def test_a_scheduler_is_reached_from_a_notebook_too(dask):
    """Where an event loop runs in the main thread already."""

    async def in_a_cell() -> list[int]:
        runner = another(dask)
        try:
            return list(runner.results(abs, range(-3, 0)))
        finally:
            runner.close()

    with ThreadPoolExecutor(1) as notebook:
        assert notebook.submit(asyncio.run, in_a_cell()).result(60) == [3, 2, 1]


def test_a_task_that_kills_its_workers_is_given_up(dask):
    scheduler = dask._cluster.scheduler
    before, scheduler.allowed_failures = scheduler.allowed_failures, 0
    with pytest.raises(ClusterError, match="given up: the workers that had it died.*memory"):
        list(dask.results(work.deadly, [0]))
    scheduler.allowed_failures = before
    wait_for(lambda: dask.workers == 2)
    assert list(dask.results(work.doubled, range(4))) == [0, 2, 4, 6]


def test_what_fails_by_chance_is_tried_again(dask, tmp_path):
    assert list(dask.results(work.failing_at_first, [(tmp_path / "tries", OSError, RETRIES)])) == [1]


@pytest.mark.parametrize(("error", "tries"), [(PhotoError, 1), (ZeroDivisionError, RETRIES + 1)])
def test_errors_of_ours_are_raised_at_once_and_others_after_some_tries(dask, tmp_path, error, tries):
    with pytest.raises(error, match="no answer"):
        list(dask.results(work.failing_at_first, [(tmp_path / "tries", error, 99)]))
    assert (tmp_path / "tries").read_text().count("tried") == tries


def test_workers_with_other_versions_are_refused_by_name(dask, monkeypatch):
    versions = [(name, "9.9" if name == "torch" else known) for name, known in own_versions()]
    monkeypatch.setattr(Needs, "of_this_computer", lambda _: Needs(tuple(versions)))
    with pytest.raises(
        ClusterError, match=r"worker tcp://127.0.0.1:\d+ has other versions .*torch 2.* of 9.9"
    ):
        another(dask)


def test_code_counts_as_a_version_and_so_does_what_is_missing(dask):
    assert dict(own_versions())["pairx_core"].startswith("0.1.0 (code ")
    assert dict(own_versions())["distributed"] == distributed.__version__


def test_workers_that_do_not_see_the_photos_are_refused_by_path(dask, monkeypatch):
    monkeypatch.setattr(Needs, "of_this_computer", lambda _: Needs((), (("/photos/a.jpg", 5),)))
    with pytest.raises(ClusterError, match=r"worker tcp://\S+ does not see the file /photos/a.jpg .*5 bytes"):
        another(dask)


def test_photos_that_go_missing_in_the_middle_end_the_job(dask, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"light")
    runner = another(dask, files=[photo, tmp_path / "never there.jpg"])
    try:
        assert list(runner.results(work.doubled, [1])) == [2]
        photo.unlink()
        with pytest.raises(ClusterError, match=r"worker tcp://\S+ on \S+ does not see the file .*photo.jpg"):
            list(runner.results(work.doubled, [1]))
    finally:
        runner.close()


def test_workers_without_this_package_are_refused(dask, monkeypatch):
    monkeypatch.setattr(cluster, "what_is_missing", Unknown())
    with pytest.raises(ClusterError, match=r"worker tcp://\S+ cannot run PAIR-X Review \(.*No module named"):
        another(dask)


class Unknown:
    """Something that cannot be loaded on a worker."""

    def __reduce__(self):
        return __import__, ("pairx_of_the_future",)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "", "post://127.0.0.1:1"])
def test_a_wrong_address_is_told(monkeypatch, address):
    monkeypatch.setattr(cluster, "_CONNECT", 0.5)
    with pytest.raises(
        ClusterError, match=f"scheduler “{address}” cannot be reached .*cli.dask_scheduler.*such as tcp://10"
    ):
        DaskRunner.at(address)


def test_without_dask_the_file_that_brings_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for begin in (lambda: DaskRunner.at("tcp://127.0.0.1:1"), DaskRunner.on_this_computer):
        with pytest.raises(ClusterError, match="requirements-cluster.txt"):
            begin()


@pytest.fixture
def deserted():
    """A scheduler without workers."""
    with distributed.LocalCluster(
        n_workers=0,
        threads_per_worker=2,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    ) as made:
        yield made


def test_nobody_there_is_told_after_a_while(deserted):
    told = []
    with pytest.raises(
        ClusterError, match=r"No worker has been at the scheduler .* for 1 seconds.*cluster.md"
    ):
        DaskRunner.at(deserted.scheduler_address, patience=1, tell=told.append)
    assert told == [f"waiting for workers at {deserted.scheduler_address} ..."]


def test_workers_that_all_go_away_are_waited_for_a_while(deserted):
    deserted.scale(1)
    runner = DaskRunner.at(deserted.scheduler_address, patience=1.5)
    try:
        results = runner.results(work.doubled, range(100))
        assert next(results) == 0
        deserted.scale(0)
        with pytest.raises(ClusterError, match="No worker has been at"):
            list(results)
        deserted.scale(1)
        assert list(runner.results(work.doubled, range(3))) == [0, 2, 4]  # patience begins anew
    finally:
        runner.close()


def test_a_scheduler_that_goes_is_told(deserted):
    deserted.scale(1)
    runner = DaskRunner.at(deserted.scheduler_address)
    try:
        results = runner.results(work.doubled, range(100))
        assert next(results) == 0
        deserted.close()
        with pytest.raises(ClusterError, match=r"scheduler tcp://\S+ was lost in the middle.*goes on where"):
            list(results)
    finally:
        runner.close()


def test_a_worker_with_several_threads_computes_the_same(local, deserted):
    deserted.scale(1)
    runner = DaskRunner.at(deserted.scheduler_address)
    try:
        assert {threads for _, threads in runner.results(work.at_work, range(8))} == {1}
        found = [array.tobytes() for array in runner.results(work.computed, range(6))]
        assert found == [array.tobytes() for array in local.results(work.computed, range(6))]
    finally:
        runner.close()


def test_what_cannot_travel_is_told(dask):
    with pytest.raises(ClusterError, match="cannot be sent"):
        list(dask.results(work.doubled, [threading.Lock()]))
