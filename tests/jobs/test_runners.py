"""What holds of every runner, on this computer or on a cluster."""

from __future__ import annotations

import os
import threading
import time
from functools import partial

import pytest

from pairx_core.errors import PhotoError
from pairx_core.jobs import LocalRunner, Runner
from pairx_core.jobs.runner import LOOK_AHEAD, in_order
from tests.jobs import work


def test_results_come_in_order_though_the_first_takes_longest(runner: Runner):
    assert list(runner.results(work.slow_first, range(12))) == list(range(12))


def test_no_tasks_give_no_results(runner: Runner):
    assert list(runner.results(work.doubled, [])) == []


def test_an_error_is_raised_in_its_turn_and_ends_the_results(runner: Runner):
    results = runner.results(work.refused_at_3, range(6))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(PhotoError, match="^photo 3 is damaged$"):
        next(results)
    assert list(results) == []
    assert list(runner.results(work.doubled, range(3))) == [0, 2, 4]


def test_tasks_are_taken_as_they_are_needed(runner: Runner):
    taken: list[int] = []
    tasks = (taken.append(number) or number for number in range(100))
    results = runner.results(work.doubled, tasks)
    most = 0
    for done in range(20):
        next(results)
        most = max(most, len(taken) - done)
    assert runner.workers == 2
    assert most == LOOK_AHEAD * runner.workers
    results.close()
    assert len(taken) == 19 + most


def test_each_task_computes_on_one_thread(runner: Runner):
    assert {threads for _, threads in runner.results(work.at_work, range(8))} == {1}


def test_only_a_cluster_works_in_other_processes(local, dask):
    assert {process for process, _ in local.results(work.at_work, range(8))} == {os.getpid()}
    others = {process for process, _ in dask.results(work.at_work, range(8))}
    assert others and os.getpid() not in others


def test_a_cluster_computes_the_same_bytes(local, dask):
    here, there = (list(one.results(work.computed, range(6))) for one in (local, dask))
    assert [array.tobytes() for array in here] == [array.tobytes() for array in there]
    assert len({array.tobytes() for array in here}) == 6
    assert all(array.flags.writeable for array in there)


def test_functions_may_carry_what_all_tasks_share(runner: Runner):
    assert list(runner.results(partial(pow, 3), range(5))) == [1, 3, 9, 27, 81]


def test_closing_gives_up_what_has_not_begun_and_waits_for_what_has(local, tmp_path):
    results = local.results(work.marked, [(tmp_path, number) for number in range(8)])
    assert next(results) == 0
    both = [tmp_path / "1.begun", tmp_path / "2.begun"]
    wait_for(lambda: all(mark.exists() for mark in both))
    opening = threading.Timer(0.1, (tmp_path / "gate").touch)
    opening.start()
    results.close()
    assert (tmp_path / "gate").exists()  # so it waited
    assert sorted(mark.name for mark in tmp_path.glob("*.begun")) == ["0.begun", "1.begun", "2.begun"]


def test_a_cluster_forgets_what_is_closed(dask, tmp_path):
    before = set(dask._client.run_on_scheduler(wanted))
    results = dask.results(work.marked, [(tmp_path, number) for number in range(8)])
    assert next(results) == 0
    wait_for(lambda: len(list(tmp_path.glob("*.begun"))) == 3)
    results.close()  # waits for nobody: the gate is shut
    wait_for(lambda: before.issuperset(dask._client.run_on_scheduler(wanted)))
    (tmp_path / "gate").touch()
    assert list(dask.results(work.doubled, range(9))) == list(range(0, 18, 2))
    assert len(list(tmp_path.glob("*.begun"))) == 3


def wanted(dask_scheduler) -> list[str]:
    """Keys of tasks that somebody wants."""
    return [key for key, task in dask_scheduler.tasks.items() if task.who_wants]


def test_a_closed_runner_on_this_computer_can_begin_again():
    runner = LocalRunner(2)
    assert list(runner.results(work.doubled, range(3))) == [0, 2, 4]
    runner.close()
    assert list(runner.results(work.doubled, range(3))) == [0, 2, 4]
    runner.close()


class Told:
    """A task that is done when it is asked for."""

    def __init__(self, number: int) -> None:
        self.number = number

    def result(self) -> int:
        return self.number

    def cancel(self) -> bool:
        return True

    def exception(self) -> None:
        return None


@pytest.mark.parametrize("sizes", [[1] * 20, [4, 4, 8, 8, 2, 1, 1, 1, 6], [1, 9]])
def test_as_many_are_under_way_as_there_is_room_for_when_it_changes(sizes):
    """A cluster grows and shrinks."""
    rooms = iter([*sizes, *[sizes[-1]] * 40])
    under_way: list[int] = []
    room = 0

    def room_now() -> int:
        nonlocal room
        room = next(rooms)
        return room

    def submit(number: int) -> Told:
        under_way.append(number)
        assert len(under_way) <= room
        return Told(number)

    for place, number in enumerate(in_order(submit, range(30), room_now)):
        assert number == place
        under_way.remove(number)
    assert place == 29


def wait_for(happened, seconds: float = 60.0) -> None:
    """Wait until something is so."""
    ended, until = threading.Event(), time.monotonic() + seconds
    while not happened():
        if time.monotonic() > until:
            pytest.fail("it did not happen in time")
        ended.wait(0.02)
