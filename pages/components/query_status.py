"""How a query can stand."""

from __future__ import annotations

from enum import Enum


class QueryStatus(Enum):
    """What the reviewer has said about a query; the value is how the screen says it."""

    OPEN = "open"
    ACCEPTED = "accepted"
    ALL_REJECTED = "all candidates rejected"
    REVIEWED = "reviewed, no match"
    EMPTY = "no candidates"


UNSURE, DISAGREED = "unsure", "disagreed"  # what a query may be besides its status
