"""Going on with a story that was saved: its captions come back into their fields."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import streamlit as st

from pages.components import saying, state, stories, story_making
from pages.components.workspace import Workspace
from pairx_core.errors import PairxError, StoryError
from pairx_core.stories import Story, read_story


def offer(workspace: Workspace, reviewed: Collection[story_making.Ids]) -> None:
    """Offer the stories beside the photographs, where there are some; before the fields of a story are drawn."""
    files = stories.beside_catalogue()
    if not files:
        return
    with st.popover("Go on with a saved story", icon=":material/edit:"):
        chosen = st.selectbox(
            "Story", files, format_func=lambda file: stories.title_of(file.name), key="story_saved"
        )
        if st.button("Take it up", key="story_take_up"):
            try:
                _take_up(workspace, chosen, reviewed)
            except PairxError as error:
                saying.error(str(error))


def _take_up(workspace: Workspace, file: Path, reviewed: Collection[story_making.Ids]) -> None:
    story = read_story(file)
    missing = next((photo for photo in story.photos if photo not in workspace.catalogue), None)
    if missing is not None:
        raise StoryError(
            f"{file.name} tells of the photo “{missing}”, which is not in this catalogue. Open the one that it "
            "was made with."
        )
    pairs = [(chapter.query, pair.candidate) for chapter in story.chapters for pair in chapter.pairs]
    with st.spinner("Drawing the pairs …"):
        pictures = story_making.pictures_of(workspace, pairs)
    state.take_up_story(
        _draft(workspace, story, pictures, file), [pair for pair in pairs if pair in reviewed]
    )


def _draft(workspace: Workspace, story: Story, pictures: tuple[bytes, ...], file: Path) -> state.StoryDraft:
    before = state.story_draft()
    number = 1 if before is None else before.number + 1
    return state.StoryDraft(story, str(workspace.catalogue.source), pictures, number, str(file))
