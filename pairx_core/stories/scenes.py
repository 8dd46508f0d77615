"""A story as scenes that follow one another, and how long each stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pairx_core.stories.story import Story, StoryPair

SceneKind = Literal["opening", "arrival", "candidates", "pair", "decision", "count", "ending"]
_WORDS_A_SECOND = 2.6  # read from a screen across a room
_LOOK = 2.4  # seconds to find what is new on the screen
_MATCH = 2.6  # the least that a match stays alone


@dataclass(frozen=True, slots=True)
class Step:
    """What is on the screen between two clicks."""

    caption: str
    seconds: float  # that it stays when the story runs by itself


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture of the story; in that of a pair, matches light up one after another."""

    kind: SceneKind
    steps: tuple[
        Step, ...
    ]  # of a pair: both photos, then one for each match that lights up, then the closing
    chapter: int = -1  # number from 0; -1: of the story itself
    pair: int = -1  # of the chapter, from 0; -1: the scene is of no pair

    @property
    def seconds(self) -> float:
        """How long it takes when the story runs by itself."""
        return sum(step.seconds for step in self.steps)


def scenes(story: Story) -> tuple[Scene, ...]:
    """The scenes of a story, in order."""
    return tuple(_scenes(story))


def _scenes(story: Story) -> Iterator[Scene]:
    yield Scene("opening", (_step(story.opening),))
    for number, chapter in enumerate(story.chapters):
        yield Scene("arrival", (_step(chapter.arrival),), number)
        yield Scene("candidates", (_step(chapter.proposed, _LOOK),), number)
        for at, pair in enumerate(chapter.pairs):
            yield Scene("pair", tuple(_pair_steps(pair)), number, at)
        yield Scene("decision", (_step(chapter.decided),), number)
        if chapter.before != chapter.after:
            yield Scene("count", (_step(chapter.counted, _LOOK),), number)
    yield Scene("ending", (_step(story.ending, _LOOK),))


def _pair_steps(pair: StoryPair) -> Iterator[Step]:
    yield _step(pair.caption)
    caption = pair.caption
    for shown in pair.shown:
        is_new = bool(shown.says) and shown.says != caption
        caption = shown.says or caption
        yield Step(caption, _seconds(caption) if is_new else _MATCH)
    if pair.closing:
        yield _step(pair.closing)


def _step(caption: str, more: float = 0.0) -> Step:
    return Step(caption, _seconds(caption) + more)


def _seconds(caption: str) -> float:
    return round(_LOOK + len(caption.split()) / _WORDS_A_SECOND, 1)
