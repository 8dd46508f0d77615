"""Choosing the pairs of a story, having them explained, and saving it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from pages.components import saying, state, visitors
from pages.components.words import DECISIONS, count, file_name, identity
from pages.components.workspace import GIVEN_FILTERS, Record, Workspace
from pairx_core.catalogue import Catalogue, Photo
from pairx_core.decisions import Decision
from pairx_core.errors import PairxError, StoryError
from pairx_core.explain import PairExplanation
from pairx_core.outputs import write_output
from pairx_core.render import render_overlay
from pairx_core.retrieval import CandidateFilters
from pairx_core.stories import (
    MOST_MATCHES,
    STORY_ENDING,
    Chosen,
    Story,
    carried_over,
    make_story,
    read_story,
    story_text,
)

Ids = tuple[str, str]  # of query and candidate
_TITLE = "Who is this?"
_MOST_LISTED = 300  # pairs at once; the others are found by name
_PICTURE_HEIGHT, _PICTURE_WIDTH = 420, 1000  # pixels at most


def reviewed_pairs(workspace: Workspace, record: Record) -> dict[Ids, Decision]:
    """The pairs that reviewers agree on, with the last decision on each, the newest first."""
    settled = workspace.pairs(workspace.stands(record)).settled
    last = (
        max(one.decisions, key=lambda row: row.decided_at)
        for one in settled.values()
        if one.verdict in DECISIONS
    )
    rows = sorted(last, key=lambda row: row.decided_at, reverse=True)
    return {row.pair: row for row in rows}


def choose(workspace: Workspace, reviewed: dict[Ids, Decision]) -> str:
    """Let the visitor choose pairs and have them explained; returns the story's title."""
    st.markdown("##### 1 · Which pairs, in which order")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = st.text_input("Title", _TITLE, max_chars=80, key="story_title", width=320).strip() or _TITLE
        wanted = ""
        if len(reviewed) > _MOST_LISTED:
            wanted = st.text_input("Find", placeholder="photo or individual", key="story_find", width=220)
    chosen = st.multiselect(
        "Pairs",
        _listed(workspace, reviewed, wanted),
        format_func=lambda pair: _named(workspace.catalogue, reviewed, pair),
        key="story_pairs",
        placeholder="query, decision, candidate: type to search",
        help="They are told in the order in which you choose them. Pairs of one query belong side by side: the right "
        "one first, then the tempting wrong one.",
    )
    pressed = st.button("Explain and propose captions", type="primary", disabled=not chosen, key="story_make")
    if pressed and chosen:
        try:
            _make(workspace, title, [reviewed[pair] for pair in chosen])
        except PairxError as error:
            saying.error(str(error))
    return title


def _listed(workspace: Workspace, reviewed: dict[Ids, Decision], wanted: str) -> list[Ids]:
    """Pairs to choose from: the chosen ones stay, whatever is searched for."""
    kept = [pair for pair in state.story_pairs() if pair in reviewed]
    names = partial(_named, workspace.catalogue, reviewed)
    found = (
        [pair for pair in reviewed if wanted.casefold() in names(pair).casefold()]
        if wanted
        else list(reviewed)
    )
    return list(dict.fromkeys([*kept, *found[:_MOST_LISTED]]))


def _named(catalogue: Catalogue, reviewed: dict[Ids, Decision], pair: Ids) -> str:
    query, candidate = (catalogue.photo(one) for one in pair)
    sign, word = DECISIONS[reviewed[pair].decision]
    return f"{file_name(query)} {sign} {word} {identity(candidate)} ({file_name(candidate)})"


def _make(workspace: Workspace, title: str, rows: list[Decision]) -> None:
    progress = st.progress(0.0, text="Explaining the pairs …")
    filters = GIVEN_FILTERS if workspace.ranked_by else CandidateFilters()
    pictures: list[bytes] = []

    def tell(done: int, total: int) -> None:
        progress.progress(done / total, text=f"Explaining the pairs: {done:,} of {total:,}")

    def explain(query: Photo, candidate: Photo) -> PairExplanation:
        explanation = _explainer(workspace)(query, candidate)
        pictures.append(_picture(explanation))
        return explanation

    made = make_story(
        title,
        [_chosen(workspace, row) for row in rows],
        workspace.catalogue,
        propose=lambda query: workspace.candidates(query, filters),
        explain=explain,
        model=workspace.model.name,
        layer=workspace.layer,
        tell=tell,
    )
    progress.empty()
    made = replace(made, catalogue=str(workspace.catalogue.source))
    before = state.story_draft()
    number = 1 if before is None else before.number + 1
    made = made if before is None else carried_over(made, before.written)
    state.keep_story_draft(state.StoryDraft(made, made, tuple(pictures), number))


def _explainer(workspace: Workspace) -> Callable[[Photo, Photo], PairExplanation]:
    if workspace.explainer is None:
        raise StoryError(f"Pairs cannot be explained with this model. {workspace.unexplained}")
    return partial(workspace.explainer.explain, k_lines=MOST_MATCHES, k_colors=0)


def _chosen(workspace: Workspace, row: Decision) -> Chosen:
    """A reviewed pair; what the reviewer ticked lights up: convincing matches where they accepted, else misleading."""
    evidence = workspace.evidence.of(row.decision_id)
    telling = "convincing" if row.decision == "accept" else "misleading"
    ticked = () if evidence is None else evidence.ticked
    shown = tuple(one.rank for one in ticked if one.said == telling)
    verdict = row.decision
    if verdict == "undo":
        raise StoryError(
            f"The decision on {row.query_id} and {row.candidate_id} was undone. Choose another pair."
        )
    return Chosen(row.query_id, row.candidate_id, verdict, shown)


def _picture(explanation: PairExplanation) -> bytes:
    """The pair with all the matches that a story can show, numbered as the captions' table names them."""
    drawn = render_overlay(
        explanation,
        heat_map=False,
        color_maps=False,
        k_lines=MOST_MATCHES,
        height=_PICTURE_HEIGHT,
        max_width=_PICTURE_WIDTH,
    )
    buffer = io.BytesIO()
    drawn.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def save(story: Story, workspace: Workspace) -> None:
    """Offer the story as a file, and to put it beside the photographs, where the Showcase finds it."""
    content = story_text(story).encode()
    name = _file_name(story.title)
    with st.container(horizontal=True, vertical_alignment="center"):
        folder = _folder(workspace)
        if not visitors.signing_in() or visitors.current().is_coordinator:
            pressed = st.button(
                "Save beside the photographs", type="primary", icon=":material/save:", key="story_save"
            )
            if pressed:
                _save(folder / name, content, workspace)
        st.download_button(
            "Download",
            content,
            file_name=name,
            mime="application/toml",
            icon=":material/download:",
            on_click="ignore",
        )
        st.page_link("pages/showcase.py", label="Go to the Showcase", icon=":material/slideshow:")
        st.caption(saying.plain(f"{name}, {count(len(content), 'byte')}"))


def _save(path: Path, content: bytes, workspace: Workspace) -> None:
    try:
        if path.exists():
            read_story(path)  # anything else is not ours to replace
        write_output(path, content, what="story", sources=[workspace.catalogue.source])
    except PairxError as error:
        saying.error(str(error))
    else:
        saying.success(f"Saved as {path}. The Showcase lists it now.")


def _folder(workspace: Workspace) -> Path:
    source = workspace.catalogue.source
    return source if source.is_dir() else source.parent


def _file_name(title: str) -> str:
    plain = re.sub(r"[^\w-]+", "_", title).strip("_")[:60]
    return f"{plain or 'story'}{STORY_ENDING}"
