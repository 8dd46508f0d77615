"""What an acceptance says of names: whether it joins individuals that the catalogue keeps apart."""

from __future__ import annotations

from pages.components.room import Room
from pairx_core.retrieval import Candidate


def names_joined(room: Room, accepted: Candidate) -> tuple[str, ...]:
    """The different names that an acceptance makes one individual's; empty where it joins no two.

    They are those of both photos, and of the query's other candidates that this reviewer accepted.
    """
    catalogue, work = room.work.workspace.catalogue, room.work
    named = [
        catalogue.photo(candidate).identity
        for (query, candidate), row in work.standing.items()
        if query == room.query.id and row.decision == "accept" and candidate in catalogue
    ]
    names = dict.fromkeys(name for name in (room.query.identity, *named, accepted.photo.identity) if name)
    is_new = accepted.photo.identity is not None and len(names) > 1
    return tuple(names) if is_new else ()


def in_words(names: tuple[str, ...]) -> str:
    """What to tell the reviewer, who goes on meanwhile."""
    listed = " and ".join((", ".join(f"“{name}”" for name in names[:-1]), f"“{names[-1]}”"))
    return f"By your decisions, {listed} are one individual now; the catalogue keeps them apart. Undo, if they are two."
