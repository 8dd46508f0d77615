"""Make a story for the Showcase from reviewed pairs."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import streamlit as st

from pages.components import (
    messages,
    navigation,
    opening,
    saying,
    state,
    story_captions,
    story_making,
    story_player,
    visitors,
)
from pages.components.workspace import Workspace
from pairx_core.errors import PairxError

_TITLE = "Make a story for the Showcase"
_SUBTITLE = (
    "Choose reviewed pairs in the order in which they shall be told, have them explained, and write what the audience "
    "reads. The story is a small text file; the photographs stay where they are."
)


def story() -> None:
    """Draw the page."""
    workspace = opening.workspace_or_stop()
    visitors.everything_or_stop(workspace)
    record = workspace.decisions()
    messages.show(record.trouble)
    st.html(
        f'<div class="px-head"><span class="px-title">{escape(_TITLE)}</span></div>'
        f'<div class="px-sub">{escape(_SUBTITLE)}</div>'
    )
    if workspace.explainer is None:
        saying.info(
            f"Pairs cannot be explained with this model, so there is no story to tell. {workspace.unexplained}"
        )
        return
    reviewed = story_making.reviewed_pairs(workspace, record)
    if not reviewed:
        st.info("No pair has been decided on yet. Review some first; what is disputed cannot be told either.")
        st.page_link("pages/review.py", label="Go to Review", icon=":material/compare:")
        return
    title = story_making.choose(workspace, reviewed)
    draft = state.story_draft()
    if draft is not None and draft.catalogue == str(workspace.catalogue.source):
        _draft(workspace, draft, title)


def _draft(workspace: Workspace, draft: state.StoryDraft, title: str) -> None:
    st.markdown("##### 2 · What the audience reads")
    story_captions.fields(draft, workspace.catalogue)
    st.markdown("##### 3 · Look at it, and save it")
    written = replace(story_captions.written(draft), title=title)
    story_making.save(draft, written, workspace)
    try:
        story_player.play(written, workspace.catalogue, has_keys=False)
    except PairxError as error:
        saying.error(str(error))


navigation.draw(story)
