"""The facts on Review, with what known pairs that look like this one turned out to be, where that was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.components import facts, state
from pages.components.room import Room
from pairx_core.errors import PairxError
from pairx_core.retrieval import Candidate
from pairx_core.settings import Settings

if TYPE_CHECKING:
    from pages.components.trust_measuring import Desk
    from pages.components.trust_pair import Pair

_LOOK_SECONDS = 1.0


def show_facts(room: Room, candidate: Candidate) -> None:
    """The facts of both photos; the sentence comes once the pair's measures are there.

    They are taken in the background, after all explanations that Review waits for, and only where the catalogue was
    measured on Trust. A field pack has no model to measure with.
    """
    work = room.work
    if work.workspace.pack is not None:
        facts.show(room, candidate)
        return
    from pages.components import trust_pair  # these need torch
    from pages.components.trust_measuring import Subject, desks
    from pages.components.trust_pair import Pair

    desk = desks().measured(Subject(work.workspace, work.filters), Settings.from_environment().cache)
    if desk is None:
        facts.show(room, candidate)
        return
    pair = Pair(room.query, candidate.photo, candidate.similarity)
    row = trust_pair.want_row(desk, pair, f"review:{state.session()}")
    st.fragment(_facts, run_every=_LOOK_SECONDS if row is None else None)(room, candidate, desk, pair)


def _facts(room: Room, candidate: Candidate, desk: Desk, pair: Pair) -> None:
    from pages.components import trust_pair, trust_words

    row, study = trust_pair.row_of(desk, pair), desk.study
    if study is None or row is None or isinstance(row, PairxError):
        facts.show(room, candidate)
    else:
        facts.show(room, candidate, trust_words.looks_like(study, pair.similarity, row))
