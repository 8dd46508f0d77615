"""Tasks for tests, which workers import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import torch

from pairx_core.errors import PhotoError


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
