"""Embeddings, the index over them, and the top-k candidates."""

from pairx_core.retrieval.index import Candidate, CandidateFilters, CandidateIndex, build_index
from pairx_core.retrieval.similarity import KnownPairs

__all__ = ["Candidate", "CandidateFilters", "CandidateIndex", "KnownPairs", "build_index"]
