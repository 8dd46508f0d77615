"""Memory that the process keeps between explanations, and hands back when there is nothing to explain."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h


@cache
def keep_freed_memory() -> None:
    """Have the process hold on to memory that it frees, for the next step or pair.

    Explaining frees and takes tens of megabytes at every step. Left to itself, glibc hands such blocks back to the
    system at once and has them filled with zeros when they are taken again, which is a tenth of an explanation's time;
    and a heap for each thread keeps the blocks of one from another. This holds for the whole process. Elsewhere than
    on Linux with glibc, nothing is done.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # bytes; more is not taken
        libc.mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)  # bytes


def give_memory_back() -> None:
    """Hand memory that is no longer used back to the system: when nothing is to be explained for now."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:  # another C library
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
