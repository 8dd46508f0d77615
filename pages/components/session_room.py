"""A pair of an expert session on the screen: what its reviewer may see of it."""

from __future__ import annotations

from dataclasses import dataclass

from pages.components import state
from pages.components.room import Room, Work
from pages.components.worklist import Worklist, no_queries
from pages.components.workspace import Record, Workspace
from pairx_core.catalogue import Photo
from pairx_core.decisions import Decision, standing_by_reviewer
from pairx_core.decisions.decision import ADJUDICATED
from pairx_core.retrieval import Candidate, CandidateFilters
from pairx_core.sessions import ExpertSession, Progress, SessionPair, Stage, Task, progress


@dataclass(frozen=True, eq=False)
class SessionRoom(Room):
    """A pair of a session, and what is asked about it."""

    progress: Progress | None = None  # never None in a room that was entered
    task: Task | None = None  # the same

    @property
    def session(self) -> ExpertSession:
        """The session that the pair belongs to."""
        return self.so_far.session

    @property
    def so_far(self) -> Progress:
        """How far the reviewer is."""
        assert self.progress is not None
        return self.progress

    @property
    def asked(self) -> Task:
        """What is asked about the pair."""
        assert self.task is not None
        return self.task

    @property
    def blind_verdict(self) -> Decision | None:
        """What the reviewer said about the bare photos, once that is said."""
        return self.so_far.standing.get(self.session.pairs[self.asked.number].ids)


def read_progress(workspace: Workspace, session: ExpertSession, reviewer: str) -> tuple[Progress, Record]:
    """How far a reviewer is, and the whole record that says so."""
    record = workspace.decisions()
    return progress(session, reviewer, record.rows), record


def enter(workspace: Workspace, so_far: Progress, record: Record) -> SessionRoom | None:
    """The next pair of a reviewer's queue; None: there is none left."""
    task = so_far.next_task(state.session_place(so_far.session.session_id))
    if task is None:
        return None
    session = so_far.session
    query, candidate = _photos(workspace, session.pairs[task.number])
    return SessionRoom(
        work=_work(workspace, so_far, record),
        query=query,
        candidates=(candidate,),
        chosen=candidate,
        name=f"{session.session_id}-{task.number}",
        is_veiled=session.is_blind,
        is_bare=task.stage is Stage.BLIND,
        upcoming=_upcoming(workspace, so_far, task),
        progress=so_far,
        task=task,
    )


def missing(workspace: Workspace, session: ExpertSession) -> int:
    """How many pairs of a session have photos that are not in the open catalogue."""
    catalogue = workspace.catalogue
    return sum(pair.query_id not in catalogue or pair.candidate_id not in catalogue for pair in session.pairs)


def _photos(workspace: Workspace, pair: SessionPair) -> tuple[Photo, Candidate]:
    catalogue = workspace.catalogue
    candidate = Candidate(catalogue.photo(pair.candidate_id), pair.similarity or 0.0, pair.rank or 1)
    return catalogue.photo(pair.query_id), candidate


def _upcoming(workspace: Workspace, so_far: Progress, task: Task) -> list[tuple[Photo, Candidate]]:
    """The pair after this one, so that its photos are there when it comes."""
    queue = so_far.session.queues[so_far.reviewer]
    order = [*queue[task.place + 1 :], *queue[: task.place]]
    following = next((number for number in order if so_far.stage(number) is not Stage.DONE), None)
    return [] if following is None else [_photos(workspace, so_far.session.pairs[following])]


def _work(workspace: Workspace, so_far: Progress, record: Record) -> Work:
    others = _others(so_far, record) if so_far.session.shows_others else {}
    worklist = Worklist(no_queries(), {}, candidates_of=lambda _: ())
    standing = {pair: row for pair, row in so_far.standing.items() if not row.blind}
    return Work(workspace, so_far.reviewer, CandidateFilters(), worklist, record, standing, others)


def _others(so_far: Progress, record: Record) -> dict[str, dict[tuple[str, str], Decision]]:
    """What the other reviewers of the session said."""
    name = so_far.session.name
    rows = [row for row in record.rows if row.session == name and ADJUDICATED not in row.tags]
    standing = standing_by_reviewer(rows)
    standing.pop(so_far.reviewer, None)
    return standing
