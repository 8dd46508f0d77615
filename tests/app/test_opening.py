"""Opening as a job: stopped in any stage it stays stopped, and goes on when it is told to."""

from __future__ import annotations

import threading

import pytest

from pages.components import background
from pages.components.background import Stopped, Task
from pages.components.checking import Checking
from pages.components.shelf import Opening, Shelf
from pages.components.workspace import Source
from pairx_core.retrieval import embedding


@pytest.fixture
def held_embedding(monkeypatch):
    """Embedding waits after the first photo until it is let go."""
    begun, go = threading.Event(), threading.Event()
    embed = embedding.PhotoEmbedder.embed

    def slowly(self, task):
        made = embed(self, task)
        begun.set()
        go.wait(30)
        return made

    monkeypatch.setattr(embedding.PhotoEmbedder, "embed", slowly)
    yield begun, go
    go.set()


def test_a_job_that_runs_is_joined_not_begun_anew(herd, tiny_checkpoint, tmp_path, held_embedding):
    begun, go = held_embedding
    shelf, source = Shelf(), Source(str(herd), str(tiny_checkpoint))
    opening = shelf.open(source, tmp_path / "cache")
    assert begun.wait(30)
    assert shelf.open(source, tmp_path / "cache") is opening  # as after a reload
    go.set()
    assert opening.wait(60) and len(opening.result().index) == 10


def test_what_is_stopped_stays_so_until_one_goes_on(herd, tiny_checkpoint, tmp_path, held_embedding):
    begun, go = held_embedding
    shelf, source = Shelf(), Source(str(herd), str(tiny_checkpoint))
    opening = shelf.open(source, tmp_path / "cache")
    assert begun.wait(30)
    opening.cancel()
    go.set()
    assert opening.wait(60) and opening.was_stopped and opening.keeps_what_is_done
    assert shelf.open(source, tmp_path / "cache") is opening
    shelf.go_on(opening)
    again = shelf.open(source, tmp_path / "cache")
    shelf.go_on(opening)  # a second press
    assert again is not opening and shelf.open(source, tmp_path / "cache") is again
    assert again.wait(60) and len(again.result().index) == 10


def test_stopped_while_the_catalogue_is_read_it_is_stopped_and_no_error_of_the_disk(
    herd, tiny_checkpoint, tmp_path, monkeypatch
):
    monkeypatch.setattr(Task, "tell", lambda self, done, total: (_ for _ in ()).throw(Stopped))
    opening = Opening(Source(str(herd), str(tiny_checkpoint)), tmp_path / "cache")
    assert opening.wait(60) and opening.was_stopped and not opening.keeps_what_is_done
    checking = Checking(str(herd), "")
    assert checking.wait(60) and checking.was_stopped


def test_the_page_says_what_was_stopped_and_goes_on_when_told(open_app, herd, held_embedding, monkeypatch):
    begun, go = held_embedding
    cancelled = []

    def stop_soon(self, seconds):
        begun.wait(30)
        self.cancel()
        cancelled.append(self)
        go.set()
        self._thread.join(30)
        return self.finished

    with monkeypatch.context() as patched:
        patched.setattr(Task, "wait", stop_soon)
        app = open_app(herd)
    assert len(cancelled) == 1
    assert "this was stopped" in app.info[0].value and "are done and kept" in app.info[0].value
    app.button(key="go-on").click().run()
    assert not app.info and not app.exception


def test_the_time_left_is_told_once_it_can_be(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(background.time, "monotonic", lambda: clock[0])

    class Slow(Task[int]):
        def work(self) -> int:
            return 1

    task = Slow()
    task.begin()
    task.wait(5)
    task.tell(0, 100)
    clock[0] += 50  # getting ready
    task.tell(10, 100)
    assert task.seconds_left is None
    clock[0] += 10
    task.tell(20, 100)
    assert task.seconds_left == pytest.approx(80)
    task.tell(0, 7)  # another stage
    assert task.seconds_left is None
