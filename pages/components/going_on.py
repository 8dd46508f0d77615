"""Which pair comes after a decision."""

from __future__ import annotations

from pages.components.room import Room
from pages.components.worklist import Worklist
from pairx_core.catalogue import Photo
from pairx_core.decisions import Verdict
from pairx_core.retrieval import Candidate


def with_decisions(room: Room, decided: dict[str, Verdict]) -> Worklist:
    """The worklist as it will be with decisions on the query's candidates, by their ids."""
    return room.work.worklist.with_decisions(room.query.id, decided)


def following(room: Room, worklist: Worklist, *, accepted: bool) -> tuple[Photo, Candidate | None] | None:
    """The query and candidate to bring up; None: there is nothing left to do.

    After an acceptance the next open query; else the query's next open candidate, while there is one.
    """
    here = None if room.card is None else room.card.photo.id
    same_query = None if accepted else worklist.next_undecided(room.query, after=here)
    if same_query is not None:
        return room.query, same_query
    upcoming = worklist.next_open(room.query.id)
    return None if upcoming is None else (upcoming, worklist.next_undecided(upcoming))


def foreseen(room: Room) -> dict[str, tuple[Photo, Candidate]]:
    """What comes after an acceptance ("accept") and after any other decision ("other") on the pair."""
    pairs: dict[str, tuple[Photo, Candidate]] = {}
    if room.chosen is None:
        return pairs
    verdicts: dict[str, Verdict] = {"accept": "accept", "other": "reject"}
    for name, verdict in verdicts.items():
        worklist = with_decisions(room, {room.chosen.photo.id: verdict})
        query, candidate = following(room, worklist, accepted=name == "accept") or (None, None)
        if query is not None and candidate is not None:
            pairs[name] = query, candidate
    return pairs
