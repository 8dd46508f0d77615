"""Embeddings, the index over them, and the top-k candidates."""

from pairx_core.retrieval.index import Candidate, CandidateFilters, CandidateIndex, build_index

__all__ = ["Candidate", "CandidateFilters", "CandidateIndex", "build_index"]
