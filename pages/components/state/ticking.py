"""The matches that a reviewer has ticked."""

from __future__ import annotations

import streamlit as st

from pages.components.state.viewing import VIEWER, keep_layers, told
from pages.components.state.visitor import typed_reviewer
from pairx_core.decisions import TICKS


def ticks(pair: str) -> dict[int, str] | None:
    """What the reviewer has said about matches of a pair, by their rank from 0; None: nothing yet."""
    ticked: dict[int, str] | None = st.session_state.get("ticks", {}).get(_of_reviewer(pair))
    return ticked


def keep_ticks() -> None:
    """The reviewer has ticked a match, or taken a tick back."""
    news = told("ticks")
    try:
        ticked = {int(match): str(said) for match, said in news["ticks"]}
        pair = str(news["pair"])
    except (TypeError, KeyError, ValueError):
        return
    if all(said in TICKS and match >= 0 for match, said in ticked.items()):
        put_ticks(pair, ticked)


def hear(pair: str) -> None:
    """Take in what the viewer told together with the press of a button, whose callback may come first."""
    if VIEWER not in st.session_state:
        return
    ticks_told = told("ticks")
    if isinstance(ticks_told, dict) and ticks_told.get("pair") == pair:
        keep_ticks()
    keep_layers()


def put_ticks(pair: str, ticked: dict[int, str]) -> None:
    """Tick matches of a pair."""
    st.session_state.setdefault("ticks", {})[_of_reviewer(pair)] = ticked


def ticked_in(pair: str) -> str | None:
    """The id of the undone decision whose ticks are to come back; None: there is none."""
    decision_id: str | None = st.session_state.get("ticked_in", {}).get(pair)
    return decision_id


def tick_again(pair: str, decision_id: str) -> None:
    """Have the ticks of an undone decision come back when its pair is drawn."""
    st.session_state.setdefault("ticked_in", {})[pair] = decision_id


def forget_ticks(pair: str) -> None:
    """Begin without ticks when a pair comes back."""
    st.session_state.get("ticks", {}).pop(_of_reviewer(pair), None)
    st.session_state.get("ticked_in", {}).pop(pair, None)


def _of_reviewer(pair: str) -> str:
    """A pair as one reviewer sees it: who comes after another one in the same tab begins without ticks."""
    return f"{pair} {typed_reviewer()}"
