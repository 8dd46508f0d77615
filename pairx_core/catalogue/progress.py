"""How far the reading of a catalogue is: of a million photos it takes a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

ReadingProgress = Callable[
    [str, int, int], None
]  # called with (what is done, how many are done, how many there are)
T = TypeVar("T")
_EVERY = 2048


def silently(what: str, done: int, total: int) -> None:
    """Nobody wants to know."""
    del what, done, total


def counted(items: Iterable[T], what: str, total: int, tell: ReadingProgress) -> Iterator[T]:
    """The items, while it is told now and then how many have been taken."""
    for done, item in enumerate(items):
        if done % _EVERY == 0:
            tell(what, done, total)
        yield item
