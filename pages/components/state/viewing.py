"""What is on the screen, as the viewer tells: layers, sharp photos, the third photo, the individual's strip."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.components.drawing import Drawing
from pages.components.state.places import go

LAYERS = ("lines", "points", "heat_map", "color_maps", "box")
_AT_FIRST = frozenset({"lines", "points", "heat_map"})
VIEWER = "pair_viewer"  # key of the viewer, which tells what is looked at


def layers() -> frozenset[str]:
    """The layers that are switched on."""
    chosen: frozenset[str] = st.session_state.get("layers", _AT_FIRST)
    return chosen


def keep_layers() -> None:
    """The viewer's layers have changed."""
    news = told("layers")
    if isinstance(news, list):
        st.session_state["layers"] = frozenset(LAYERS) & frozenset(map(str, news))


def sharp() -> frozenset[str]:
    """The ids of the photos that the reviewer looks at closer than they were sent."""
    return frozenset(st.session_state.get("sharp", ()))


def keep_sharp() -> None:
    """The viewer wants photos at full resolution."""
    news = told("sharp")
    if isinstance(news, list):
        st.session_state["sharp"] = [str(photo_id) for photo_id in news[:3]]


def three_up() -> bool:
    """Whether a third photo is shown."""
    return bool(st.session_state.get("three", False))


def keep_three_up() -> None:
    """The viewer shows a third photo, or not any more."""
    st.session_state["three"] = bool(told("three"))


def heed() -> None:
    """The viewer asks what has been made meanwhile: the run that follows tells."""


def strip_open() -> bool:
    """Whether the photos of the candidate's individual are shown."""
    return bool(st.session_state.get("strip", False))


def keep_strip() -> None:
    """The viewer shows the individual's photos, or not any more."""
    st.session_state["strip"] = bool(told("strip"))


def strip_page(pair: str) -> int:
    """Which page of the individual's photos is shown, from 0; any whole number, to be taken round."""
    of_pair, page = st.session_state.get("strip_page", ("", 0))
    return page if of_pair == pair else 0


def turn_strip() -> None:
    """Show the next or the previous page of the individual's photos."""
    news = told("strip_page")
    if isinstance(news, list) and len(news) == 2 and news[1] in (-1, 1):
        pair = str(news[0])
        st.session_state["strip_page"] = (pair, strip_page(pair) + news[1])


def pick() -> None:
    """Compare with another photo of the individual."""
    news = told("picked")
    if isinstance(news, list) and len(news) == 2 and all(isinstance(part, str) for part in news):
        go(*news)
        st.session_state["whole_page"] = True


def add_tag() -> None:
    """Add a tag that the viewer suggests to the pair."""
    news = told("tag")
    if isinstance(news, list) and len(news) == 2 and all(isinstance(part, str) for part in news):
        pair, tag = news
        before = st.session_state.get(f"tags:{pair}") or []
        st.session_state[f"tags:{pair}"] = [*before, *([tag] if tag not in before else [])]
        st.session_state["whole_page"] = True


def takes_whole_page() -> bool:
    """Whether what the viewer told concerns the rest of the page too; asked once."""
    return bool(st.session_state.pop("whole_page", False))


def told(name: str) -> Any:
    """What the viewer has told; None: nothing of this."""
    return st.session_state[VIEWER].get(name)


def show(pair: str, drawing: Drawing | None) -> None:
    """Note how much of a pair's explanation the reviewer has on the screen."""
    st.session_state["shown"] = (pair, drawing)


def drawn(pair: str) -> Drawing | None:
    """The explanation of a pair as it is on the screen."""
    of_pair, drawing = st.session_state.get("shown", ("", None))
    return drawing if of_pair == pair else None


def shown(pair: str) -> frozenset[str]:
    """The layers that are on the screen; none of the explanation while it is not ready."""
    drawing = drawn(pair)
    if drawing is None:
        return layers() & {"box"}
    return layers() if drawing.maps is not None else layers() - {"color_maps"}
