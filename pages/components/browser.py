"""What only the browser can do: stop held keys from repeating, and tell how large the window is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

AROUND = 364  # pixels of the window's height that are taken by everything but the pair
_LEAST_HEIGHT = 240

_component = st.components.v2.component(
    "pairx_browser", js=Path(__file__).with_name("browser.js").read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True)
class Space:
    """The room that there is for the picture of a pair."""

    width: int = 960  # pixels of the page
    height: int = 720 - AROUND
    ratio: float = 1.0  # pixels of the screen for a pixel of the page


def connect() -> Space:
    """Listen to the browser; return the space for the pair, a guess until the browser has answered."""
    with st.container(key="browser"):
        told = _component(key="browser_state", on_room_change=_nothing).room
    try:
        return Space(
            min(4000, max(320, int(told["width"]))),
            max(_LEAST_HEIGHT, min(2400, int(told["height"])) - AROUND),
            min(2.0, max(1.0, float(told["ratio"]))),
        )
    except (TypeError, KeyError, ValueError):
        return Space()


def _nothing() -> None:
    """The run that follows a change reads the new value."""
