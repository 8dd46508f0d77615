"""Candidates from someone else's matcher: a table of scores takes the place of retrieval."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Catalogue, Photo, Problem
from pairx_core.catalogue.problems import ProblemList
from pairx_core.catalogue.tables import Table, TableRow, column_key, read_table
from pairx_core.errors import CatalogueError
from pairx_core.paths import tidy_path
from pairx_core.retrieval.candidate import Candidate
from pairx_core.retrieval.filters import CandidateFilters
from pairx_core.retrieval.similarity import KnownPairs

_QUERY = ("query_id", "query", "query_image_id", "qannot_id")
_CANDIDATE = ("candidate_id", "candidate", "match_id", "database_id", "gallery_id", "dannot_id")
_SIMILARITY, _DISTANCE = ("score", "similarity"), ("distance",)
_KNOWN = (*_QUERY, *_CANDIDATE, *_SIMILARITY, *_DISTANCE)


@dataclass(frozen=True, slots=True)
class GivenScore:
    """What a matcher said of a pair."""

    value: float  # larger is more alike; a distance with its sign turned
    written: str  # as it stands in the table


class GivenCandidates:
    """The candidates of a table, asked for as those of a :class:`CandidateIndex`.

    Nothing is embedded. The rank of a candidate is its place among all candidates that the table has for the
    query, whatever filters leave of them; equal scores keep the table's order.
    """

    def __init__(
        self,
        photos: Sequence[Photo],
        scores: Mapping[str, Mapping[str, GivenScore]],
        *,
        source: Path,
        skipped: Sequence[Problem] = (),
    ) -> None:
        """Take the photos of a catalogue and the scores by query id and candidate id.

        Args:
            photos: of the catalogue; all ids in ``scores`` are of these.
            scores: by query id, in the table's order.
            source: the table, for the screen and the record.
            skipped: rows that cannot be used.
        """
        self.photos = tuple(photos)
        self.skipped = tuple(skipped)
        self.source = source
        self._by_id = {photo.id: photo for photo in self.photos}
        self._ranked = {query: _in_order(of_query, self._by_id) for query, of_query in scores.items()}

    def __len__(self) -> int:
        return len(self.photos)

    def __contains__(self, photo: Photo) -> bool:
        return photo.id in self._by_id

    @property
    def queries(self) -> tuple[Photo, ...]:
        """The photos for which the table has candidates, in the catalogue's order."""
        return tuple(photo for photo in self.photos if photo.id in self._ranked)

    def candidates(
        self, query: Photo, k: int = 5, filters: CandidateFilters | None = None
    ) -> list[Candidate]:
        """The first k candidates that the table has for a query and the filters let pass."""
        ranked = self._ranked.get(query.id, ())
        return [one for one in ranked if filters is None or filters.let_pass(query, one.photo)][: max(k, 0)]

    def candidates_of(
        self, queries: Sequence[Photo], k: int = 5, filters: CandidateFilters | None = None
    ) -> list[list[Candidate]]:
        """The candidates of several queries, as :meth:`candidates` has them for each."""
        return [self.candidates(query, k, filters) for query in queries]

    def similarities(self, query: Photo, photos: Sequence[Photo]) -> npt.NDArray[np.float32]:
        """The scores of photos for a query, (N,), larger for more alike; NaN where the table has none."""
        known = {one.photo.id: one.similarity for one in self._ranked.get(query.id, ())}
        return np.asarray([known.get(photo.id, math.nan) for photo in photos], np.float32)

    def candidate(self, query: Photo, photo: Photo, filters: CandidateFilters | None = None) -> Candidate:
        """A photo as a candidate; without a score, and ranked behind all others, where the table has none.

        Raises:
            CatalogueError: the photo is not in the catalogue.
        """
        del filters  # the table's ranks stand
        if photo not in self:
            raise CatalogueError(f"The photo “{photo.id}” is not in the catalogue. Open its catalogue.")
        ranked = self._ranked.get(query.id, ())
        found = next((one for one in ranked if one.photo.id == photo.id), None)
        return found or Candidate(photo, math.nan, len(ranked) + 1, "no score")

    def known_pairs(self, filters: CandidateFilters | None = None, *, seed: int = 0) -> KnownPairs:
        """The scores of the table's pairs whose truth is known, each pair once with its better score."""
        del seed  # all of them are taken
        best: dict[frozenset[str], tuple[bool, float]] = {}
        for query_id, ranked in self._ranked.items():
            query = self._by_id[query_id]
            for one in ranked:
                if not query.is_known or not one.photo.is_known:
                    continue
                if filters is not None and not filters.let_pass(query, one.photo):
                    continue
                pair = frozenset((query_id, one.photo.id))
                better = max(one.similarity, best.get(pair, (False, -math.inf))[1])
                best[pair] = (query.identity == one.photo.identity, better)
        same = [score for is_same, score in best.values() if is_same]
        different = [score for is_same, score in best.values() if not is_same]
        return KnownPairs(
            np.asarray(same, np.float32), np.asarray(different, np.float32), len(same), len(different)
        )


