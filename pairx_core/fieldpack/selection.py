"""What goes into a field pack: queries with their candidates, and more photos of the candidates' individuals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pairx_core.catalogue import Photo
from pairx_core.errors import FieldPackError
from pairx_core.retrieval import Candidate, CandidateFilters, GivenCandidates

if TYPE_CHECKING:  # an index searches with torch, and a pack opens without
    from pairx_core.retrieval import CandidateIndex

    Index = CandidateIndex | GivenCandidates

Tell = Callable[[str, int, int], None]  # called with (what is being done, done, total)
_TOGETHER = 256  # queries that are looked up in one go: each goes through the embeddings of all photos


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of everything a field pack shall have."""

    k: int = 5  # candidates a query, each explained
    filters: CandidateFilters = field(default_factory=CandidateFilters)
    k_lines: int = 20
    k_colors: int = 10
    longest_side: int = 2048  # of a photo with what is shown around the animal, pixels
    more: int = 3  # further photos of each candidate's individual, without explanations

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            FieldPackError: one that cannot be.
        """
        least = {"k": 1, "k_lines": 0, "k_colors": 0, "longest_side": 256, "more": 0}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise FieldPackError(f"{name} is {getattr(self, name)}; at least {smallest} is needed.")


@dataclass(frozen=True, slots=True)
class Listing:
    """A query and what can be shown beside it."""

    query: Photo
    candidates: tuple[Candidate, ...]  # the first k; none where no photo passes the filters
    others: tuple[Candidate, ...] = ()  # further photos of their individuals in the pack; rank 0: not ranked


def select(
    index: Index, queries: Sequence[Photo], wanted: Wanted, tell: Tell = lambda *_: None
) -> tuple[Listing, ...]:
    """Look up the candidates of queries, and further photos of their individuals.

    Raises:
        FieldPackError: there is no query, or one is not in the index.
    """
    if not queries:
        raise FieldPackError("No query was chosen for the field pack: there is nothing to review.")
    missing = next((query for query in queries if query not in index), None)
    if missing is not None:
        raise FieldPackError(f"The photo “{missing.id}” is not in the index, so it cannot be a query.")
    different = list(dict.fromkeys(queries))
    found: list[Listing] = []
    for start in range(0, len(different), _TOGETHER):
        some = different[start : start + _TOGETHER]
        candidates = index.candidates_of(some, wanted.k, wanted.filters)
        found += [Listing(query, tuple(of_one)) for query, of_one in zip(some, candidates, strict=True)]
        tell("finding candidates", len(found), len(different))
    return _with_others(index, found, wanted, tell)


def photos_of(listings: Iterable[Listing]) -> tuple[Photo, ...]:
    """All photos of listings, each once: queries first, then candidates, then the others."""
    listings = list(listings)
    queries = [listing.query for listing in listings]
    ranked = [one.photo for listing in listings for one in listing.candidates]
    others = [one.photo for listing in listings for one in listing.others]
    return tuple({photo.id: photo for photo in [*queries, *ranked, *others]}.values())


def _with_others(
    index: Index, listings: Sequence[Listing], wanted: Wanted, tell: Tell
) -> tuple[Listing, ...]:
    """The listings with all photos of the candidates' individuals that the pack has, and some that it takes along."""
    of_individual: dict[str, list[Photo]] = {}
    for photo in index.photos:
        if photo.identity is not None:
            of_individual.setdefault(photo.identity, []).append(photo)
    inside = {photo.id for photo in photos_of(listings)}
    for listing in listings:
        for name in _individuals(listing):
            rest = [photo for photo in of_individual.get(name, ()) if photo.id not in inside]
            taken = _most_alike(index, listing.query, rest)[: wanted.more]
            inside.update(photo.id for photo in taken)
            of_individual[name] = [photo for photo in of_individual.get(name, ()) if photo.id in inside]
    complete = []
    for number, listing in enumerate(listings, start=1):
        listed = {listing.query.id, *(one.photo.id for one in listing.candidates)}
        names = _individuals(listing)
        others = [photo for name in names for photo in of_individual.get(name, ()) if photo.id not in listed]
        complete.append(
            Listing(listing.query, listing.candidates, _beside_candidates(index, listing.query, others))
        )
        tell("comparing further photos", number, len(listings))
    return tuple(complete)


def _beside_candidates(index: Index, query: Photo, photos: Sequence[Photo]) -> tuple[Candidate, ...]:
    """Further photos with their similarities: a rank would take a pass over all photos for each.

    A table's ranks and scores are there, and are kept.
    """
    if isinstance(index, GivenCandidates):
        return tuple(index.candidate(query, photo) for photo in photos)
    similarities = index.similarities(query, photos).tolist()
    return tuple(Candidate(photo, of_one, 0) for photo, of_one in zip(photos, similarities, strict=True))


def _individuals(listing: Listing) -> list[str]:
    names = (one.photo.identity for one in listing.candidates)
    return list(dict.fromkeys(name for name in names if name is not None))


def _most_alike(index: Index, query: Photo, photos: Sequence[Photo]) -> list[Photo]:
    """Photos of the query's flank first, then by similarity."""
    if not photos:
        return []
    similarity = np.nan_to_num(index.similarities(query, photos), nan=-np.inf)
    order = sorted(range(len(photos)), key=lambda at: (_is_other_flank(query, photos[at]), -similarity[at]))
    return [photos[at] for at in order]


def _is_other_flank(query: Photo, photo: Photo) -> bool:
    return None not in (query.flank, photo.flank) and query.flank != photo.flank
