"""The pair that was last open on Review, measured as the known ones are."""

from __future__ import annotations

from dataclasses import dataclass

from pages.components import state
from pages.components.trust_drawing import explained
from pages.components.trust_measuring import Desk
from pages.components.workspace import Workspace
from pairx_core.catalogue import Photo
from pairx_core.errors import PairxError
from pairx_core.evaluate.measuring import Measurer, PairRow, WhatToMeasure
from pairx_core.evaluate.methods import make_method
from pairx_core.evaluate.pairs import KnownPair
from pairx_core.evaluate.trust import METHOD
from pairx_core.retrieval import CandidateFilters

Ids = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos of which one was proposed for the other."""

    query: Photo
    candidate: Photo
    similarity: float  # cosine, -1 to 1

    @property
    def ids(self) -> Ids:
        """Of both photos."""
        return self.query.id, self.candidate.id


def on_screen(workspace: Workspace, filters: CandidateFilters) -> Pair | None:
    """The pair last open on Review, kept in the address; None: there is none that the model has ranked.

    Raises:
        PairxError: its similarity cannot be told.
    """
    query_id, candidate_id = state.place()
    if query_id is None or candidate_id is None:
        return None
    catalogue, index = workspace.catalogue, workspace.index
    if query_id == candidate_id or query_id not in catalogue or candidate_id not in catalogue:
        return None
    query, candidate = catalogue.photo(query_id), catalogue.photo(candidate_id)
    if query not in index or candidate not in index:
        return None
    state.go(query_id, candidate_id)
    return Pair(query, candidate, index.candidate(query, candidate, filters).similarity)


def want_row(desk: Desk, pair: Pair, whose: str) -> PairRow | PairxError | None:
    """A pair's measures, or why they cannot be taken; None: they are on their way."""
    key = ("row", *pair.ids)
    desk.want(whose, {key: lambda: measures(desk, pair)})
    return row_of(desk, pair)


def row_of(desk: Desk, pair: Pair) -> PairRow | PairxError | None:
    """A pair's measures if they are there already."""
    found = desk.result("row", *pair.ids)
    return found if isinstance(found, PairRow | PairxError) else None


def measures(desk: Desk, pair: Pair) -> PairRow:
    """Explain a pair and measure that; some seconds with a large model.

    Raises:
        PhotoError: a photo cannot be read.
        ExplanationError: the pair cannot be explained.
    """
    space = desk.subject.workspace
    method = make_method(METHOD, space.model, space.layer)
    known = KnownPair(pair.query, pair.candidate, pair.similarity)
    return Measurer(space.model, None).row(known, METHOD, method, WhatToMeasure())


def drawing(desk: Desk, ids: Ids) -> bytes:
    """Both photos of a pair with lines and relevance.

    Raises:
        PhotoError: a photo cannot be read.
        ExplanationError: the pair cannot be explained.
    """
    space = desk.subject.workspace
    return explained(space.explainer, *(space.catalogue.photo(one) for one in ids))
