"""What the buttons do. A decision is confirmed only once its row is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pages.components import joining, state, visitors
from pages.components.going_on import following, with_decisions
from pages.components.query_status import QueryStatus
from pages.components.recording import facts, record
from pages.components.room import ALL_PHOTOS, Room, Work, pair_name
from pages.components.words import DECISIONS, count, file_name
from pages.components.worklist import Worklist
from pairx_core.decisions import Decision, Verdict
from pairx_core.errors import DecisionLogError
from pairx_core.retrieval import Candidate

NONE_OF_THESE = "none_of_these"  # tag of a rejection together with the query's other open candidates
_GROUP = "none-"  # how the ids of such decisions begin; then comes what they share, then the rank
NOT_THE_LAST = "Nothing was undone: a newer decision was saved meanwhile. Look at it before you undo again."
DECIDED_ELSEWHERE = (
    "Nothing was saved: in another tab or window something else was decided meanwhile. "
    "Now this page shows it too; decide again if you mean otherwise."
)
NEW_NAME = "Nothing was saved: the reviewer's name has just changed. Decide again under the new name."
NO_NAME = "Enter your name in the sidebar first: each decision carries the name of its reviewer."


def decide(room: Room, chosen: Candidate, decision: Verdict) -> None:
    """Record a decision on the pair that its button was drawn for, and go on to what is open next."""
    if not _may_decide(room) or not _is_as_drawn(room, [chosen]):
        return
    try:
        record(room, chosen, decision)
    except DecisionLogError as error:
        state.tell("error", str(error))
        return
    state.decided(room.pair)
    names = joining.names_joined(room, chosen) if decision == "accept" else ()
    if names:
        state.tell("names", joining.in_words(names))
    _go_on(room, {chosen.photo.id: decision}, f"{file_name(room.query)} and {file_name(chosen.photo)}")


def none_of_these(room: Room) -> None:
    """Reject all candidates of the query that are open, the one on the screen included."""
    if not _may_decide(room) or not _is_as_drawn(room, open_candidates(room)):
        return
    rejected: dict[str, Verdict] = {}
    group = f"{_GROUP}{state.decision_id()}"
    try:
        for one in open_candidates(room):
            _reject_in_passing(room, one, f"{group}-{one.rank}")
            rejected[one.photo.id] = "reject"
    except DecisionLogError as error:
        state.tell("error", f"{count(len(rejected), 'candidate')} rejected, then it failed. {error}")
        return
    if room.chosen is not None and room.chosen.photo.id in rejected:
        state.decided(room.pair)
    _go_on(room, rejected, f"{count(len(rejected), 'candidate')} of {file_name(room.query)}")


def open_candidates(room: Room) -> list[Candidate]:
    """The candidates of the query on which nothing is decided."""
    worklist = room.work.worklist
    return [one for one in room.candidates if worklist.verdict(room.query, one.photo) is None]


def undo(work: Work, last: Decision) -> None:
    """Take back the decision that the button was drawn for and return to its pair.

    Decisions that were made with one press are taken back with one.
    """
    try:
        if _has_just_undone(
            work.workspace.log.decisions(), work.reviewer
        ):  # the second half of a double click
            return
        if not _is_last(work, last):
            state.tell("error", NOT_THE_LAST)
            return
        undone = _made_together(work, last)
        for one in undone:
            work.workspace.log.undo(one, reviewer=work.reviewer)
    except DecisionLogError as error:
        state.tell("error", str(error))
        return
    seen = next((one for one in undone if one.seconds is not None), last)  # the pair that was on the screen
    for one in undone:
        _put_back(work, one)
    what = _names(work, last) if len(undone) == 1 else count(len(undone), "candidate")
    state.tell("toast", f"Undone: {DECISIONS[last.decision][1]} · {what}.")
    if work.worklist.position(last.query_id) is None:
        state.choose_queries(ALL_PHOTOS)
    if seen.query_id in work.workspace.catalogue:
        state.go(seen.query_id, seen.candidate_id)


def _put_back(work: Work, undone: Decision) -> None:
    """Enter again what an undone decision had said."""
    pair = pair_name(work.workspace, undone.query_id, undone.candidate_id)
    state.decided(pair)
    tags = tuple(tag for tag in undone.tags if tag != NONE_OF_THESE)
    state.put_back(pair, state.Typed(undone.note, undone.confidence, tags), undone.decision_id)


def step(room: Room, by: int) -> None:
    """Go to the next or the previous query, from where the session is: keys may come faster than pages."""
    here, _ = state.place()
    query = room.work.worklist.step(here or room.query.id, by)
    if query is None:
        state.tell("toast", "This is the last query." if by > 0 else "This is the first query.")
        return
    state.go(query.id, None)


def jump(room: Room) -> None:
    """Go to the query whose number or (part of a) file name was typed."""
    typed = state.take_jump()
    if not typed:
        return
    found = room.work.worklist.find(typed)
    if found is None:
        state.tell("toast", f"No query has the number or file name “{typed}”.")
        return
    state.go(found.id, None)


def choose(room: Room, candidate_id: str) -> None:
    """Put another candidate beside the query."""
    state.go(room.query.id, candidate_id)


def _may_decide(room: Room) -> bool:
    if not room.work.reviewer:
        state.tell("error", NO_NAME)
        return False
    if room.work.reviewer != visitors.name():
        state.tell("error", NEW_NAME)
        return False
    state.hear(room.pair)
    return state.is_settled(room.pair)  # not: a held key, a double click, or a page that is out of date


def _is_as_drawn(room: Room, candidates: Sequence[Candidate]) -> bool:
    """Whether what stands on the candidates is what the page showed: another tab may have decided meanwhile."""
    reviewer = room.work.reviewer
    try:
        standing = room.work.workspace.standing().of(reviewer)
    except DecisionLogError as error:
        state.tell("error", str(error))
        return False
    for one in candidates:
        pair = (room.query.id, one.photo.id)
        if _id(standing.get(pair)) != _id(room.work.standing.get(pair)):
            state.tell("error", DECIDED_ELSEWHERE)
            return False
    return True


def _id(decision: Decision | None) -> str:
    return "" if decision is None else decision.decision_id


def _made_together(work: Work, last: Decision) -> list[Decision]:
    """The standing decisions that one press made, the last first."""
    if not last.decision_id.startswith(_GROUP):
        return [last]
    group = last.decision_id.rpartition("-")[0]
    rows = [row for row in work.standing.values() if row.decision_id.rpartition("-")[0] == group]
    return rows[::-1] or [last]


def _reject_in_passing(room: Room, candidate: Candidate, decision_id: str) -> None:
    """A rejection by "none of these": the pair on the screen as it was seen, the others from the list alone."""
    if room.chosen is not None and candidate.photo.id == room.chosen.photo.id:
        record(room, candidate, "reject", decision_id=decision_id, tags=(NONE_OF_THESE,))
        return
    room.work.workspace.log.record(
        **facts(room, candidate), decision="reject", decision_id=decision_id, tags=(NONE_OF_THESE,)
    )


def _has_just_undone(rows: Sequence[Decision], reviewer: str) -> bool:
    """Whether the reviewer's last row is an undo so young that another one cannot be meant."""
    last = next((row for row in reversed(rows) if row.reviewer == reviewer), None)
    if last is None or last.decision != "undo":
        return False
    return state.is_held_key((datetime.now(UTC) - last.decided_at).total_seconds())


