"""Which explanation is on the screen, how far it is, and which may be wanted next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

import streamlit as st

from pages.components import evidence, resources, saying, state
from pages.components.drawing import Drawing
from pages.components.explaining import Job, Outcome
from pages.components.going_on import foreseen
from pages.components.pair_viewer.component import mount
from pages.components.pair_viewer.contents import Shown, contents
from pages.components.room import Room, pair_name
from pairx_core.catalogue import Photo
from pairx_core.errors import PairxError
from pairx_core.retrieval import Candidate

_POLL_SECONDS = 0.4


@dataclass(frozen=True, eq=False)
class _Plan:
    """The pair on the screen, and those that may come next: the two that are foreseen first."""

    room: Room
    now: Job | None  # None: nothing explains it, or a photo cannot be read
    foreseen: dict[str, tuple[Photo, Candidate, Job | None]]
    later: list[tuple[Photo, Candidate, Job | None]]  # the query's other open candidates

    @property
    def jobs(self) -> list[Job]:
        """All that there is to explain, the most urgent first."""
        after = (job for _, _, job in (*self.foreseen.values(), *self.later))
        return [job for job in (self.now, *after) if job is not None]


def show(room: Room, candidate: Candidate) -> None:
    """The pair with its explanation; asks for those of the next pairs as well."""
    plan = _plan(room, candidate)
    resources.worker().want(plan.jobs, state.session())
    is_pending = not room.is_bare and plan.now is not None
    is_pending = is_pending and not _is_final(resources.worker().outcome(plan.now.key))
    with st.container(key="pair"):
        st.fragment(_viewer, run_every=_POLL_SECONDS if is_pending else None)(plan, is_pending)
        if room.work.workspace.explainer is None:
            st.caption(saying.plain(f"No explanations with this model. {room.work.workspace.unexplained}"))


def show_query_alone(room: Room) -> None:
    """The query where there is no candidate to put beside it."""
    with st.container(key="pair"):
        st.fragment(_viewer)(_Plan(room, None, {}, []), False)


def _viewer(plan: _Plan, is_polling: bool) -> None:
    """Run again and again while the explanation is made, and whenever the viewer has something to tell."""
    room, job = plan.room, plan.now
    if state.takes_whole_page() or not room.is_on_screen:
        # a browser that hears of a tick and a decision together asks for this fragment alone, after both were done
        st.rerun()
    outcome = None if job is None else resources.worker().outcome(job.key)
    if job is not None and outcome is None and not is_polling and not room.is_bare:
        st.rerun()  # what was said of it has expired: the whole page asks again
    if job is not None and is_polling:
        resources.worker().look_at(job)
    drawing = None if outcome is None or room.is_bare else outcome.drawing
    state.show(room.pair, drawing)
    if drawing is not None:
        evidence.bring_back(room, drawing)
    key = "" if job is None or room.is_bare else job.key
    now = Shown(room.query, room.chosen, room.pair, key, drawing, room.is_veiled)
    waiting = "" if job is None or room.is_bare or _is_final(outcome) else _waiting(drawing)
    ready = _foreseen(plan)
    mount(contents(room, now, waiting, ready, _later(plan), len(ready) < len(_explained(plan))))
    if outcome is not None and outcome.error is not None and not room.is_bare:
        _no_explanation(outcome.error, is_veiled=room.is_veiled)
    if is_polling and _is_final(outcome):
        st.rerun()  # which ends the polling


def _is_final(outcome: Outcome | None) -> TypeGuard[Outcome]:
    return outcome is not None and outcome.is_final


def _waiting(drawing: Drawing | None) -> str:
    return "Explaining this pair …" if drawing is None else "Making the color maps …"


def _no_explanation(error: Exception, *, is_veiled: bool) -> None:
    """Say why; a bug is shown with its traceback, but does not take the rest of the page with it.

    In a veiled room only that there is none: why would name a file.
    """
    said = "This pair has no explanation; you can decide all the same."
    if is_veiled:
        saying.warning(said)
    elif isinstance(error, PairxError):
        saying.warning(f"{said} {error}")
    else:
        saying.warning(said)
        st.exception(error)


def _plan(room: Room, candidate: Candidate) -> _Plan:
    if room.upcoming is not None:
        upcoming = [(query, one, _job(room, query, one)) for query, one in room.upcoming]
        return _Plan(room, _job(room, room.query, candidate), {}, upcoming)
    after = foreseen(room) if state.advances() else {}
    planned = {(query.id, one.photo.id) for query, one in after.values()}
    later = [
        one
        for one in room.candidates
        if one is not room.chosen
        and (room.query.id, one.photo.id) not in planned
        and room.work.worklist.verdict(room.query, one.photo) is None
    ]
    return _Plan(
        room,
        _job(room, room.query, candidate),
        {name: (query, one, _job(room, query, one)) for name, (query, one) in after.items()},
        [(room.query, one, _job(room, room.query, one)) for one in later],
    )


def _job(room: Room, query: Photo, candidate: Candidate) -> Job | None:
    """What explains a pair; None where nothing does, or a photo cannot be read (its place says so)."""
    explainer = room.work.workspace.explainer
    if explainer is None:
        return None
    try:
        return Job.of(explainer, query, candidate.photo)
    except PairxError:
        return None


def _explained(plan: _Plan) -> dict[str, tuple[Photo, Candidate, Job]]:
    """What is foreseen and will be explained."""
    return {name: (query, one, job) for name, (query, one, job) in plan.foreseen.items() if job is not None}


def _foreseen(plan: _Plan) -> dict[str, Shown]:
    """The foreseen pairs whose explanation is whole, or has failed."""
    ready = {}
    for name, (query, candidate, job) in _explained(plan).items():
        outcome = resources.worker().outcome(job.key)
        if _is_final(outcome):
            pair = pair_name(plan.room.work.workspace, query.id, candidate.photo.id)
            ready[name] = Shown(query, candidate, pair, job.key, outcome.drawing)
    return ready


def _later(plan: _Plan) -> list[Shown]:
    """What else may be wanted, as far as it is made."""
    later = []
    for query, candidate, job in plan.later:
        is_known = job is not None and not plan.room.is_veiled  # what is sent ahead can be looked at
        outcome = resources.worker().outcome(job.key) if is_known else None
        later.append(Shown(query, candidate, "", drawing=None if outcome is None else outcome.drawing))
    return later
