"""Ticked matches: from the screen into the record, and back when the pair is seen again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from pages.components import state
from pages.components.drawing import Drawing
from pages.components.room import Room
from pairx_core.decisions import TICKS, Evidence, Tick, TickedMatch
from pairx_core.errors import DecisionLogError

Place = tuple[float, float]  # across, down


def of_decision(room: Room, decision_id: str) -> Evidence | None:
    """What is ticked of the pair on the screen, as the record keeps it; None: nothing is."""
    drawing, ticks = state.drawn(room.pair), state.ticks(room.pair)
    if drawing is None and ticks is None:
        return _as_it_stood(room, decision_id)
    if drawing is None or not ticks or room.chosen is None:
        return None
    scales = tuple(room.work.workspace.to_original(photo) for photo in (room.query, room.chosen.photo))
    return Evidence(
        decision_id=decision_id,
        reviewer=room.work.reviewer,
        query_id=room.query.id,
        candidate_id=room.chosen.photo.id,
        model=drawing.model,
        model_fingerprint=drawing.model_fingerprint,
        layer=drawing.layer,
        ticked=tuple(
            _ticked(drawing, match, cast(Tick, said), scales)
            for match, said in sorted(ticks.items())
            if match < len(drawing.matches)
        ),
        recorded_at=datetime.now(UTC),
    )


def _as_it_stood(room: Room, decision_id: str) -> Evidence | None:
    """The ticks of the decision that stands or was just undone, where it is decided again before they are drawn."""
    if room.chosen is None:
        return None
    standing = room.work.standing.get((room.query.id, room.chosen.photo.id))
    before = state.ticked_in(room.pair) or (standing.decision_id if standing else None)
    kept = None if before is None else room.work.workspace.evidence.of(before)
    return None if kept is None else replace(kept, decision_id=decision_id, recorded_at=datetime.now(UTC))


def bring_back(room: Room, drawing: Drawing) -> None:
    """Tick what was ticked for the decision that stands on the pair, or was just undone, or else by those who argue.

    Ticks that were made on another layer or with another model's explanation are not shown; they stay in the record.
    """
    if state.ticks(room.pair) is not None or room.chosen is None:
        return
    standing = room.work.standing.get((room.query.id, room.chosen.photo.id))
    own = state.ticked_in(room.pair) or (standing.decision_id if standing else None)
    ticks: dict[int, str] = {}
    for decision_id in (own,) if own else [one.decision_id for one in room.arguments]:
        kept = _kept(room, decision_id)
        if kept is not None and _is_of(drawing, kept):
            ticks |= _found(drawing, kept)
    state.put_ticks(room.pair, ticks)


def in_words(room: Room, decision_id: str) -> str:
    """Which matches were ticked for a decision: “convincing: 1, 4; misleading: 7”; empty: none."""
    kept = _kept(room, decision_id)
    ranks = {said: [one.rank for one in kept.ticked if one.said == said] for said in TICKS} if kept else {}
    return "; ".join(f"{said}: {', '.join(map(str, of))}" for said, of in ranks.items() if of)


def _is_of(drawing: Drawing, kept: Evidence) -> bool:
    return (kept.model_fingerprint, kept.layer) == (drawing.model_fingerprint, drawing.layer)


def _kept(room: Room, decision_id: str) -> Evidence | None:
    try:
        return room.work.workspace.evidence.of(decision_id)
    except DecisionLogError as error:
        state.tell("error", str(error))
        return None


def _found(drawing: Drawing, kept: Evidence) -> dict[int, str]:
    """Ticks by the place of their match in the drawing."""
    place = {(one.query_cell, one.candidate_cell): at for at, one in enumerate(drawing.matches)}
    ticks = ((place.get((one.query_cell, one.candidate_cell)), one.said) for one in kept.ticked)
    return {at: said for at, said in ticks if at is not None}


def _ticked(drawing: Drawing, at: int, said: Tick, scales: Sequence[Place]) -> TickedMatch:
    """A tick as the record keeps it: its places are on the catalogue's photos, also where smaller copies are shown."""
    match = drawing.matches[at]
    return TickedMatch(
        said=said,
        rank=at + 1,
        query_cell=match.query_cell,
        candidate_cell=match.candidate_cell,
        query_xy=_scaled(match.query_xy, scales[0]),
        candidate_xy=_scaled(match.candidate_xy, scales[1]),
        relevance=match.relevance,
        distance=match.distance,
    )


def _scaled(xy: Place, scale: Place) -> Place:
    return xy if scale == (1.0, 1.0) else (round(xy[0] * scale[0], 2), round(xy[1] * scale[1], 2))
