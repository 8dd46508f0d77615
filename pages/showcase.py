"""Showcase: a guided story for those who have four minutes."""

from __future__ import annotations

import streamlit as st

from pages.components import navigation, saying, stories, story_player, styles
from pairx_core.errors import PairxError

_AROUND = 118  # pixels: the bar at the top, and the line below the story


def showcase() -> None:
    """Draw the page."""
    stories.open_or_stop()
    styles.around_story(_AROUND)
    stage, below = st.container(), st.container(horizontal=True, gap="small", vertical_alignment="center")
    with below:
        chosen = stories.choose()
        stories.open_file()
        st.page_link("pages/story.py", label="Make a story of your own", icon=":material/movie_edit:")
    with stage:
        try:
            story, catalogue = stories.story_and_catalogue(chosen)
            story_player.play(story, catalogue, by_itself=stories.runs_by_itself())
        except PairxError as error:
            saying.error(str(error))
            stories.offer_the_sample()
            return
    stories.warn_of_changes(story, catalogue)


navigation.draw(showcase)
