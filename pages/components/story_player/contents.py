"""What is sent to the player: plain data, and addresses of pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pages.components import media, resources
from pages.components.pictures import Picture
from pages.components.words import DECISIONS, facts_in_short, file_name, identity, ordinal
from pairx_core.catalogue import Catalogue, Photo
from pairx_core.errors import PairxError, StoryError
from pairx_core.render.palettes import MATCH_COLORS
from pairx_core.stories import Chapter, Scene, Story, StoryPair, scenes

Sent = dict[str, Any]
Point = tuple[float, float]
_COUNTED = "animals at the most, each photograph without a name counted as one"
_WALL = 32  # small pictures behind the title
_REACH = 0.11  # of the cropped photo's longer side: how far a loupe sees around its middle


def contents(story: Story, catalogue: Catalogue, *, by_itself: bool) -> Sent:
    """All that the player shows.

    Raises:
        StoryError: a photo is not in the catalogue.
    """
    photos = {photo_id: _of_catalogue(photo_id, story, catalogue) for photo_id in story.photos}
    pictures = {photo_id: _picture(photo) for photo_id, photo in photos.items()}
    told = scenes(story)
    sent: Sent = {
        "title": story.title,
        "made": _made(story),
        "seconds": sum(scene.seconds for scene in told),
        "scenes": [_scene(scene, story, photos, pictures) for scene in told],
        "photos": {photo_id: _photo(photos[photo_id], pictures[photo_id]) for photo_id in photos},
        "wall": list(islice(_wall(catalogue), _WALL)),
    }
    key = hashlib.sha256(json.dumps([story.title, sent["scenes"], sent["photos"]]).encode()).hexdigest()[:16]
    return {**sent, "key": key, "plays": by_itself, "repeats": by_itself}


def _made(story: Story) -> str:
    """Who proposed and explained, for those who ask."""
    departures = f", but for: {story.departures}" if story.departures else ""
    return f"Model {story.model or 'not named'} · explained by PAIR-X (Shrack et al. 2025){departures}"


def _of_catalogue(photo_id: str, story: Story, catalogue: Catalogue) -> Photo:
    if photo_id not in catalogue:
        made_with = f" ({story.catalogue})" if story.catalogue else ""
        raise StoryError(
            f"The story shows the photo “{photo_id}”, which is not in the catalogue {catalogue.source}. On Setup, open "
            f"the catalogue that it was made with{made_with}, or make the story anew."
        )
    return catalogue.photo(photo_id)


def _picture(photo: Photo) -> Picture | PairxError:
    try:
        return resources.pictures().preview(photo)
    except PairxError as error:
        return error


def _photo(photo: Photo, picture: Picture | PairxError) -> Sent:
    about = {"alt": f"Photograph {file_name(photo)}, {identity(photo)}", "facts": facts_in_short(photo)}
    if not isinstance(picture, Picture):
        return {**about, "problem": str(picture)}
    left, top, right, bottom = picture.extent
    url = media.address(picture.jpeg, "image/jpeg", f"story-{photo.id}")
    return {**about, "url": url, "width": right - left, "height": bottom - top}


def _wall(catalogue: Catalogue) -> Iterator[str]:
    """Small pictures of the catalogue; one that cannot be read is nothing to look at here."""
    for photo in catalogue.photos[: 2 * _WALL]:
        try:
            yield resources.thumbnail(photo)
        except PairxError:
            continue


def _scene(
    scene: Scene, story: Story, photos: dict[str, Photo], pictures: dict[str, Picture | PairxError]
) -> Sent:
    sent: Sent = {
        "kind": scene.kind,
        "steps": [{"caption": step.caption, "seconds": step.seconds} for step in scene.steps],
    }
    if scene.chapter < 0:
        return sent
    chapter = story.chapters[scene.chapter]
    sent["query"] = chapter.query
    sent["newcomer"] = photos[chapter.query].identity or "New photo"
    if scene.kind == "candidates":
        sent["candidates"] = _candidates(chapter, photos)
    elif scene.kind == "pair":
        sent |= _pair(chapter, chapter.pairs[scene.pair], photos, pictures)
    elif scene.kind == "decision":
        sent["pairs"] = [_verdict(pair, photos[pair.candidate]) for pair in chapter.pairs]
    elif scene.kind == "count":
        sent["counts"] = [
            ("photographs without a name", chapter.before.unnamed, chapter.after.unnamed),
            (
                "animals at the most, each photograph without a name counted as one",
                chapter.before.individuals,
                chapter.after.individuals,
            ),
        ]
    return sent


def _candidates(chapter: Chapter, photos: dict[str, Photo]) -> list[Sent]:
    return [
        {
            "photo": one.photo,
            "name": identity(photos[one.photo]),
            "ranked": " · ".join(part for part in (f"{ordinal(rank)} candidate", one.score) if part),
        }
        for rank, one in enumerate(chapter.candidates, 1)
    ]


def _verdict(pair: StoryPair, candidate: Photo) -> Sent:
    sign, word = DECISIONS[pair.decision]
    return {
        "photo": pair.candidate,
        "name": identity(candidate),
        "decision": pair.decision,
        "said": f"{sign} {word.capitalize()}",
    }


def _pair(
    chapter: Chapter, pair: StoryPair, photos: dict[str, Photo], pictures: dict[str, Picture | PairxError]
) -> Sent:
    rank = next((at for at, one in enumerate(chapter.candidates, 1) if one.photo == pair.candidate), None)
    name = identity(photos[pair.candidate])
    sides = [pictures[chapter.query], pictures[pair.candidate]]
    label = f"{ordinal(rank)} candidate" if rank else "Another photo"
    sent: Sent = {"candidate": pair.candidate, "name": f"{label} · {name}", "label": label}
    readable = [one for one in sides if isinstance(one, Picture)]
    if len(readable) < len(sides):
        return {**sent, "marks": [], "reach": [_REACH, _REACH]}
    query, candidate = readable
    return {
        **sent,
        "marks": [
            {
                "number": at + 1,  # in the order in which they light up, which is what the audience counts
                "query": _part(query, pair.matches[shown.match - 1].query_xy),
                "candidate": _part(candidate, pair.matches[shown.match - 1].candidate_xy),
                "color": "rgb({} {} {})".format(*MATCH_COLORS[at % len(MATCH_COLORS)]),
            }
            for at, shown in enumerate(pair.shown)
        ],
        "reach": [_REACH * max(one.photo_size) / (one.extent[2] - one.extent[0]) for one in readable],
    }


def _part(picture: Picture, xy: Point) -> Point:
    """A place on the cropped photo, in pixels, as parts of the picture's width and height."""
    left, top, right, bottom = picture.extent
    return (xy[0] - left) / (right - left), (xy[1] - top) / (bottom - top)
