"""What the buttons of a session's room do. What is said to the reviewer never tells who is on a photo."""

from __future__ import annotations

from pages.components import state
from pages.components.recording import record
from pages.components.session_room import SessionRoom
from pages.components.words import DECISIONS
from pages.components.workspace import Workspace
from pairx_core.decisions import Decision, Verdict
from pairx_core.errors import PairxError
from pairx_core.sessions import Progress, Stage, progress

CLOSED = "The session was closed meanwhile: nothing was saved."


def decide(room: SessionRoom, decision: Verdict) -> None:
    """Record what the reviewer says about the pair, at the stage that its buttons were drawn for."""
    state.hear(room.pair)
    if not state.is_settled(room.pair):  # a held key, a double click, or a page that is out of date
        return
    try:
        if _is_still_asked(room):
            _record(room, decision)
            _tell(room, decision)
    except PairxError as error:
        state.tell("error", str(error))
        return
    state.decided(room.pair)


def undo(workspace: Workspace, so_far: Progress, last: Decision) -> None:
    """Take back the reviewer's last final verdict; its pair is asked again, with the explanation."""
    session, reviewer, log = so_far.session, so_far.reviewer, workspace.log
    try:
        now = progress(session, reviewer, log.decisions()).last_undoable()
        if now is None or now.decision_id != last.decision_id:
            state.tell("error", "Nothing was undone: a newer decision was saved meanwhile.")
            return
        if not workspace.sessions.find(session.session_id).is_open:
            state.tell("error", CLOSED)
            return
        log.undo(last, reviewer=reviewer, session=session.name)
    except PairxError as error:
        state.tell("error", str(error))
        return
    number = session.numbers[last.pair]
    pair = f"{session.session_id}-{number}"
    state.decided(pair)
    state.put_back(pair, state.Typed(last.note, last.confidence, last.tags), last.decision_id)
    state.put_session_place(session.session_id, session.queues[reviewer].index(number) - 1)
    state.tell("toast", f"Undone: {DECISIONS[last.decision][1]}.")


def later(room: SessionRoom) -> None:
    """Leave the pair for now; it comes again at the end."""
    state.put_session_place(room.session.session_id, room.asked.place)


def _is_still_asked(room: SessionRoom) -> bool:
    """Whether the record still asks what the buttons were drawn for: another tab may have answered."""
    workspace = room.work.workspace
    if not workspace.sessions.find(room.session.session_id).is_open:
        state.tell("error", CLOSED)
        return False
    now = progress(room.session, room.work.reviewer, workspace.log.decisions())
    return now.stage(room.asked.number) is room.asked.stage


def _record(room: SessionRoom, decision: Verdict) -> None:
    pair = room.session.pairs[room.asked.number]
    record(
        room,
        room.candidates[0],
        decision,
        session=room.session.name,
        rank=pair.rank,
        similarity=pair.similarity,
        blind=room.is_bare,
    )


def _tell(room: SessionRoom, decision: Verdict) -> None:
    word = DECISIONS[decision][1].capitalize()
    if room.asked.stage is Stage.BLIND:
        state.tell("toast", f"{word}. Now the explanation: keep your verdict, or change it.")
    else:
        state.tell("toast", f"{word}. On to the next pair.")
