"""Writing a story's captions, and which matches light up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import streamlit as st

from pages.components import state
from pages.components.saying import plain
from pages.components.words import DECISIONS, file_name, identity
from pairx_core.catalogue import Catalogue
from pairx_core.stories import Chapter, Shown, Story, StoryPair, scenes

_LONGEST = 240  # letters: what is read from a screen across a room
_MOST_MINUTES = 4  # that an audience has


def write(draft: state.StoryDraft, catalogue: Catalogue) -> Story:
    """Fields for all captions; the story with what is in them."""
    story, key = draft.story, f"story-{draft.number}"
    pictures = iter(draft.pictures)
    opening = _caption("Opening", story.opening, f"{key}-opening")
    chapters = []
    for number, chapter in enumerate(story.chapters):
        query = file_name(catalogue.photo(chapter.query))
        with st.expander(f"Chapter {number + 1}: {plain(query)}", expanded=number == 0):
            chapters.append(_chapter(chapter, catalogue, pictures, f"{key}-{number}"))
    ending = _caption("Ending", story.ending, f"{key}-ending")
    written = replace(story, opening=opening, ending=ending, chapters=tuple(chapters))
    _tell_length(written)
    return written


def _tell_length(story: Story) -> None:
    minutes, seconds = divmod(round(sum(scene.seconds for scene in scenes(story))), 60)
    said = f"By itself it takes {minutes}:{seconds:02d} minutes."
    if minutes >= _MOST_MINUTES:
        said += " That is long: shorten captions, or let fewer matches light up."
    st.caption(said)


def _chapter(chapter: Chapter, catalogue: Catalogue, pictures: Iterator[bytes], key: str) -> Chapter:
    arrival = _caption("The photograph arrives", chapter.arrival, f"{key}-arrival")
    proposed = _caption("The model's candidates", chapter.proposed, f"{key}-proposed")
    pairs = []
    for number, pair in enumerate(chapter.pairs):
        _, word = DECISIONS[pair.decision]
        st.markdown(f"**{plain(identity(catalogue.photo(pair.candidate)))}**, {word}")
        pairs.append(_pair(pair, next(pictures, None), f"{key}-{number}"))
    decided = _caption("The decision", chapter.decided, f"{key}-decided")
    counted = chapter.counted
    if chapter.before != chapter.after:
        counted = _caption("What has changed", chapter.counted, f"{key}-counted")
    return replace(
        chapter, arrival=arrival, proposed=proposed, pairs=tuple(pairs), decided=decided, counted=counted
    )


def _pair(pair: StoryPair, picture: bytes | None, key: str) -> StoryPair:
    caption = _caption("Before the first match", pair.caption, f"{key}-caption")
    if picture is not None:
        st.image(picture)
    shown = _shown(pair, f"{key}-shown")
    closing = _caption("After the last match", pair.closing, f"{key}-closing")
    return replace(pair, caption=caption, shown=shown, closing=closing)


def _shown(pair: StoryPair, key: str) -> tuple[Shown, ...]:
    """The matches in the order in which they light up."""
    rows = pd.DataFrame(
        {"Match": [one.match for one in pair.shown], "Caption": [one.says for one in pair.shown]}
    )
    edited = st.data_editor(
        rows.astype({"Match": "Int64", "Caption": "string"}),
        num_rows="dynamic",
        hide_index=True,
        key=key,
        column_config={
            "Match": st.column_config.NumberColumn(
                "Match",
                min_value=1,
                max_value=len(pair.matches),
                step=1,
                required=True,
                help="Its number on the picture.",
            ),
            "Caption": st.column_config.TextColumn(
                "Caption", max_chars=_LONGEST, help="Empty: the caption before it stays.", width="large"
            ),
        },
    )
    numbers = edited["Match"].dropna().astype(int)
    says = edited["Caption"].fillna("")
    return tuple(
        Shown(int(number), str(says[at]).strip())
        for at, number in numbers.items()
        if 1 <= number <= len(pair.matches)
    )


def _caption(label: str, text: str, key: str) -> str:
    return st.text_area(label, text, max_chars=_LONGEST, height=68, key=key).strip()
