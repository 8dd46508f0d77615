"""The story that is told, and the one that is being made."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pairx_core.stories import Story


@dataclass(frozen=True, eq=False)
class StoryDraft:
    """A story that is being made."""

    story: Story  # what its fields begin with
    written: Story  # with what was written into them
    pictures: tuple[bytes, ...]  # JPEG of each pair with its numbered matches, in the story's order
    number: int = 0  # part of its fields' keys


def story_file() -> tuple[str, bytes] | None:
    """Name and content of the story file that the visitor brought along; None: there is none."""
    file = st.session_state.get("story_file")
    return None if file is None else (file.name, file.getvalue())


def story_draft() -> StoryDraft | None:
    """The story that is being made."""
    draft: StoryDraft | None = st.session_state.get("story_draft")
    return draft


def story_draft_to_write() -> StoryDraft | None:
    """The same; where its fields are not on the screen any more, new ones begin with what was written."""
    draft = story_draft()
    if draft is not None and f"story-{draft.number}-opening" not in st.session_state:
        draft = StoryDraft(draft.written, draft.written, draft.pictures, draft.number + 1)
        keep_story_draft(draft)
    return draft


def keep_story_draft(draft: StoryDraft) -> None:
    """Keep the story that is being made."""
    st.session_state["story_draft"] = draft


def story_pairs() -> list[tuple[str, str]]:
    """The pairs that are chosen for a story: ids of query and candidate."""
    return list(st.session_state.get("story_pairs") or ())
