"""What is sent to the viewer: plain data, and addresses of pictures."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from pages.components import media, resources, state
from pages.components.drawing import Drawing, Heat, Maps
from pages.components.pair_viewer import individual
from pages.components.pictures import Picture
from pages.components.room import Room
from pages.components.words import SCENERY_TAG, file_name, identity, ranked
from pairx_core.catalogue import Photo
from pairx_core.errors import PairxError
from pairx_core.render.palettes import HEAT_STOPS, MATCH_COLORS
from pairx_core.retrieval import Candidate

Sent = dict[str, Any]
_UNREADABLE = "This photo cannot be read. Say that the pair is not comparable, and tell the coordinator."


@dataclass(frozen=True)
class Shown:
    """A pair and how far its explanation is."""

    query: Photo
    candidate: Candidate | None
    name: str  # of the pair
    key: str = ""  # of its explanation
    drawing: Drawing | None = None
    is_veiled: bool = False  # names and ids of the photos are not sent


def contents(
    room: Room, now: Shown, waiting: str, foreseen: dict[str, Shown], ahead: list[Shown], is_preparing: bool
) -> Sent:
    """All that the viewer shows.

    Args:
        room: the review room.
        now: the pair on the screen.
        waiting: what is still being made of it, in words; empty where nothing is.
        foreseen: the pair that comes after each kind of decision, as far as it is made.
        ahead: pairs that may be wanted next, for the browser to fetch ahead.
        is_preparing: whether some of what is foreseen is still being made.
    """
    return {
        **_pair(now, ""),
        "third": _third(room),
        "has_third": len(room.candidates) > 1,
        "is_bare": room.is_bare,
        "waiting": waiting or None,
        "suggested_tag": SCENERY_TAG if _suggests_tag(room, now.drawing) else None,
        "individual": None if room.is_veiled else individual.contents(room),
        "ticks": sorted((state.ticks(room.pair) or {}).items()),
        "layers": [layer for layer in state.LAYERS if layer in state.layers()],
        "foreseen": {name: _pair(shown, f"-{name}") for name, shown in foreseen.items()},
        "next": _ahead(ahead),
        "is_preparing": is_preparing,
        "page": state.page_number(),
        "run": state.count_run(),  # so that the viewer hears of each run, whatever it shows
        "colors": MATCH_COLORS,
        "heat_stops": HEAT_STOPS["inferno"],
    }


def _pair(shown: Shown, place: str) -> Sent:
    """A pair with its explanation."""
    drawing = shown.drawing
    query, candidate = _veiled_photos(shown, place) if shown.is_veiled else _photos(shown, place)
    return {
        "pair": shown.name,
        "query": query,
        "candidate": candidate,
        "explanation": None if drawing is None else _explanation(drawing, shown.key, place),
        "warning": None if drawing is None or not drawing.warning else drawing.warning,
    }


def _photos(shown: Shown, place: str) -> tuple[Sent, Sent | None]:
    query, candidate = shown.query, shown.candidate
    sent = _photo(query, query.id, f"Query · {file_name(query)}", f"query{place}")
    if candidate is None:
        return sent, None
    return sent, _photo(candidate.photo, candidate.photo.id, _label(candidate), f"candidate{place}")


def _veiled_photos(shown: Shown, place: str) -> tuple[Sent, Sent | None]:
    """The photos under names that say nothing; what is wrong with one would name its file."""
    photos = (shown.query, shown.candidate.photo) if shown.candidate else (shown.query,)
    sent = []
    for side, label, photo in zip(
        ("query", "candidate"), ("First photo", "Second photo"), photos, strict=False
    ):
        entry = _photo(photo, f"{shown.name}-{side}", label, f"{side}{place}")
        sent.append(entry | {"problem": _UNREADABLE} if "problem" in entry else entry)
    return sent[0], sent[1] if len(sent) > 1 else None


def _suggests_tag(room: Room, drawing: Drawing | None) -> bool:
    return drawing is not None and drawing.is_scenery and SCENERY_TAG not in state.typed(room.pair).tags


def _label(candidate: Candidate) -> str:
    return f"{ranked(candidate)} · {identity(candidate.photo)} · {file_name(candidate.photo)}"


def _third(room: Room) -> Sent | None:
    """The best candidate beside the chosen one, to compare with."""
    other = next((one for one in room.candidates if one is not room.chosen), None)
    if other is None or room.chosen is None:
        return None
    is_wanted = state.three_up() or resources.pictures().made(other.photo) is not None
    return _photo(other.photo, other.photo.id, _label(other), "third") if is_wanted else None


def _photo(photo: Photo, photo_id: str, label: str, place: str) -> Sent:
    """One photo under an id; one that cannot be read says so in its place."""
    try:
        preview = resources.pictures().preview(photo)
        sharp = (
            resources.pictures().sharp(photo) if photo_id in state.sharp() and not preview.is_full else None
        )
    except PairxError as error:
        problem = f"{error} You can go on: decide, or choose another candidate."
        return {"id": photo_id, "label": label, "problem": problem}
    picture = sharp or preview
    return {
        "id": photo_id,
        "label": label,
        "alt": label,
        "url": _address(preview, place),
        "sharp": None if sharp is None else _address(sharp, f"{place}-sharp"),
        "could_be_sharper": sharp is None and not preview.is_full,
        "size": picture.photo_size,
        "extent": picture.extent,
        "scale": picture.scale,
        "has_box": photo.box is not None,
    }


def _address(picture: Picture, place: str) -> str:
    return media.address(picture.jpeg, "image/jpeg", place)


def _explanation(drawing: Drawing, key: str, place: str) -> Sent:
    matches = [(*one.query_xy, *one.candidate_xy, one.relevance, one.distance) for one in drawing.matches]
    sides: Sent = {}
    for at, side in enumerate(("query", "candidate")):
        maps = None if drawing.maps is None else _maps(drawing.maps[at], f"{side}{place}")
        sides[side] = {"heat": _heat(drawing.heat[at]), "maps": maps}
    made = "all" if drawing.maps else "lines"
    return {
        "key": f"{key} {made}",
        "matches": matches,
        "match_count": drawing.match_count,
        "k_lines": drawing.k_lines,
        **sides,
    }


def _heat(heat: Heat) -> Sent:
    return dict(zip(("columns", "rows", "values"), astuple(heat), strict=True))


def _maps(maps: Maps, side: str) -> Sent:
    return {
        "url": media.address(maps.jpeg, "image/jpeg", f"maps-{side}"),
        "tile_width": maps.tile[0],
        "tile_height": maps.tile[1],
        "columns": maps.columns,
        "count": maps.count,
    }


def _ahead(pairs: list[Shown]) -> list[str]:
    """Addresses of what is made already; what is not is not waited for."""
    addresses = []
    for number, shown in enumerate(pairs):
        photos = (shown.query, shown.candidate.photo) if shown.candidate else (shown.query,)
        for side, photo in enumerate(photos):
            picture = resources.pictures().made(photo)
            if picture is not None:
                addresses.append(_address(picture, f"next-{number}-{side}"))
        for side, maps in enumerate((shown.drawing.maps if shown.drawing else None) or ()):
            addresses.append(media.address(maps.jpeg, "image/jpeg", f"next-{number}-maps-{side}"))
    return addresses
