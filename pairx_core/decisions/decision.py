"""One decision of one reviewer on one pair of photos."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict, get_args

Verdict = Literal["accept", "reject", "not_comparable", "unsure", "undo"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
ADJUDICATED = "adjudicated"  # tag of a decision that settles what reviewers disagree on


_RANKED_BY = "; ranked by "


def model_and_matcher(model: str, matcher: str) -> str:
    """What a decision's ``model`` holds: the model that explains, and the table that ranked where it was another's."""
    return f"{model}{_RANKED_BY}{matcher}" if matcher else model


def split_model(model: str) -> tuple[str, str]:
    """The model in a decision's ``model``, and the table of another matcher that ranked; empty: the model did."""
    name, _, matcher = model.partition(_RANKED_BY)
    return name, matcher


class DecisionContext(TypedDict, total=False):
    """What may be recorded beside a decision itself; the fields are those of :class:`Decision`."""

    confidence: str
    tags: tuple[str, ...]
    note: str
    rank: int | None
    similarity: float | None
    query_path: str
    candidate_path: str
    query_identity: str
    candidate_identity: str
    model: str
    layer: str
    overlay_shown: tuple[str, ...]
    blind: bool
    seconds: float | None
    app_version: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A row of the decisions file; the fields are its columns, in its order."""

    decision_id: str  # unique in the file
    decided_at: datetime  # UTC, to the millisecond
    reviewer: str
    session: str
    query_id: str
    candidate_id: str
    decision: Verdict
    confidence: str = ""
    tags: tuple[str, ...] = ()  # in the file joined by |
    note: str = ""
    rank: int | None = None  # of the candidate, from 1
    similarity: float | None = None  # cosine, or another matcher's score where it ranked; rounded to 6 places
    query_path: str = ""  # as the catalogue writes it
    candidate_path: str = ""
    query_identity: str = ""  # at the time of the decision; empty where unknown
    candidate_identity: str = ""
    model: str = ""  # as model_and_matcher has it
    layer: str = ""
    overlay_shown: tuple[str, ...] = ()  # parts of the overlay on screen, such as lines; joined by |
    blind: bool = False  # whether identity and similarity were hidden
    seconds: float | None = None  # from the pair's appearance to the decision, rounded to 3 places
    supersedes: str = ""  # id of the decision that this one replaces or undoes; empty where there was none
    app_version: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """(query_id, candidate_id)."""
        return self.query_id, self.candidate_id
