"""The viewer's scripts, put together and given to Streamlit once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from pages.components import media, state

_FOLDER = Path(__file__).parent
_PARTS = (  # one module, in this order
    "geometry.js",
    "textures.js",
    "marks.js",
    "pane.js",
    "wanted.js",
    "deciding.js",
    "matching.js",
    "pointing.js",
    "blinking.js",
    "panel.js",
    "strip.js",
    "viewer.js",
)


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_component = st.components.v2.component(
    "pairx_pair_viewer",
    html=_read("viewer.html"),
    css=_read("viewer.css"),
    js=_read("loader.js"),
)
_MODULE = "\n".join(_read(name) for name in _PARTS).encode()


def mount(data: dict[str, Any]) -> None:
    """Put the viewer on the page, or give the one that is there something else to show."""
    _component(
        key=state.VIEWER,
        data={**data, "script": media.address(_MODULE, "text/javascript", "viewer-module")},
        on_layers_change=state.keep_layers,
        on_ticks_change=state.keep_ticks,
        on_sharp_change=state.keep_sharp,
        on_three_change=state.keep_three_up,
        on_strip_change=state.keep_strip,
        on_strip_page_change=state.turn_strip,
        on_picked_change=state.pick,
        on_tag_change=state.add_tag,
        on_asked_change=state.heed,
    )
