"""The pair: photos at once, the explanation as soon as it is ready."""

from __future__ import annotations

import io
from html import escape
from typing import TypeGuard

import streamlit as st
from PIL import Image

from pages.components import resources, saying, state
from pages.components.browser import Space
from pages.components.explaining import Job, Outcome
from pages.components.room import Room
from pages.components.words import file_name, ranked
from pairx_core.catalogue import Photo
from pairx_core.errors import PairxError
from pairx_core.explain import PairExplanation
from pairx_core.retrieval import Candidate

_POLL_SECONDS = 0.4


def show(room: Room, candidate: Candidate, space: Space) -> None:
    """The pair with its explanation; asks for those of the next pairs as well."""
    explainer = room.work.workspace.explainer
    if explainer is None:
        _unexplained(room, candidate, space)
        return
    try:
        job = Job.of(explainer, room.query, candidate.photo)
    except PairxError as error:
        _without_picture(room, candidate, error, space)
        return
    outcome = resources.worker().outcome(job.key)
    if not _is_enough(outcome):
        _ask(room, job)
        st.fragment(_pending, run_every=_POLL_SECONDS)(room, candidate, job, space)
        return
    _ready(room, candidate, job, outcome, space)
    _ask(room, job)


def show_query_alone(room: Room, space: Space) -> None:
    """The query where there is no candidate to put beside it."""
    with st.container(key="pair"):
        try:
            _image(resources.photo_jpeg(room.query, space), f"Query {file_name(room.query)}")
        except PairxError as error:
            saying.error(str(error))


def _unexplained(room: Room, candidate: Candidate, space: Space) -> None:
    """The bare photos, where the model's pairs cannot be explained."""
    reason = getattr(room.work.workspace, "unexplained", "")
    state.show(room.pair, frozenset())
    with st.container(key="pair"):
        _bare(room.query, candidate, space)
        st.caption(saying.plain(f"No explanations with this model. {reason}"))


def _pending(room: Room, candidate: Candidate, job: Job, space: Space) -> None:
    """Run again and again while the explanation is computed; then the whole page once."""
    outcome = resources.worker().outcome(job.key)
    if _is_enough(outcome):
        st.rerun()
    resources.worker().want([job])
    waiting = "Explaining this pair …"
    with st.container(key="pair"):
        if outcome is None or outcome.explanation is None:
            state.show(room.pair, frozenset())
            _bare(room.query, candidate, space)
        else:
            layers = state.layers() - {"color_maps"}
            _explained(room, candidate, job, outcome.explanation, layers, space)
            waiting = "Making the color maps …"
        st.html(f'<div class="px-waiting" role="status">{waiting}</div>')


def _is_enough(outcome: Outcome | None) -> TypeGuard[Outcome]:
    """Whether all that is switched on can be drawn."""
    return outcome is not None and (outcome.is_final or "color_maps" not in state.layers())


def _ready(room: Room, candidate: Candidate, job: Job, outcome: Outcome, space: Space) -> None:
    with st.container(key="pair"):
        if outcome.explanation is None or not state.layers():
            state.show(room.pair, frozenset())
            _bare(room.query, candidate, space)
        else:
            _explained(room, candidate, job, outcome.explanation, state.layers(), space)
        if outcome.error is not None:
            _no_explanation(outcome.error)


def _no_explanation(error: Exception) -> None:
    """Say why; a bug is shown with its traceback, but does not take the rest of the page with it."""
    said = "This pair has no explanation; you can decide all the same."
    if isinstance(error, PairxError):
        saying.warning(f"{said} {error}")
    else:
        saying.warning(said)
        st.exception(error)


def _explained(
    room: Room,
    candidate: Candidate,
    job: Job,
    explanation: PairExplanation,
    layers: frozenset[str],
    space: Space,
) -> None:
    if not layers:
        state.show(room.pair, layers)
        _bare(room.query, candidate, space)
        return
    try:
        picture = resources.overlay_jpeg(job.key, layers, explanation, space)
    except PairxError as error:
        _without_picture(room, candidate, error, space)
        return
    _image(picture, f"{_alt(room.query, candidate)}; with {', '.join(sorted(layers)).replace('_', ' ')}")
    state.show(room.pair, layers)


def _bare(query: Photo, candidate: Candidate, space: Space) -> None:
    try:
        _image(resources.pair_jpeg(query, candidate.photo, space), _alt(query, candidate))
    except PairxError as error:
        saying.error(str(error))


def _without_picture(room: Room, candidate: Candidate, error: PairxError, space: Space) -> None:
    """A photo is gone or damaged: say so in place, and show the other one."""
    state.show(room.pair, frozenset())
    with st.container(key="pair"):
        saying.error(f"{error} You can go on: decide, or choose another candidate.")
        for photo in (room.query, candidate.photo):
            try:
                _image(resources.photo_jpeg(photo, space), file_name(photo))
            except PairxError:
                continue


def _ask(room: Room, job: Job) -> None:
    """Ask for this explanation first, then the query's other open candidates, then the next query's first."""
    jobs = [job]
    for query, candidate in _coming(room):
        try:
            jobs.append(Job.of(job.explainer, query, candidate.photo))
        except PairxError:
            continue  # said when its turn comes
    resources.worker().want(jobs)


def _coming(room: Room) -> list[tuple[Photo, Candidate]]:
    worklist = room.work.worklist
    coming = [
        (room.query, one)
        for one in room.candidates
        if one is not room.chosen and worklist.verdict(room.query.id, one.photo.id) is None
    ]
    following = worklist.next_open(room.query.id)
    if following is not None and following.id != room.query.id:
        first = worklist.next_undecided(following)
        coming[1:1] = [(following, first)] if first is not None else []
    return coming


def _image(picture: bytes, alt: str) -> None:
    width = Image.open(io.BytesIO(picture)).width
    st.image(picture, width=width, output_format="JPEG", alt=alt)


def _alt(query: Photo, candidate: Candidate) -> str:
    return f"Query {file_name(query)} and candidate {file_name(candidate.photo)}, {escape(ranked(candidate))}"
