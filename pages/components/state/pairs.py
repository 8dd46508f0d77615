"""The pair on the screen: since when, what is entered beside it, and what happens once it is decided."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

import streamlit as st

from pages.components.state.ticking import forget_ticks, tick_again
from pages.components.state.visitor import remember_reviewer

HELD_KEY_SECONDS = 0.3  # seconds after a pair's appearance in which no decision on it is taken


@dataclass(frozen=True, slots=True)
class Typed:
    """What the reviewer entered beside a pair."""

    note: str = ""
    confidence: str = ""
    tags: tuple[str, ...] = ()


def appear(pair: str) -> None:
    """A pair is on the screen: its clock starts at the first time, its guard at each time."""
    first: dict[str, float] = st.session_state.setdefault("first_seen", {})
    first.setdefault(pair, time.monotonic())
    if st.session_state.get("current_pair") != pair:
        st.session_state["current_pair"] = pair
        st.session_state["appeared"] = time.monotonic()
        st.session_state["decision_id"] = uuid.uuid4().hex


def is_current(pair: str) -> bool:
    """Whether a pair is the last one that appeared, and nothing was decided on it."""
    return bool(st.session_state.get("current_pair") == pair)


def is_settled(pair: str) -> bool:
    """Whether a pair is on the screen, and long enough that a decision can be meant for it."""
    on_screen = st.session_state.get("current_pair") == pair
    return on_screen and not is_held_key(time.monotonic() - st.session_state["appeared"])


def is_held_key(age: float) -> bool:
    """Whether a key may still be held down, seconds after the press that it was meant for."""
    return 0 <= age < HELD_KEY_SECONDS


def seconds_seen(pair: str) -> float:
    """Seconds since a pair first appeared."""
    now = time.monotonic()
    return now - float(st.session_state.get("first_seen", {}).get(pair, now))


def decision_id() -> str:
    """The id that a decision on the pair on the screen will have."""
    return str(st.session_state.get("decision_id") or uuid.uuid4().hex)


def decided(pair: str) -> None:
    """A decision on a pair is on disk: its entries are cleared and its clock starts anew if it comes back."""
    st.session_state.get("first_seen", {}).pop(pair, None)
    st.session_state["current_pair"] = None
    st.session_state.pop("lost", None)
    remember_reviewer()
    for name in ("note", "confidence", "tags"):
        st.session_state.pop(f"{name}:{pair}", None)
    forget_ticks(pair)


def typed(pair: str) -> Typed:
    """What is entered beside a pair."""
    return Typed(
        note=str(st.session_state.get(f"note:{pair}") or "").strip(),
        confidence=str(st.session_state.get(f"confidence:{pair}") or ""),
        tags=tuple(st.session_state.get(f"tags:{pair}") or ()),
    )


def put_back(pair: str, entries: Typed, decision_id: str) -> None:
    """Enter again what an undone decision had said, and tick what had been ticked for it."""
    tick_again(pair, decision_id)
    st.session_state[f"note:{pair}"] = entries.note
    st.session_state[f"confidence:{pair}"] = entries.confidence or None
    st.session_state[f"tags:{pair}"] = list(entries.tags)
