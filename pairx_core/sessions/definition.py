"""An expert session: which pairs are judged, by whom, in which order, and what is hidden meanwhile."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

Pair = tuple[str, str]  # (query_id, candidate_id)


@dataclass(frozen=True, slots=True)
class SessionPair:
    """A pair that is judged in a session."""

    query_id: str
    candidate_id: str
    rank: int | None = None  # of the candidate, from 1; None where no list proposed it
    similarity: float | None = None  # cosine
    truth: bool | None = None  # of a known-answer pair: whether both are the same individual; None: not known

    @property
    def ids(self) -> Pair:
        """(query_id, candidate_id)."""
        return self.query_id, self.candidate_id


@dataclass(frozen=True)
class ExpertSession:
    """A session as its coordinator made it. It does not change; that it is closed is noted beside it."""

    session_id: str  # in addresses
    name: str  # in the column ``session`` of decisions; no other session of the record has it
    coordinator: str
    made_at: datetime  # UTC
    pairs: tuple[SessionPair, ...]
    queues: Mapping[str, tuple[int, ...]]  # reviewer → numbers of their pairs (from 0), in their order
    keys: Mapping[str, str] = field(repr=False)  # reviewer → what their link holds instead of a password
    coordinator_key: str = field(
        repr=False, default=""
    )  # what its coordinator's link holds; empty: none has one
    is_blind: bool = True  # first the bare photos, then the explanation; identities stay hidden throughout
    shows_others: bool = False  # whether an open session shows what the others said
    overlap: int = 1  # reviewers who see each pair; known-answer pairs are seen by all
    seed: int = 0  # of the queues
    catalogue: str = ""  # fingerprint of the catalogue whose photos these are
    model: str = ""
    layer: str = ""
    closed_at: datetime | None = None  # UTC; None: still open

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Who judges, in the order in which they were named."""
        return tuple(self.queues)

    @property
    def is_open(self) -> bool:
        """Whether decisions are still taken."""
        return self.closed_at is None

    @property
    def hides(self) -> bool:
        """Whether identities and others' verdicts are kept from its reviewers now."""
        return self.is_blind and self.is_open

    @cached_property
    def truth(self) -> dict[Pair, bool]:
        """Whether the two photos of a known-answer pair show the same individual, by sorted photo ids."""
        return {_unordered(pair.ids): pair.truth for pair in self.pairs if pair.truth is not None}

    @cached_property
    def numbers(self) -> dict[Pair, int]:
        """The number of each pair, from 0, by (query_id, candidate_id)."""
        return {pair.ids: number for number, pair in enumerate(self.pairs)}

    def reviewer_of(self, key: str) -> str | None:
        """Whose link holds a key; None: nobody's."""
        return next((reviewer for reviewer, own in self.keys.items() if _is_same(own, key)), None)

    def is_coordinated_with(self, keys: Iterable[str]) -> bool:
        """Whether the key of the coordinator's link is among some."""
        return any(_is_same(self.coordinator_key, key) for key in keys)


def _is_same(secret: str, key: str) -> bool:
    """Whether a key is the right one; how long it takes tells nothing about it."""
    return bool(secret) and secrets.compare_digest(secret.encode(), key.encode("utf-8", "replace"))


def _unordered(pair: Pair) -> Pair:
    first, second = sorted(pair)
    return first, second
