"""What one run of a page leaves for the next: messages, files made, counts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import streamlit as st

from pairx_core.exports import Export


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell on the next run."""

    kind: str  # "toast", "success", "error", or "names": who is who has changed
    text: str


def session() -> str:
    """What tells this session from others."""
    return str(st.session_state.setdefault("session", uuid.uuid4().hex))


def count_run() -> int:
    """A number that is another one each time."""
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    return int(st.session_state["runs"])


def count_page() -> None:
    """The whole page is drawn, not only a part of it."""
    st.session_state["pages"] = page_number() + 1


def page_number() -> int:
    """How often the whole page has been drawn: so that the viewer knows what has heard of a decision."""
    return int(st.session_state.get("pages", 0))


def tell(kind: str, text: str) -> None:
    """Say something on the next run."""
    st.session_state.setdefault("messages", []).append(Message(kind, text))


def take_messages() -> list[Message]:
    """What there is to say, once."""
    messages: list[Message] = st.session_state.pop("messages", [])
    return messages


def keep_card(name: str, files: dict[str, bytes]) -> None:
    """Keep the files of the evidence card that was made last, under its pair and decision."""
    st.session_state["made_card"] = (name, files)


def made_card(name: str) -> dict[str, bytes]:
    """The files of a pair's evidence card, by ending; none unless it was the one made last."""
    kept: tuple[str, dict[str, bytes]] = st.session_state.get("made_card", ("", {}))
    return kept[1] if kept[0] == name else {}


def keep_export(name: str, export: Export, made_of: str) -> None:
    """Keep the file that was made last for another program.

    Args:
        name: of what is open and the format.
        export: the file.
        made_of: a short name of what went into it.
    """
    st.session_state["made_export"] = (name, export, made_of)


def kept_export(name: str) -> tuple[Export, str] | None:
    """The file that was made last, where it is of this name, and what went into it."""
    kept: tuple[str, Export, str] | None = st.session_state.get("made_export")
    return (kept[1], kept[2]) if kept is not None and kept[0] == name else None


def forget_export() -> None:
    """Offer no file any more."""
    st.session_state.pop("made_export", None)
