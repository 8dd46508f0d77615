"""A catalogue: photographs with identities, and what was wrong with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pairx_core.catalogue.photo import Photo
from pairx_core.errors import CatalogueError

_MOST_QUOTED = 5  # problems in an error's message


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about one row or file of a catalogue that its owner should know."""

    severity: Literal["left_out", "note"]  # left_out: the photo is not used; note: it is used all the same
    where: str  # the file, and the row and column if there are any: "metadata.csv, row 7, bbox"
    message: str  # what is wrong and what to do
    kind: str = ""  # a few words that like problems share
    row: int = 0  # of the table, or place in the list, from 1; 0: it is about no row
    column: str = ""
    file: str = ""  # of the photo, where it is not told by the row
    photo_id: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass(frozen=True, slots=True)
class CatalogueSummary:
    """How much there is of what in a catalogue."""

    photos: int
    individuals: int  # known ones
    singletons: int  # known individuals with one photo only
    unknown: int  # photos of unknown individuals
    species: dict[str, int]  # photos of each species, by name; photos without one are not counted
    left_out: int  # rows or files that cannot be used
    notes: int  # other problems


@dataclass(frozen=True)
class Catalogue:
    """The usable photos of a catalogue, in its own order, and the problems found while reading it."""

    source: Path  # the CSV file or the folder that was read
    photos: tuple[Photo, ...]
    problems: tuple[Problem, ...] = ()
    form: str = ""  # the format that it was read in, by its name in CATALOGUE_FORMATS

    @classmethod
    def checked(cls, source: Path, photos: Sequence[Photo], problems: Sequence[Problem]) -> Self:
        """A catalogue with at least one photo.

        Raises:
            CatalogueError: there is none; the message quotes the first problems.
        """
        if photos:
            return cls(source, tuple(photos), tuple(problems))
        left_out = [problem for problem in problems if problem.severity == "left_out"]
        lines = [f"None of the photos of {source} can be used.", *map(str, left_out[:_MOST_QUOTED])]
        if len(left_out) > _MOST_QUOTED:
            lines.append(f"... and {len(left_out) - _MOST_QUOTED:,} more.")
        raise CatalogueError("\n".join(lines))

    def photo(self, photo_id: str) -> Photo:
        """The photo with this id.

        Raises:
            CatalogueError: no photo has it.
        """
        try:
            return self._by_id[photo_id]
        except KeyError:
            raise CatalogueError(f"{self.source}: no photo has the id “{photo_id}”.") from None

    def __contains__(self, photo_id: object) -> bool:
        return photo_id in self._by_id

    def __len__(self) -> int:
        return len(self.photos)

    def summary(self) -> CatalogueSummary:
        """Counts for the screen and the command line."""
        severities = Counter(problem.severity for problem in self.problems)
        species = Counter(photo.species for photo in self.photos if photo.species is not None)
        return CatalogueSummary(
            photos=len(self.photos),
            individuals=len(self.individuals),
            singletons=sum(len(photos) == 1 for photos in self.individuals.values()),
            unknown=sum(not photo.is_known for photo in self.photos),
            species=dict(sorted(species.items())),
            left_out=severities["left_out"],
            notes=severities["note"],
        )

    @cached_property
    def individuals(self) -> dict[str, tuple[Photo, ...]]:
        """Photos of each known individual."""
        grouped: dict[str, list[Photo]] = defaultdict(list)
        for photo in self.photos:
            if photo.identity is not None:
                grouped[photo.identity].append(photo)
        return {identity: tuple(photos) for identity, photos in sorted(grouped.items())}

    @cached_property
    def _by_id(self) -> dict[str, Photo]:
        return {photo.id: photo for photo in self.photos}
