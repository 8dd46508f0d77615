"""Embeddings, the index over them, and the top-k candidates."""

from pairx_core.retrieval.given import GivenCandidates, read_candidates
from pairx_core.retrieval.index import Candidate, CandidateFilters, CandidateIndex, build_index
from pairx_core.retrieval.similarity import KnownPairs

__all__ = [
    "Candidate",
    "CandidateFilters",
    "CandidateIndex",
    "GivenCandidates",
    "KnownPairs",
    "build_index",
    "read_candidates",
]