def _is_last(work: Work, decision: Decision) -> bool:
    """Whether nothing was decided on this catalogue's photos after a decision that an undo is to take back."""
    newest = work.workspace.standing().of(work.reviewer).last_undoable
    return newest is not None and newest.decision_id == decision.decision_id


def _go_on(room: Room, decided: dict[str, Verdict], what: str) -> None:
    """After an acceptance the next open query; else the query's next open candidate, while there is one."""
    worklist = with_decisions(room, decided)
    decision = next(iter(decided.values()))
    said = f"{DECISIONS[decision][1].capitalize()}: {what}."
    if worklist.status(room.query) is QueryStatus.ALL_REJECTED:
        said += " All candidates of this query are rejected; it stays in the list."
    if state.advances():
        said += _advance(room, worklist, decision)
    state.tell("toast", said)


def _advance(room: Room, worklist: Worklist, decision: Verdict) -> str:
    """Bring up what is open next; what there is to say about it."""
    after = following(room, worklist, accepted=decision == "accept")
    if after is None:
        return " All queries are done."
    query, candidate = after
    if query.id == room.query.id and candidate is not None:
        state.go(query.id, candidate.photo.id)
        return ""
    state.go(query.id, None)
    return " On to the next query."


def _names(work: Work, decision: Decision) -> str:
    """The two photos of a decision, by the names of their files where the catalogue has them."""
    catalogue = work.workspace.catalogue
    ids = (decision.query_id, decision.candidate_id)
    return " and ".join(file_name(catalogue.photo(one)) if one in catalogue else one for one in ids)
