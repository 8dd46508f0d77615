"""What the buttons do. A decision is confirmed only once its row is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pages.components import evidence, state
from pages.components.room import ALL_PHOTOS, Room, Work, pair_name
from pages.components.words import DECISIONS, file_name
from pages.components.worklist import QueryStatus
from pairx_core.catalogue import Photo
from pairx_core.decisions import Decision, Verdict
from pairx_core.errors import DecisionLogError
from pairx_core.retrieval import Candidate

NO_NAME = "Enter your name in the sidebar first: each decision carries the name of its reviewer."


def decide(room: Room, chosen: Candidate, decision: Verdict) -> None:
    """Record a decision on the pair that its button was drawn for, and go on to what is open next."""
    if not room.work.reviewer:
        state.tell("error", NO_NAME)
        return
    if not state.is_settled(room.pair):  # a held key, a double click, or a page that is out of date
        return
    try:
        _record(room, chosen, decision)
    except DecisionLogError as error:
        state.tell("error", str(error))
        return
    state.decided(room.pair)
    _go_on(room, chosen.photo, decision)


def undo(work: Work, last: Decision) -> None:
    """Take back the decision that the button was drawn for and return to its pair."""
    log = work.workspace.log
    try:
        if _has_just_undone(log.decisions(), work.reviewer):  # the second half of a double click
            return
        log.undo(last, reviewer=work.reviewer)
    except DecisionLogError as error:
        state.tell("error", str(error))
        return
    pair = pair_name(work.workspace.catalogue, last.query_id, last.candidate_id)
    state.decided(pair)
    state.put_back(pair, state.Typed(last.note, last.confidence, last.tags), last.decision_id)
    state.tell("toast", f"Undone: {DECISIONS[last.decision][1]} · {_names(work, last)}.")
    if work.worklist.position(last.query_id) is None:
        state.choose_queries(ALL_PHOTOS)
    if last.query_id in work.workspace.catalogue:
        state.go(last.query_id, last.candidate_id)


def step(room: Room, by: int) -> None:
    """Go to the next or the previous query, from where the session is: keys may come faster than pages."""
    here, _ = state.place()
    query = room.work.worklist.step(here or room.query.id, by, open_only=room.work.open_only)
    if query is None:
        state.tell("toast", "This is the last query." if by > 0 else "This is the first query.")
        return
    state.go(query.id, None)


def choose(room: Room, candidate_id: str) -> None:
    """Put another candidate beside the query."""
    state.go(room.query.id, candidate_id)


def _has_just_undone(rows: Sequence[Decision], reviewer: str) -> bool:
    """Whether the reviewer's last row is an undo so young that another one cannot be meant."""
    last = next((row for row in reversed(rows) if row.reviewer == reviewer), None)
    if last is None or last.decision != "undo":
        return False
    age = (datetime.now(UTC) - last.decided_at).total_seconds()
    return 0 <= age < state.HELD_KEY_SECONDS


def _record(room: Room, chosen: Candidate, decision: Verdict) -> None:
    """Append the row; when this returns, it is on disk, and before it the ticked matches."""
    workspace, typed = room.work.workspace, state.typed(room.pair)
    query, candidate = room.query, chosen.photo
    ticked = evidence.of_decision(room, state.decision_id())
    if ticked is not None:
        workspace.evidence.record(ticked)
    row = workspace.log.record(
        reviewer=room.work.reviewer,
        query_id=query.id,
        candidate_id=candidate.id,
        decision=decision,
        decision_id=state.decision_id(),
        confidence=typed.confidence,
        tags=typed.tags,
        note=typed.note,
        rank=chosen.rank,
        similarity=chosen.similarity,
        query_path=query.catalogue_path,
        candidate_path=candidate.catalogue_path,
        query_identity=query.identity or "",
        candidate_identity=candidate.identity or "",
        model=workspace.model.name,
        layer="" if workspace.explainer is None else workspace.explainer.layer,
        overlay_shown=_overlay_shown(room.pair),
        seconds=state.seconds_seen(room.pair),
    )
    if ticked is not None and row.decision_id != ticked.decision_id:  # it was a second thought
        workspace.evidence.record(replace(ticked, decision_id=row.decision_id))


def _overlay_shown(pair: str) -> tuple[str, ...]:
    shown = state.shown(pair)
    return tuple(name for name in state.LAYERS if name in shown) or ("none",)


def _go_on(room: Room, candidate: Photo, decision: Verdict) -> None:
    """After an acceptance the next open query; else the query's next open candidate, while there is one."""
    verdicts = {**room.work.worklist.verdicts, (room.query.id, candidate.id): decision}
    worklist = replace(room.work.worklist, verdicts=verdicts)
    said = f"{DECISIONS[decision][1].capitalize()}: {file_name(room.query)} and {file_name(candidate)}."
    same_query = None if decision == "accept" else worklist.next_undecided(room.query, after=candidate.id)
    if same_query is not None:
        state.go(room.query.id, same_query.photo.id)
        state.tell("toast", said)
        return
    if worklist.status(room.query) is QueryStatus.ALL_REJECTED:
        said += " All candidates of this query are rejected; it stays in the list."
    upcoming = worklist.next_open(room.query.id)
    if upcoming is None:
        state.tell("toast", f"{said} All queries are done.")
    else:
        state.go(upcoming.id, None)
        state.tell("toast", f"{said} On to the next query.")


def _names(work: Work, decision: Decision) -> str:
    """The two photos of a decision, by the names of their files where the catalogue has them."""
    catalogue = work.workspace.catalogue
    ids = (decision.query_id, decision.candidate_id)
    return " and ".join(file_name(catalogue.photo(one)) if one in catalogue else one for one in ids)
