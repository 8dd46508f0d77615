"""Embeddings, the index over them, and the top-k candidates."""

from pairx_core.retrieval.building import IndexOptions, build_index, open_store
from pairx_core.retrieval.filters import CandidateFilters
from pairx_core.retrieval.given import GivenCandidates, read_candidates
from pairx_core.retrieval.index import Candidate, CandidateIndex
from pairx_core.retrieval.similarity import KnownPairs
from pairx_core.retrieval.store import EmbeddingStore

__all__ = [
    "Candidate",
    "CandidateFilters",
    "CandidateIndex",
    "EmbeddingStore",
    "GivenCandidates",
    "IndexOptions",
    "KnownPairs",
    "build_index",
    "open_store",
    "read_candidates",
]
