"""The story that is told, and the one that is being made."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pairx_core.stories import Story

STORY = "story"  # key of the field that says which story is told, and its name in an address
STORY_FILE = "story_file"  # of the one that takes a file
STORY_PAIRS = "story_pairs"  # of the one with the pairs to tell


@dataclass(frozen=True, eq=False)
class StoryDraft:
    """A story that is being made."""

    story: Story  # what its fields begin with
    catalogue: str  # where its photos are, in full
    pictures: tuple[bytes, ...]  # JPEG of each pair with its numbered matches, in the story's order
    number: int = 0  # part of its fields' keys
    saved: str = ""  # the file that it was saved as; empty: not yet


def story_file() -> tuple[str, bytes] | None:
    """Name and content of the story file that the visitor brought along; None: there is none."""
    file = st.session_state.get(STORY_FILE)
    return None if file is None else (file.name, file.getvalue())


def choose_story(name: str) -> None:
    """Tell a story; before its field is drawn."""
    st.session_state[STORY] = name


def begin_with_story(name: str) -> None:
    """Tell a story where none was chosen yet; before its field is drawn."""
    st.session_state.setdefault(STORY, name)


def story_draft() -> StoryDraft | None:
    """The story that is being made."""
    draft: StoryDraft | None = st.session_state.get("story_draft")
    return draft


def keep_story_draft(draft: StoryDraft) -> None:
    """Keep the story that is being made."""
    st.session_state["story_draft"] = draft


def story_pairs() -> list[tuple[str, str]]:
    """The pairs that are chosen for a story: ids of query and candidate."""
    return list(st.session_state.get(STORY_PAIRS) or ())


def written(key: str, otherwise: str) -> str:
    """What is written in a field, by its key, or what it begins with."""
    return str(st.session_state.get(key, otherwise)).strip()
