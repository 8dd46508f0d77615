"""Choosing the pairs of a story, having them explained, and saving it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path

import streamlit as st

from pages.components import resources, saying, state, stories, story_captions, visitors
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
    MOST_PAIRS,
    STORY_ENDING,
    Chosen,
    Story,
    carried_over,
    make_story,
    story_text,
)

Ids = tuple[str, str]  # of query and candidate
_TITLE = "Who is this?"
_MOST_LISTED = 300  # pairs at once; the others are found by name
_PICTURE_HEIGHT, _PICTURE_WIDTH = 420, 1000  # pixels at most


def reviewed_pairs(workspace: Workspace, record: Record) -> dict[Ids, Decision]:
    """The pairs that reviewers agree on, with the last decision for what they agree on, the newest first."""
    settled = workspace.pairs(workspace.stands(record)).settled
    agreed = [one for one in settled.values() if one.verdict in DECISIONS]
    last = (
        max((row for row in one.decisions if row.decision == one.verdict), key=lambda row: row.decided_at)
        for one in agreed
    )
    rows = sorted(last, key=lambda row: row.decided_at, reverse=True)
    return {row.pair: row for row in rows}


def choose(workspace: Workspace, reviewed: dict[Ids, Decision]) -> str:
    """Let the visitor choose pairs and have them explained; returns the story's title."""
    st.markdown("##### 1 · Which pairs, in which order")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = st.text_input(
            "Title", _TITLE, max_chars=80, key="story_title", persist_state="session", width=320
        )
        title = (title or "").strip() or _TITLE
        wanted = ""
        if len(reviewed) > _MOST_LISTED:
            wanted = st.text_input("Find", placeholder="photo or individual", key="story_find", width=220)
    chosen = st.multiselect(
        "Pairs",
        _listed(workspace, reviewed, wanted),
        format_func=lambda pair: _named(workspace.catalogue, reviewed, pair),
        key=state.STORY_PAIRS,
        persist_state="session",
        max_selections=MOST_PAIRS,
        placeholder="query, decision, candidate: type to search",
        help="They are told in the order in which you choose them. Pairs of one query belong side by side: the right "
        "one first, then the tempting wrong one.",
    )
    _show_chosen(workspace.catalogue, chosen)
    pressed = st.button("Explain and propose captions", type="primary", disabled=not chosen, key="story_make")
    if pressed and chosen:
        try:
            _make(workspace, title, [reviewed[pair] for pair in chosen])
        except PairxError as error:
            saying.error(str(error))
    return title


def _show_chosen(catalogue: Catalogue, chosen: list[Ids]) -> None:
    """Small pictures of the pairs, to be sure that they are those that one remembers."""
    for query, candidate in chosen:
        pictures = "".join(_thumbnail(catalogue.photo(one)) for one in (query, candidate))
        st.html(f'<div class="px-pictures">{pictures}</div>')


def _thumbnail(photo: Photo) -> str:
    try:
        return f'<img src="{resources.thumbnail(photo)}" alt="{escape(file_name(photo))}">'
    except PairxError as error:
        return f"<span>{escape(str(error))}</span>"


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
    filters = GIVEN_FILTERS if workspace.ranked_by else CandidateFilters()
    explained: list[PairExplanation] = []
    place = st.empty()
    progress = place.progress(0.0, text="Explaining the pairs …")

    def tell(done: int, total: int) -> None:
        progress.progress(
            done / total, text=f"Explaining the pairs: {done:,} of {total:,}. Any click stops it."
        )

    def explain(query: Photo, candidate: Photo) -> PairExplanation:
        explained.append(_explainer(workspace)(query, candidate))
        return explained[-1]

    try:
        made = make_story(
            title,
            [_chosen(workspace, row) for row in rows],
            workspace.catalogue,
            propose=lambda query: workspace.candidates(query, filters),
            explain=explain,
            model=workspace.ranked_by or workspace.model.name,
            layer=workspace.layer,
            tell=tell,
        )
    finally:
        place.empty()
    made = replace(made, departures="; ".join(explained[0].departures))
    _keep(made, str(workspace.catalogue.source), tuple(map(_picture, explained)))


def _keep(made: Story, catalogue: str, pictures: tuple[bytes, ...]) -> None:
    """Keep the story that was made, with what was written for the same pairs of the same catalogue before."""
    before = state.story_draft()
    number = 1 if before is None else before.number + 1
    saved = ""
    if before is not None and before.catalogue == catalogue:
        made, saved = carried_over(made, story_captions.written(before)), before.saved
    state.keep_story_draft(state.StoryDraft(made, catalogue, pictures, number, saved))


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


def save(draft: state.StoryDraft, story: Story, workspace: Workspace) -> None:
    """Offer the story as a file, and to put it beside the photographs, where the Showcase finds it."""
    content = story_text(story).encode()
    name = _file_name(story.title)
    row, told = st.container(horizontal=True, vertical_alignment="center"), st.container()
    if not visitors.signing_in() or visitors.current().is_coordinator:
        pressed = row.button(
            "Save beside the photographs", type="primary", icon=":material/save:", key="story_save"
        )
        if pressed:
            with told:
                _save(draft, _folder(workspace) / name, content)
    with row:
        st.download_button(
            "Download",
            content,
            file_name=name,
            mime="application/toml",
            icon=":material/download:",
            on_click="ignore",
        )
        st.page_link(
            "pages/showcase.py",
            label="Go to the Showcase",
            icon=":material/slideshow:",
            query_params=_address(state.story_draft() or draft),
        )
        st.caption(saying.plain(f"{name}, {count(len(content), 'byte')}"))


def _save(draft: state.StoryDraft, path: Path, content: bytes) -> None:
    """Write the file; another one of that name stays, and this one gets a number."""
    try:
        path = _free(path, draft.saved)
        write_output(path, content, what="story")
    except (PairxError, OSError) as error:
        saying.error(str(error))
    else:
        state.keep_story_draft(replace(draft, saved=str(path)))
        saying.success(f"Saved as {path}. The Showcase lists it now.")


def _address(draft: state.StoryDraft) -> dict[str, str]:
    """Of the Showcase with the story, once it is saved."""
    saved = {state.STORY: stories.title_of(Path(draft.saved).name)} if draft.saved else {}
    return state.address_with(**saved)


def _free(path: Path, own: str) -> Path:
    """The path, or with the next number where another file than one's own has that name."""
    number, free = 2, path
    while free.exists() and str(free) != own:
        free = path.with_name(f"{path.name.removesuffix(STORY_ENDING)}_{number}{STORY_ENDING}")
        number += 1
    return free


def _folder(workspace: Workspace) -> Path:
    source = workspace.catalogue.source
    return source if source.is_dir() else source.parent


def _file_name(title: str) -> str:
    plain = re.sub(r"[^\w-]+", "_", title).strip("_")[:60]
    return f"{plain or 'story'}{STORY_ENDING}"
