"""The player's scripts, given to Streamlit once."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.components.story_player.contents import contents
from pairx_core.catalogue import Catalogue
from pairx_core.stories import Story

_FOLDER = Path(__file__).parent


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_component = st.components.v2.component(
    "pairx_story_player",
    html=_read("player.html"),
    css=_read("player.css"),
    js="\n".join(_read(name) for name in ("drawing.js", "player.js")),  # one module, in this order
)


def play(story: Story, catalogue: Catalogue, *, by_itself: bool = False, has_keys: bool = True) -> None:
    """Put a story on the page.

    Args:
        story: what to show.
        catalogue: where its photos are.
        by_itself: begin without a click, and begin again at the end.
        has_keys: keys pressed anywhere on the page are the player's; else only those pressed within it.

    Raises:
        StoryError: a photo is not in the catalogue.
    """
    _component(
        key="story_player", data={**contents(story, catalogue, by_itself=by_itself), "has_keys": has_keys}
    )
