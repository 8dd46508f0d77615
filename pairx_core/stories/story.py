"""What a story tells: photographs that arrive, what the model proposes, why, and what the reviewer decides.

A story holds all that an explanation would have to compute, so that it is shown at once, without the model; the
photographs themselves stay in their catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

StoryVerdict = Literal["accept", "reject", "not_comparable", "unsure"]


@dataclass(frozen=True, slots=True)
class StoryMatch:
    """A match of a pair's explanation."""

    query_xy: tuple[float, float]  # x, y pixels in the upright cropped query photo
    candidate_xy: tuple[float, float]  # x, y pixels in the upright cropped candidate photo


@dataclass(frozen=True, slots=True)
class Shown:
    """A match that lights up."""

    match: int  # its number in the explanation, from 1
    says: str = ""  # caption while it is the last one; empty: the pair's own stays


@dataclass(frozen=True, slots=True)
class StoryCandidate:
    """A candidate that the model proposed."""

    photo: str  # id
    score: str  # its similarity in two decimals, or another matcher's score as it came


@dataclass(frozen=True, slots=True)
class StoryPair:
    """The query and one candidate, with what the reviewer decided."""

    candidate: str  # photo id
    decision: StoryVerdict
    matches: tuple[StoryMatch, ...]  # the most relevant first
    shown: tuple[Shown, ...]  # in the order in which they light up
    caption: str = ""  # before the first match lights up
    closing: str = ""  # after the last one


@dataclass(frozen=True, slots=True)
class Count:
    """What is known of the catalogue's animals."""

    individuals: int  # the most there can be: photos that nothing joins are individuals of their own
    unnamed: int  # photos without a name


@dataclass(frozen=True, slots=True)
class Chapter:
    """A query from its arrival to the decisions on it."""

    query: str  # photo id
    candidates: tuple[StoryCandidate, ...]  # what the model proposed, best first
    pairs: tuple[StoryPair, ...]  # those of them that are looked at, in the order in which they are
    before: Count
    after: Count  # once the chapter's decisions are made, and those of the chapters before
    arrival: str = ""  # captions
    proposed: str = ""
    decided: str = ""
    counted: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """A guided tour through a few reviewed pairs."""

    title: str
    chapters: tuple[Chapter, ...]
    catalogue: str = ""  # the name of its file or folder, for those who look for it
    model: str = ""  # what proposed and explained, for those who ask
    layer: str = ""
    departures: str = ""  # from the method as published, in words
    opening: str = ""  # captions
    ending: str = ""
    digests: Mapping[str, str] = field(
        default_factory=dict
    )  # of the files of photos, by id: SHA-256, 16 hex digits

    @property
    def photos(self) -> tuple[str, ...]:
        """Ids of all photos that are shown, each once."""
        ids: dict[str, None] = {}
        for chapter in self.chapters:
            ids[chapter.query] = None
            ids |= dict.fromkeys(one.photo for one in chapter.candidates)
            ids |= dict.fromkeys(pair.candidate for pair in chapter.pairs)
        return tuple(ids)
