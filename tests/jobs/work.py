"""Tasks for tests and benchmarks, which workers import."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from pairx_core import PairExplainer
from pairx_core.catalogue import Photo
from pairx_core.errors import PhotoError
from pairx_core.models.named import NamedModel

Pair = tuple[Photo, Photo]


def doubled(number: int) -> int:
    return 2 * number


def slow_first(number: int) -> int:
    time.sleep(0.2 * (number == 0))
    return number


def refused_at_3(number: int) -> int:
    if number == 3:
        raise PhotoError("photo 3 is damaged")
    return number


def at_work(_: int) -> tuple[int, int]:
    """Which process this is, and on how many threads it computes."""
    return os.getpid(), torch.get_num_threads()


def computed(seed: int) -> np.ndarray:
    """Something that takes a while, in numbers whose last digits hang on how it is computed."""
    numbers = torch.rand(96, 96, generator=torch.Generator().manual_seed(seed))
    for _ in range(40):
        numbers = (numbers @ numbers.T).sin()
    return numbers.numpy()


def marked(task: tuple[Path, int]) -> int:
    """Leave a mark, and wait until the gate is open, but for task 0."""
    folder, number = task
    (folder / f"{number}.begun").touch()
    while number and not (folder / "gate").exists():
        time.sleep(0.005)
    return number


def failing_at_first(task: tuple[Path, type[Exception], int]) -> int:
    """Fail so many times, and say each time that this was tried."""
    file, error, times = task
    with file.open("a") as stream:
        stream.write("tried\n")
    if len(file.read_text().splitlines()) <= times:
        raise error("no answer")
    return 1


def deadly(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def explained(named: NamedModel, pair: Pair) -> str:
    """A digest of all that an explanation holds."""
    made = _explainer(named).explain(*pair)
    digest = hashlib.sha256(repr((made.similarity, made.layer)).encode())
    matches = made.matches
    for array in (matches.relevance, matches.distance, matches.query_xy, matches.candidate_xy):
        digest.update(array.tobytes())
    for array in (made.query_relevance, made.candidate_relevance):
        digest.update(array.tobytes())
    for array in (made.query_color_maps, made.candidate_color_maps):
        digest.update(array.tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _explainer(named: NamedModel) -> PairExplainer:
    return PairExplainer(named.load(), memory_budget=0)  # so that every pair is a cold one
