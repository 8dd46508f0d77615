"""A disputed pair on the screen, and settling it."""

from __future__ import annotations

from dataclasses import dataclass

from pages.components import state
from pages.components.recording import record
from pages.components.room import Room, Work, pair_name
from pages.components.words import DECISIONS
from pages.components.worklist import Worklist, no_queries
from pages.components.workspace import Record, Workspace
from pairx_core.decisions import Decision, Verdict
from pairx_core.decisions.adjudication import Dispute, disputes
from pairx_core.decisions.decision import ADJUDICATED
from pairx_core.errors import PairxError
from pairx_core.retrieval import Candidate, CandidateFilters


@dataclass(frozen=True, eq=False)
class DisputeRoom(Room):
    """A pair on which reviewers differ."""

    dispute: Dispute | None = None  # never None in a room that was entered
    session: str = ""  # the session whose dispute it is; empty: of all decisions

    @property
    def said(self) -> tuple[Decision, ...]:
        """What each reviewer said."""
        assert self.dispute is not None
        return self.dispute.said

    @property
    def settled(self) -> Decision | None:
        """The adjudication that stands."""
        assert self.dispute is not None
        return self.dispute.settled


def of_record(workspace: Workspace, record: Record, session: str) -> tuple[Dispute, ...]:
    """The disputes about photos of the catalogue, in one session or in all decisions."""
    found = disputes(record.rows, session=session or None)
    catalogue = workspace.catalogue
    return tuple(one for one in found if one.query_id in catalogue and one.candidate_id in catalogue)


def enter(workspace: Workspace, record: Record, reviewer: str, session: str, dispute: Dispute) -> DisputeRoom:
    """The disputed pair, with the ticked matches of those who argue."""
    query, photo = (
        workspace.catalogue.photo(dispute.query_id),
        workspace.catalogue.photo(dispute.candidate_id),
    )
    known = next((one for one in dispute.said if one.similarity is not None), None)
    similarity = known.similarity if known is not None and known.similarity is not None else 0.0
    candidate = Candidate(photo, similarity, (known.rank if known else None) or 1)
    own = {dispute.settled.pair: dispute.settled} if dispute.settled else {}
    worklist = Worklist(no_queries(), {}, lambda _: ())
    work = Work(workspace, reviewer, CandidateFilters(), worklist, record, own, {})
    name = pair_name(workspace, *sorted((query.id, photo.id)))
    return DisputeRoom(
        work,
        query,
        (candidate,),
        candidate,
        name=f"dispute-{name}",
        upcoming=(),
        arguments=dispute.said,
        dispute=dispute,
        session=session,
    )


def settle(room: DisputeRoom, verdict: Verdict) -> None:
    """Record the adjudicator's decision, which counts from now on whatever the reviewers said."""
    if not room.work.reviewer:
        state.tell("error", "Enter your name first: an adjudication carries it, as each decision does.")
        return
    state.hear(room.pair)
    if not state.is_settled(room.pair):  # a held key, a double click, or a page that is out of date
        return
    try:
        _record(room, verdict)
    except PairxError as error:
        state.tell("error", str(error))
        return
    state.decided(room.pair)
    state.tell("toast", f"Settled: {DECISIONS[verdict][1]}.")


def undo(room: DisputeRoom) -> None:
    """Take the adjudication back; the pair is disputed again."""
    if room.settled is None:
        return
    try:
        room.work.workspace.log.undo(room.settled, reviewer=room.work.reviewer, session=room.settled.session)
    except PairxError as error:
        state.tell("error", str(error))
        return
    state.decided(room.pair)
    state.tell("toast", "The adjudication is taken back.")


def _record(room: DisputeRoom, verdict: Verdict) -> None:
    first = room.said[0]
    record(
        room,
        room.candidates[0],
        verdict,
        tags=(ADJUDICATED,),
        session=room.session or first.session,
        rank=first.rank,
        similarity=first.similarity,
    )
