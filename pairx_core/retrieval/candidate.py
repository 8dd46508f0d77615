"""A photo that is proposed for a query."""

from __future__ import annotations

from dataclasses import dataclass

from pairx_core.catalogue import Photo


@dataclass(frozen=True, slots=True)
class Candidate:
    """A photo that the model ranks for a query."""

    photo: Photo
    similarity: (
        float  # cosine, -1 to 1: a ranking, not a verdict; another matcher's score where one was given
    )
    rank: int  # from 1; 0: it was not ranked among others
    score: str = ""  # another matcher's score as it wrote it; empty: the similarity is ours
