"""Tasks for tests, which workers import."""

from __future__ import annotations

import os
import time

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


def own_threads(_: int) -> tuple[int, int]:
    return os.getpid(), torch.get_num_threads()


def slow(number: int) -> int:
    time.sleep(0.05)
    return number
