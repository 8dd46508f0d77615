"""The worker that explains in the background: lines first, what is looked at first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from pages.components import explaining
from pages.components.explaining import ExplanationWorker, Job


class Steps:
    """Stands for an explainer: each step waits until it is allowed."""

    def __init__(self, count: int = 3) -> None:
        self.count = count
        self.allowed = threading.Semaphore(0)
        self.done: list[str] = []
        self.stopped: list[str] = []

    def stages(self, query: str, candidate: str) -> Iterator[str]:
        try:
            for number in range(self.count):
                assert self.allowed.acquire(timeout=20)
                self.done.append(f"{candidate}{number}")
                yield f"{candidate}{number}"
        except GeneratorExit:
            self.stopped.append(candidate)
            raise

    def job(self, name: str) -> Job:
        return Job(name, self, "query", name)  # type: ignore[arg-type]

    def allow(self, count: int) -> None:
        self.allowed.release(count)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    monkeypatch.setattr(explaining, "REST_SECONDS", 0.0)


@pytest.fixture
def steps() -> Iterator[SimpleNamespace]:
    worker, explainer = ExplanationWorker(draw=str), Steps()
    yield SimpleNamespace(worker=worker, explainer=explainer)
    explainer.allow(1000)
    worker.close()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_lines_are_there_before_the_color_maps(steps):
    worker, explainer = steps.worker, steps.explainer
    worker.want([explainer.job("a")])
    assert worker.outcome("a") is None
    explainer.allow(1)
    until(lambda: worker.outcome("a") is not None)
    first = worker.outcome("a")
    assert (first.drawing, first.is_final) == ("a0", False)
    explainer.allow(2)
    until(lambda: worker.outcome("a").is_final)
    assert worker.outcome("a").drawing == "a2"


def test_what_nobody_looks_at_makes_way_and_is_taken_up_again(steps):
    worker, explainer = steps.worker, steps.explainer
    worker.want([explainer.job("a"), explainer.job("b")])
    explainer.allow(4)  # all of a, and b's first step
    until(lambda: explainer.done == ["a0", "a1", "a2", "b0"])
    worker.want([explainer.job("c")])
    explainer.allow(4)
    until(lambda: worker.outcome("c") is not None and worker.outcome("c").is_final)
    assert explainer.stopped == ["b"]
    assert explainer.done.index("c0") <= 5  # after one more step of b at most
    explainer.allow(10)
    until(lambda: worker.outcome("b") is not None and worker.outcome("b").is_final)


def test_two_screens_do_not_drive_each_other_s_work_away(steps):
    worker, explainer = steps.worker, steps.explainer
    worker.want([explainer.job("a")])
    explainer.allow(1)
    until(lambda: worker.outcome("a") is not None)
    worker.want([explainer.job("b")], "someone else")
    worker.look_at(explainer.job("a"))  # which is still on its screen
    explainer.allow(10)
    until(lambda: all(worker.outcome(key) is not None and worker.outcome(key).is_final for key in "ab"))
    assert explainer.stopped == []


def test_a_new_plan_takes_the_place_of_the_session_s_old_one(steps):
    worker, explainer = steps.worker, steps.explainer
    worker.want([explainer.job(name) for name in "abc"], "one")
    worker.want([explainer.job("z")], "other")
    worker.want([explainer.job("d")], "one")
    explainer.allow(100)
    until(lambda: all(worker.outcome(key) is not None and worker.outcome(key).is_final for key in "zd"))
    assert worker.outcome("b") is None and worker.outcome("c") is None
    assert not worker._waiting or set(worker._waiting) == {"a"}  # begun before the plan changed


def test_what_may_be_wanted_next_waits_until_the_page_is_drawn(steps, monkeypatch):
    worker, explainer = steps.worker, steps.explainer
    monkeypatch.setattr(explaining, "REST_SECONDS", 3600.0)
    explainer.allow(100)
    worker.want([explainer.job("seen"), explainer.job("next")])
    until(lambda: worker.outcome("seen") is not None and worker.outcome("seen").is_final)
    time.sleep(0.1)
    assert worker.outcome("next") is None
    monkeypatch.setattr(explaining, "REST_SECONDS", 0.0)
    worker.want([explainer.job("seen"), explainer.job("next")])
    until(lambda: worker.outcome("next") is not None)


def test_closing_stops_at_the_next_step(steps):
    worker, explainer = steps.worker, steps.explainer
    worker.want([explainer.job("a")])
    explainer.allow(1)
    until(lambda: worker.outcome("a") is not None)
    closing = threading.Thread(target=worker.close)
    closing.start()
    until(lambda: worker._closed)
    explainer.allow(1)
    closing.join(20)
    assert not closing.is_alive() and "a2" not in explainer.done


def test_a_worker_with_nothing_to_do_hands_its_memory_back_once(monkeypatch):
    handed_back = []
    monkeypatch.setattr(explaining, "_IDLE_SECONDS", 0.05)
    monkeypatch.setattr(explaining, "give_memory_back", lambda: handed_back.append(1))
    worker, explainer = ExplanationWorker(draw=str), Steps()
    explainer.allow(1000)
    worker.want([explainer.job("a")])
    until(lambda: bool(handed_back))
    assert worker.outcome("a").is_final
    time.sleep(0.2)
    assert len(handed_back) == 1
    worker.want([explainer.job("b")])
    until(lambda: len(handed_back) == 2)
    worker.close()
