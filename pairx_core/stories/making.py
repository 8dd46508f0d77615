"""Making a story from reviewed pairs: what would have to be computed is computed now, and captions are proposed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from math import hypot, isfinite
from typing import TYPE_CHECKING

from pairx_core.catalogue import Catalogue, Photo, photo_digest
from pairx_core.decisions import Decision
from pairx_core.decisions.individuals import NamedPhotos, assigned_identities, individuals
from pairx_core.decisions.settling_pairs import settle
from pairx_core.errors import StoryError
from pairx_core.stories import captions
from pairx_core.stories.story import (
    Chapter,
    Count,
    Shown,
    Story,
    StoryCandidate,
    StoryMatch,
    StoryPair,
    StoryVerdict,
)

if TYPE_CHECKING:
    from pairx_core.explain import PairExplanation
    from pairx_core.retrieval import Candidate

Propose = Callable[[Photo], Sequence["Candidate"]]
Explain = Callable[[Photo, Photo], "PairExplanation"]
Tell = Callable[[int, int], None]
MOST_MATCHES = 20  # that a story keeps of a pair
MOST_PAIRS = 12  # of a story: more are no story for four minutes
_SHOWN = 6  # matches that light up where nobody chose
_APART = 0.1  # of the photo's longer side, between two of these
_DIGEST = 16  # hex digits


@dataclass(frozen=True, slots=True)
class Chosen:
    """A reviewed pair that a story shall tell."""

    query: str  # photo ids
    candidate: str
    decision: StoryVerdict
    shown: tuple[int, ...] = ()  # numbers of the matches that light up; none: a few that lie apart


def make_story(
    title: str,
    chosen: Sequence[Chosen],
    catalogue: Catalogue,
    *,
    propose: Propose,
    explain: Explain,
    model: str = "",
    layer: str = "",
    tell: Tell = lambda done, total: None,
) -> Story:
    """A story of reviewed pairs, with captions that may be written anew.

    Pairs of one query that follow one another are one chapter. Individuals are counted by the catalogue's names and
    the story's own decisions, in their order.

    Args:
        title: what the story is called.
        chosen: the pairs, in the order in which they are told.
        catalogue: where their photos are.
        propose: the candidates of a query, best first.
        explain: the explanation of a pair.
        model: the model's name.
        layer: the layer that is explained.
        tell: called with (pairs explained, pairs in all).

    Raises:
        StoryError: there is no pair, there are too many, or a photo is not in the catalogue.
        PhotoError: a photo cannot be read.
        ExplanationError: a pair cannot be explained.
    """
    _check(chosen, catalogue)
    names = _names_in(catalogue)
    chapters: list[Chapter] = []
    told = 0
    tell(told, len(chosen))
    for query_id, group in groupby(chosen, lambda one: one.query):
        query, pairs = catalogue.photo(query_id), list(group)
        made = []
        for one in pairs:
            made.append(_pair(one, explain(query, catalogue.photo(one.candidate))))
            told += 1
            tell(told, len(chosen))
        before, after = (_count(names, chosen[: told - done]) for done in (len(pairs), 0))
        candidates = tuple(StoryCandidate(one.photo.id, _score(one)) for one in propose(query))
        chapters.append(Chapter(query.id, candidates, tuple(made), before, after))
    story = Story(title.strip(), tuple(chapters), catalogue.source.name, model, layer)
    digests = {photo: photo_digest(catalogue.photo(photo))[:_DIGEST] for photo in story.photos}
    return captions.proposed(replace(story, digests=digests), catalogue)


def is_changed(photo: Photo, digests: Mapping[str, str]) -> bool:
    """Whether a photo's file is another one than the story was made with; False where the story does not say.

    Raises:
        PhotoError: the file cannot be read.
    """
    known = digests.get(photo.id)
    return known is not None and photo_digest(photo)[:_DIGEST] != known


def _check(chosen: Sequence[Chosen], catalogue: Catalogue) -> None:
    if not chosen:
        raise StoryError("A story needs one reviewed pair at least. Choose some.")
    if len(chosen) > MOST_PAIRS:
        raise StoryError(
            f"A story tells {MOST_PAIRS} pairs at the most, and {len(chosen)} were chosen. Leave some out."
        )
    for one in chosen:
        for photo in (one.query, one.candidate):
            if photo not in catalogue:
                raise StoryError(
                    f"The photo “{photo}” is not in the catalogue {catalogue.source}. Choose another pair."
                )
        if one.query == one.candidate:
            raise StoryError(f"The photo “{one.query}” is paired with itself. Choose another pair.")


def _names_in(catalogue: Catalogue) -> NamedPhotos:
    known = {photo.id: photo.identity for photo in catalogue.photos if photo.identity is not None}
    return NamedPhotos((photo.id for photo in catalogue.photos), known)


def _pair(chosen: Chosen, explanation: PairExplanation) -> StoryPair:
    found = explanation.matches
    places = zip(
        found.query_xy[:MOST_MATCHES].tolist(), found.candidate_xy[:MOST_MATCHES].tolist(), strict=True
    )
    matches = tuple(StoryMatch(_rounded(query), _rounded(candidate)) for query, candidate in places)
    wanted = [number for number in dict.fromkeys(chosen.shown) if 1 <= number <= len(matches)]
    return StoryPair(
        candidate=chosen.candidate,
        decision=chosen.decision,
        matches=matches,
        shown=tuple(map(Shown, wanted or _lying_apart(matches))),
    )


def _rounded(xy: Sequence[float]) -> tuple[float, float]:
    return round(xy[0], 1), round(xy[1], 1)


def _lying_apart(matches: Sequence[StoryMatch]) -> Iterator[int]:
    """Numbers of the most relevant matches, none close to another one on the query."""
    longest = max((max(one.query_xy) for one in matches), default=0.0)
    kept: list[tuple[float, float]] = []
    for number, one in enumerate(matches, 1):
        x, y = one.query_xy
        if len(kept) < _SHOWN and all(hypot(x - a, y - b) > _APART * longest for a, b in kept):
            kept.append(one.query_xy)
            yield number


def _score(candidate: Candidate) -> str:
    if candidate.score or not isfinite(candidate.similarity):
        return candidate.score
    return f"{candidate.similarity:.2f}"


def _count(names: NamedPhotos, decided: Iterable[Chosen]) -> Count:
    """What is known of the animals by the catalogue's names and some decisions."""
    when = datetime(2000, 1, 1, tzinfo=UTC)  # which decision was when does not matter here
    rows = (
        Decision(f"{at:032x}", when, "story", "", one.query, one.candidate, one.decision)
        for at, one in enumerate(decided)
    )
    found = individuals(names, settle(rows))
    named = assigned_identities(found, names.names, {})
    return Count(found.count, sum(map(len, found.groups)) - len(named))
