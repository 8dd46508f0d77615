"""A decision on the pair on the screen, into the record, with all that stands beside it there."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, TypedDict

from pages.components import evidence, state
from pages.components.room import Room
from pages.components.workspace import Workspace
from pairx_core.decisions import Verdict
from pairx_core.decisions.decision import model_and_matcher
from pairx_core.retrieval import Candidate


class Facts(TypedDict):
    """What a row says about a pair, whatever is decided."""

    reviewer: str
    query_id: str
    candidate_id: str
    rank: int | None
    similarity: float | None
    query_path: str
    candidate_path: str
    query_identity: str
    candidate_identity: str
    model: str
    layer: str


def facts(room: Room, chosen: Candidate) -> Facts:
    """The facts of the query and a candidate."""
    workspace, query, candidate = room.work.workspace, room.query, chosen.photo
    return {
        "reviewer": room.work.reviewer,
        "query_id": query.id,
        "candidate_id": candidate.id,
        "rank": chosen.rank or None,  # 0: it was never ranked
        "similarity": similarity(chosen),
        "query_path": query.catalogue_path,
        "candidate_path": candidate.catalogue_path,
        "query_identity": query.identity or "",
        "candidate_identity": candidate.identity or "",
        "model": model(workspace),
        "layer": workspace.layer,
    }


def similarity(candidate: Candidate) -> float | None:
    """The similarity as it was shown; another matcher's score as it came, None where it has none."""
    shown = candidate.similarity
    if candidate.score and math.isfinite(shown):
        shown = float(candidate.score)
    return shown if math.isfinite(shown) else None


def model(workspace: Workspace) -> str:
    """Which model ranked and explains, or whose table ranked."""
    return model_and_matcher(workspace.model.name, workspace.ranked_by)


def record(
    room: Room,
    chosen: Candidate,
    decision: Verdict,
    *,
    decision_id: str | None = None,
    tags: tuple[str, ...] = (),
    **more: Any,
) -> None:
    """Append the row of the pair on the screen; when this returns it is on disk, and before it the ticked matches.

    Args:
        room: what is on the screen.
        chosen: the candidate.
        decision: what the reviewer says.
        decision_id: the row's id; the one that the pair got when it appeared, unless given.
        tags: besides those that the reviewer entered.
        more: other columns, in place of what they would hold.

    Raises:
        DecisionLogError: it was not saved.
    """
    workspace, typed = room.work.workspace, state.typed(room.pair)
    decision_id = decision_id or state.decision_id()
    ticked = None if room.is_bare else evidence.of_decision(room, decision_id)
    if ticked is not None:
        workspace.evidence.record(ticked)
    columns: dict[str, Any] = {
        **facts(room, chosen),
        "confidence": typed.confidence,
        "tags": (*(tag for tag in typed.tags if tag not in tags), *tags),
        "note": typed.note,
        "overlay_shown": _overlay_shown(room),
        "seconds": state.seconds_seen(room.pair),
        **more,
    }
    row = workspace.log.record(decision=decision, decision_id=decision_id, **columns)
    if ticked is not None and row.decision_id != ticked.decision_id:  # it was a second thought
        workspace.evidence.record(replace(ticked, decision_id=row.decision_id))


def _overlay_shown(room: Room) -> tuple[str, ...]:
    shown = frozenset[str]() if room.is_bare else state.shown(room.pair)
    return tuple(name for name in state.LAYERS if name in shown) or ("none",)
