"""Two steps at once, each on half of the threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from pairx_core.explain.side_by_side import results_in_order
from tests.conftest import torch_threads

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def four_threads():
    with torch_threads(4):
        yield


def test_results_come_in_the_order_of_their_tasks():
    def task(number):
        time.sleep(0.02 if number % 2 == 0 else 0)
        return number

    assert list(results_in_order([lambda n=n: task(n) for n in range(6)], CPU)) == list(range(6))


def test_two_tasks_run_at_a_time_each_with_half_of_the_threads():
    both = threading.Barrier(2)

    def task():
        both.wait(30)  # nobody passes it alone
        return torch.get_num_threads()

    assert list(results_in_order([task, task], CPU)) == [2, 2]


def test_other_threads_keep_all_of_torchs_threads():
    list(results_in_order([torch.get_num_threads], CPU))
    assert torch.get_num_threads() == 4
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 4


def test_on_one_thread_a_task_runs_when_its_result_is_asked_for():
    torch.set_num_threads(1)
    ran = []
    results = results_in_order([lambda: ran.append(1), lambda: ran.append(2)], CPU)
    assert ran == []
    next(results)
    assert ran == [1]


def test_closing_gives_up_what_is_not_begun_and_waits_for_the_rest():
    ran = []

    def task():
        time.sleep(0.05)
        ran.append(1)

    results = results_in_order([task] * 20, CPU)
    next(results)
    results.close()
    finished = len(ran)
    assert finished < 20
    time.sleep(0.15)
    assert len(ran) == finished


def test_an_error_comes_in_its_turn_and_ends_the_rest():
    ran = []

    def fail():
        raise ValueError("no such cell")

    results = results_in_order([lambda: 1, fail, *[lambda: time.sleep(0.05) or ran.append(1)] * 20], CPU)
    assert next(results) == 1
    with pytest.raises(ValueError, match="no such cell"):
        next(results)
    assert len(ran) < 20
