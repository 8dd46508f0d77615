"""What a reviewer works on: a catalogue, the model that ranks its photos, and the record of decisions.

Opening one takes a while (every photo is embedded), so it happens in a thread of its own, tells how far it
is, and is shared by all browser tabs that ask for the same.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pages.components.by_record import ByRecord, ByRecordBook
from pages.components.candidate_lists import CandidateLists
from pages.components.roster import Roster
from pairx_core.catalogue import Catalogue, CatalogueReport, Photo
from pairx_core.decisions import Decision, EvidenceLog
from pairx_core.decisions.followed import (
    FollowedDecisions,
    FollowedPairs,
    PairsOfRecord,
    ReviewerStanding,
    StandingRecord,
)
from pairx_core.decisions.individuals import NamedPhotos
from pairx_core.decisions.naming import GivenNames
from pairx_core.decisions.store import DecisionStore
from pairx_core.errors import DecisionLogError
from pairx_core.fieldpack import FieldPack, PackExplainer, PackModel
from pairx_core.fieldpack.reading import PackCandidates
from pairx_core.models import ModelCard
from pairx_core.project import Project
from pairx_core.retrieval import Candidate, CandidateFilters, GivenCandidates, KnownPairs
from pairx_core.sessions import SessionBook
from pairx_core.settings import Settings

if TYPE_CHECKING:
    from pairx_core.explain import PairExplainer
    from pairx_core.models import EmbeddingModel
    from pairx_core.retrieval import CandidateIndex

K = 5  # candidates a query
# of someone else's candidates all, unless one wants fewer
GIVEN_FILTERS = CandidateFilters(False, False, False, False)


@dataclass(frozen=True, slots=True)
class Source:
    """What to open, as the reviewer or the environment wrote it."""

    catalogue: str
    model: str = "demo"
    checkpoint: str = ""  # empty: none needed
    layer: str = ""  # empty: the model's recommended one
    decisions: str = ""  # empty: beside the catalogue
    form: str = ""  # of the catalogue; empty: found out
    candidates: str = ""  # a table of someone else's matcher; empty: the model proposes
    input_size: str = ""  # of the model, pixels a side; empty: as its files say
    normalisation: str = ""  # by name; empty: as its files say

    @classmethod
    def from_settings(cls, settings: Settings) -> Source:
        """What the environment says, the bundled sample where it is silent."""
        texts = {field.name: getattr(settings, field.name) for field in fields(cls)}
        return cls(**{name: "" if value is None else str(value) for name, value in texts.items()})

    @classmethod
    def from_project(cls, project: Project) -> Source:
        """What a project file says."""
        return cls(**{field.name: getattr(project, field.name) for field in fields(cls)})

    def project(self, name: str) -> Project:
        """What a project file says of this source."""
        return Project(**asdict(self), name=name)

    @property
    def token(self) -> str:
        """A short name for addresses."""
        return hashlib.sha256("\n".join(astuple(self)).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Record:
    """The decisions so far."""

    rows: tuple[Decision, ...] = ()
    trouble: DecisionLogError | None = None  # why the file cannot be read now


@dataclass(frozen=True, eq=False)
class Workspace:
    """An opened source. Shared by sessions and threads."""

    source: Source
    catalogue: Catalogue
    model: EmbeddingModel | PackModel  # a field pack's is not here: its name, and what identifies it
    report: CatalogueReport  # what was found in the catalogue
    card: ModelCard
    # what proposes candidates: the model, someone else's table, or a field pack that has them from either
    index: CandidateIndex | GivenCandidates | PackCandidates
    explainer: PairExplainer | PackExplainer | None  # None: the model's pairs cannot be explained
    log: DecisionStore
    evidence: EvidenceLog
    sessions: SessionBook
    names: GivenNames  # of new individuals
    unexplained: str = ""  # why they cannot
    pack: FieldPack | None = None  # what all but the record comes from; None: from a model
    _last_read: list[tuple[Decision, ...]] = field(default_factory=lambda: [()])
    _known_pairs: dict[CandidateFilters, KnownPairs] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def layer(self) -> str:
        """The layer that explanations are about; empty where there are none."""
        return "" if self.explainer is None else self.explainer.layer

    @property
    def ranked_by(self) -> str:
        """The table that ranks candidates; empty: the model does."""
        if isinstance(self.index, PackCandidates):
            return self.index.ranked_by
        return self.index.source.name if isinstance(self.index, GivenCandidates) else ""

    @cached_property
    def roster(self) -> Roster:
        """The photos that can be queries: all, or those for which a table or a field pack has candidates."""
        is_given = isinstance(self.index, GivenCandidates | PackCandidates)
        return Roster(self.index.queries if is_given else self.index.photos)

    @cached_property
    def all_photos(self) -> Roster:
        """All photos, those for which there are no candidates among them."""
        is_all = len(self.roster) == len(self.index.photos)
        return self.roster if is_all else Roster(self.index.photos)

    @cached_property
    def left_out(self) -> int:
        """How many photos cannot be used."""
        problems = (*self.catalogue.problems, *self.index.skipped)
        return sum(problem.severity == "left_out" for problem in problems)

    @cached_property
    def _lists(self) -> CandidateLists:
        return CandidateLists(self.index, K)

    @cached_property
    def _followed(self) -> FollowedDecisions:
        """The decisions on this catalogue's photos; a file may hold those of other catalogues too."""
        known = self.catalogue
        return FollowedDecisions(lambda row: row.query_id in known and row.candidate_id in known)

    @cached_property
    def _by_record(self) -> ByRecordBook:
        return ByRecordBook(self.roster, K)

    @cached_property
    def _followed_pairs(self) -> FollowedPairs:
        return FollowedPairs()

    @cached_property
    def named_photos(self) -> NamedPhotos:
        """Who is on each photo by the catalogue."""
        photos = self.catalogue.photos
        names = {photo.id: photo.identity for photo in photos if photo.identity is not None}
        return NamedPhotos((photo.id for photo in photos), names)

    def get_ready(self) -> None:
        """Make what pages look at and the catalogue alone determines, before the first of them is drawn."""
        self.roster, self.left_out, self._lists, self._followed, self._by_record  # noqa: B018
        stands = self.stands(self.decisions())
        if stands.rows:
            self.pairs(stands), self.named_photos
        self.known_pairs(CandidateFilters() if not self.ranked_by else GIVEN_FILTERS)

    def to_original(self, photo: Photo) -> tuple[float, float]:
        """By what a place on a photo, in pixels across and down, is multiplied for the catalogue's own photo.

        Raises:
            PhotoError: the photo's file cannot be read.
        """
        return (1.0, 1.0) if self.pack is None else self.pack.to_original(photo)

    def decisions(self) -> Record:
        """What is in the decisions file; what was last read from it while it cannot be read."""
        try:
            rows = self.log.decisions()
        except DecisionLogError as error:
            return Record(self._last_read[0], error)
        self._last_read[0] = rows
        return Record(rows)

    def stands(self, record: Record) -> StandingRecord:
        """What stands in a record, as far as it is about this catalogue's photos."""
        return self._followed.look(record.rows)

    def pairs(self, record: StandingRecord) -> PairsOfRecord:
        """What all reviewers say about pairs of this catalogue's photos."""
        return self._followed_pairs.look(record.rows)

    def standing(self) -> StandingRecord:
        """What stands at this moment.

        Raises:
            DecisionLogError: the decisions file cannot be read now.
        """
        return self._followed.look(self.log.decisions())

    def by_record(self, reviewer: str, standing: ReviewerStanding) -> ByRecord:
        """How queries stand for a reviewer by what stands, without a look at their candidates."""
        return self._by_record.of(reviewer, standing)

    def candidates(self, query: Photo, filters: CandidateFilters) -> tuple[Candidate, ...]:
        """The top candidates of a query, remembered."""
        return self._lists.of(query, filters)

    def candidate(self, query: Photo, photo: Photo, filters: CandidateFilters) -> Candidate:
        """A photo as a candidate, with the rank that it has or would have; remembered."""
        return self._lists.candidate(query, photo, filters)

    def prepare(self, queries: Sequence[Photo], filters: CandidateFilters) -> None:
        """Look for the candidates of queries together."""
        self._lists.prepare(queries, filters)

    def prepare_from(self, queries: Sequence[Photo], filters: CandidateFilters) -> None:
        """The same; nothing, where those of the first are known."""
        self._lists.prepare_from(queries, filters)

    def prepare_ahead(self, queries: Sequence[Photo], filters: CandidateFilters) -> None:
        """The same in the background, for what is on no screen yet."""
        self._lists.prepare_ahead(queries, filters)

    def first_similarities(self, filters: CandidateFilters) -> npt.NDArray[np.float32]:
        """The similarity (N,) of the first candidate of each photo of the roster; NaN where there is none."""
        return self._lists.first_similarities(self.roster.photos, filters)

    def similarity_in_words(self, candidate: Candidate, filters: CandidateFilters) -> str:
        """Where a candidate's similarity stands among known pairs, in words; empty where it has none."""
        if not math.isfinite(candidate.similarity):
            return ""
        return self.known_pairs(filters).in_words(candidate.similarity)

    def known_pairs(self, filters: CandidateFilters) -> KnownPairs:
        """The similarities of pairs whose truth is known, under the filters; remembered."""
        with self._lock:
            known = self._known_pairs.get(filters)
        if known is None:
            known = self.index.known_pairs(filters)
            with self._lock:
                self._known_pairs[filters] = known
        return known
