"""All photos of the candidate individual: a strip from which to pick the best one to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np

from pages.components import media, resources, state
from pages.components.room import Room
from pages.components.words import count, facts_in_short
from pairx_core.catalogue import Photo
from pairx_core.errors import PairxError

PAGE = 12  # photos at once


def contents(room: Room) -> dict[str, Any] | None:
    """One page of the strip; None where the individual is unknown or has only this photo.

    The photos' pictures are sent only while the strip is open.
    """
    photos = others_of(room)
    if room.chosen is None or len(photos) < 2:
        return None
    first = state.strip_page(room.pair) * PAGE % (-(-len(photos) // PAGE) * PAGE)
    shown = photos[first : first + PAGE] if state.strip_open() else ()
    return {
        "name": room.chosen.photo.identity,
        "total": len(photos),
        "words": count(len(photos), "photo") + _where(room),
        "first": first,
        "photos": [_entry(photo, room, first + number) for number, photo in enumerate(shown)],
        "is_open": state.strip_open(),
    }


def _where(room: Room) -> str:
    """Said where there may be more photos than can be shown."""
    return "" if room.work.workspace.pack is None else " in this field pack"


def others_of(room: Room) -> tuple[Photo, ...]:
    """The photos of the chosen candidate's individual, those of the query's flank first, then the most similar."""
    if room.chosen is None or room.chosen.photo.identity is None:
        return ()
    workspace = room.work.workspace
    photos = workspace.catalogue.individuals.get(room.chosen.photo.identity, ())
    usable = [photo for photo in photos if photo in workspace.index and photo.id != room.query.id]
    similarity = np.nan_to_num(workspace.index.similarities(room.query, usable), nan=-np.inf)
    order = sorted(
        range(len(usable)), key=lambda at: (_is_other_flank(usable[at], room.query), -similarity[at])
    )
    return tuple(usable[at] for at in order)


def _is_other_flank(photo: Photo, query: Photo) -> bool:
    return None not in (photo.flank, query.flank) and photo.flank != query.flank


def _entry(photo: Photo, room: Room, number: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": photo.id,
        "words": facts_in_short(photo),
        "is_chosen": room.chosen is not None and photo.id == room.chosen.photo.id,
    }
    try:
        return entry | {
            "url": media.address(resources.thumbnail_jpeg(photo), "image/jpeg", f"strip-{number}")
        }
    except PairxError:
        return entry | {"problem": "photo cannot be read"}