def read_candidates(path: str | Path, catalogue: Catalogue) -> GivenCandidates:
    """Read a table with the columns ``query_id``, ``candidate_id`` and ``score`` (or ``distance``).

    The ids are the catalogue's. Larger scores are better; of a column ``distance``, smaller ones. Case and order
    of columns, the separator and the encoding do not matter; other columns are ignored.

    Raises:
        CatalogueError: it cannot be read, a column is missing, or no row is about photos of the catalogue.
    """
    file = tidy_path(path, CatalogueError)
    if not file.is_file():
        raise CatalogueError(f"There is no table of candidates {file}. Check the path and its spelling.")
    table = read_table(file, _KNOWN, required=_QUERY)
    problems = ProblemList(file.name)
    for note in table.notes:
        problems.note(note, kind="encoding")
    reader = _Reader(file, table, catalogue, problems)
    scores = reader.scores()
    if not scores:
        first = next(iter(problems.in_order()), None)
        reason = f" The first reason: {first}" if first else " It has no rows."
        raise CatalogueError(f"{file}: no row can be used with {catalogue.source}.{reason}")
    return GivenCandidates(catalogue.photos, scores, source=file, skipped=problems.in_order())


class _Reader:
    """Understands the rows of one table."""

    def __init__(self, path: Path, table: Table, catalogue: Catalogue, problems: ProblemList) -> None:
        columns = {column_key(column) for column in table.columns}
        self._table = table
        self._catalogue = catalogue
        self._problems = problems
        self._query = _column(path, columns, _QUERY, table)
        self._candidate = _column(path, columns, _CANDIDATE, table)
        self._score = _column(path, columns, (*_SIMILARITY, *_DISTANCE), table)
        self._sign = -1.0 if self._score in _DISTANCE else 1.0

    def scores(self) -> dict[str, dict[str, GivenScore]]:
        """By query id and candidate id; of several rows on a pair the best one."""
        found: dict[str, dict[str, GivenScore]] = defaultdict(dict)
        for row in self._table.rows:
            score = self._of_row(row)
            if score is None:
                continue
            query, candidate = row.cells[self._query], row.cells[self._candidate]
            before = found[query].get(candidate)
            if before is not None:
                self._problems.note(
                    f"“{query}” and “{candidate}” stand in several rows; the best score counts.",
                    kind="pair in several rows",
                    row=row.number,
                )
            if before is None or score.value > before.value:
                found[query][candidate] = score
        return dict(found)

    def _of_row(self, row: TableRow) -> GivenScore | None:
        for column in (self._query, self._candidate):
            photo_id = row.cells[column]
            if photo_id not in self._catalogue:
                self._leave_out(row, column, f"No photo of the catalogue has the id “{_short(photo_id)}”.")
                return None
        if row.cells[self._query] == row.cells[self._candidate]:
            self._leave_out(row, self._candidate, "The candidate is the query itself.")
            return None
        written = row.cells[self._score]
        try:
            value = self._sign * float(written)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or not math.isfinite(np.float32(value)):
            self._leave_out(row, self._score, f"“{_short(written)}” is not a number. Write it as 0.83.")
            return None
        return GivenScore(value, written)

    def _leave_out(self, row: TableRow, column: str, message: str) -> None:
        self._problems.left_out(message, row=row.number, column=column)


def _column(path: Path, columns: set[str], names: Sequence[str], table: Table) -> str:
    found = next((name for name in names if name in columns), None)
    if found is None:
        listed = ", ".join(f"“{_short(column)}”" for column in table.columns[:20])
        raise CatalogueError(
            f"{path} has no column “{names[0]}”. Columns found: {listed}. A table of candidates needs query_id, "
            "candidate_id and score."
        )
    return found


def _in_order(scores: Mapping[str, GivenScore], photos: Mapping[str, Photo]) -> tuple[Candidate, ...]:
    ordered = sorted(scores.items(), key=lambda item: -item[1].value)
    return tuple(
        Candidate(photos[photo_id], score.value, rank, score.written)
        for rank, (photo_id, score) in enumerate(ordered, start=1)
    )


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
