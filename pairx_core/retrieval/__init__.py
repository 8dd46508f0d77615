"""Embeddings, the index over them, and the top-k candidates.

What embeds and searches is loaded when it is first used; candidates of a table need no torch.
"""

from typing import TYPE_CHECKING

from pairx_core.lazy import lazily
from pairx_core.retrieval.candidate import Candidate
from pairx_core.retrieval.filters import CandidateFilters
from pairx_core.retrieval.given import GivenCandidates, read_candidates
from pairx_core.retrieval.similarity import KnownPairs
from pairx_core.retrieval.store import EmbeddingStore

if TYPE_CHECKING:
    from pairx_core.retrieval.building import IndexOptions, build_index
    from pairx_core.retrieval.index import CandidateIndex
    from pairx_core.retrieval.kept import open_store

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

_HOMES = {
    "CandidateIndex": "index",
    "IndexOptions": "building",
    "build_index": "building",
    "open_store": "kept",
}
__getattr__, __dir__ = lazily(__name__, _HOMES, __all__)
