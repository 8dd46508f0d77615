"""Which explanation is on the screen, how far it is, and which may be wanted next."""

from __future__ import annotations

from typing import TypeGuard

import streamlit as st

from pages.components import evidence, resources, saying, state
from pages.components.drawing import Drawing
from pages.components.explaining import Job, Outcome
from pages.components.pair_viewer.component import mount
from pages.components.pair_viewer.contents import contents
from pages.components.room import Room
from pairx_core.catalogue import Photo
from pairx_core.errors import PairxError
from pairx_core.retrieval import Candidate

_POLL_SECONDS = 0.4


def show(room: Room, candidate: Candidate) -> None:
    """The pair with its explanation; asks for those of the next pairs as well."""
    job = _job(room, candidate)
    coming = [one for one in (_job_of(room, *pair) for pair in _coming(room)) if one is not None]
    if job is not None:
        resources.worker().want([job, *coming])
    is_pending = job is not None and not _is_final(resources.worker().outcome(job.key))
    with st.container(key="pair"):
        st.fragment(_viewer, run_every=_POLL_SECONDS if is_pending else None)(room, job, coming, is_pending)
        if job is None and room.work.workspace.explainer is None:
            st.caption(saying.plain(f"No explanations with this model. {room.work.workspace.unexplained}"))


def show_query_alone(room: Room) -> None:
    """The query where there is no candidate to put beside it."""
    with st.container(key="pair"):
        st.fragment(_viewer)(room, None, [], False)


def _viewer(room: Room, job: Job | None, coming: list[Job], is_polling: bool) -> None:
    """Run again and again while the explanation is made, and whenever the viewer has something to tell."""
    if state.takes_whole_page():
        st.rerun()
    worker = resources.worker()
    outcome = None if job is None else worker.outcome(job.key)
    if job is not None and is_polling:
        worker.want([job])
    drawing = None if outcome is None else outcome.drawing
    state.show(room.pair, drawing)
    if drawing is not None:
        evidence.bring_back(room, drawing)
    waiting = "" if job is None or _is_final(outcome) else _waiting(drawing)
    mount(contents(room, "" if job is None else job.key, drawing, waiting, _ahead(coming)))
    if outcome is not None and outcome.error is not None:
        _no_explanation(outcome.error)
    if is_polling and _is_final(outcome):
        st.rerun()  # which ends the polling


def _is_final(outcome: Outcome | None) -> TypeGuard[Outcome]:
    return outcome is not None and outcome.is_final


def _waiting(drawing: Drawing | None) -> str:
    return "Explaining this pair …" if drawing is None else "Making the color maps …"


def _no_explanation(error: Exception) -> None:
    """Say why; a bug is shown with its traceback, but does not take the rest of the page with it."""
    said = "This pair has no explanation; you can decide all the same."
    if isinstance(error, PairxError):
        saying.warning(f"{said} {error}")
    else:
        saying.warning(said)
        st.exception(error)


def _job(room: Room, candidate: Candidate) -> Job | None:
    return _job_of(room, room.query, candidate.photo)


def _job_of(room: Room, query: Photo, candidate: Photo) -> Job | None:
    """What explains a pair; None where nothing does, or a photo cannot be read (its place says so)."""
    explainer = room.work.workspace.explainer
    if explainer is None:
        return None
    try:
        return Job.of(explainer, query, candidate)
    except PairxError:
        return None


def _ahead(jobs: list[Job]) -> list[tuple[Photo, Drawing | None]]:
    """Photos and explanations of the next pairs, as far as they are made."""
    ahead: list[tuple[Photo, Drawing | None]] = []
    for job in jobs:
        outcome = resources.worker().outcome(job.key)
        ahead += [(job.query, None), (job.candidate, None if outcome is None else outcome.drawing)]
    return ahead


def _coming(room: Room) -> list[tuple[Photo, Photo]]:
    """The query's next open candidate, the next query's first one, then the query's other open candidates."""
    worklist = room.work.worklist
    at = 0 if room.card is None else room.candidates.index(room.card)
    coming = [
        (room.query, one.photo)
        for one in (*room.candidates[at:], *room.candidates[:at])
        if one is not room.chosen and worklist.verdict(room.query, one.photo) is None
    ]
    following = worklist.next_open(room.query.id)
    if following is not None and following.id != room.query.id:
        first = worklist.next_undecided(following)
        coming[1:1] = [(following, first.photo)] if first is not None else []
    return coming
