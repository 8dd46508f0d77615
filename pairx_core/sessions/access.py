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
    is_coordinator: bool = False  # by the list of those who sign in
    keys: frozenset[str] = frozenset()  # of coordinators' links


def hidden_by(visitor: Visitor, sessions: Iterable[ExpertSession]) -> ExpertSession | None:
    """The open blind session that keeps identities, verdicts and downloads from a visitor; None: nothing does.

    Where nobody signs in, a typed name says nothing about who is there: while a blind session is open, everything is
    hidden from everyone who does not come with its coordinator's key. Where visitors sign in, it is hidden from the
    session's reviewers alone. A coordinator who reviews in a blind session themselves sees everything: they made it.
    """
    return next((one for one in sessions if one.hides and not _sees_through(visitor, one)), None)


def may_coordinate(visitor: Visitor, sessions: Iterable[ExpertSession]) -> bool:
    """Whether a visitor may make and close sessions, see their results, and settle disagreements.

    Where nobody signs in, that is everyone from whom nothing is hidden.
    """
    return visitor.is_coordinator if visitor.is_signed_in else hidden_by(visitor, sessions) is None


def _sees_through(visitor: Visitor, session: ExpertSession) -> bool:
    if visitor.is_signed_in:
        reviewers = (reviewer.casefold() for reviewer in session.reviewers)
        return visitor.is_coordinator or visitor.name.casefold() not in reviewers
    return session.is_coordinated_with(visitor.keys)
