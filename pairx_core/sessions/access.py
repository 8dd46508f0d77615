"""Who may see what. A blind session keeps identities and others' verdicts from its reviewers, wherever they look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pairx_core.sessions.definition import ExpertSession


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is at the screen, as far as it is known."""

    name: str  # typed, or from the sign-in
    is_signed_in: bool = False  # whether the name comes from a sign-in and is sure
    is_coordinator: bool = False  # by the sign-in's list, or by the key of a coordinator's link


def hidden_by(visitor: Visitor, sessions: Iterable[ExpertSession]) -> ExpertSession | None:
    """The open blind session that keeps identities, verdicts and downloads from a visitor; None: nothing does.

    Where nobody signs in, a typed name says nothing about who is there: while a blind session is open, everything is
    hidden from everyone who does not come with the coordinator's key. Where visitors sign in, it is hidden from the
    session's reviewers alone. A coordinator who reviews in a blind session themselves sees everything: they made it.
    """
    if visitor.is_coordinator:
        return None
    blind = (session for session in sessions if session.hides)
    return next((one for one in blind if not visitor.is_signed_in or _reviews(one, visitor.name)), None)


def may_coordinate(visitor: Visitor, sessions: Iterable[ExpertSession]) -> bool:
    """Whether a visitor may make and close sessions, see their results, and settle disagreements.

    Where nobody signs in, that is everyone until the first session gives its coordinator a key.
    """
    if visitor.is_signed_in:
        return visitor.is_coordinator
    return visitor.is_coordinator or hidden_by(visitor, sessions) is None


def _reviews(session: ExpertSession, name: str) -> bool:
    return name.casefold() in (reviewer.casefold() for reviewer in session.reviewers)
