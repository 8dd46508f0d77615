"""What a reviewer works on: a catalogue, the model that ranks its photos, and the record of decisions.

Opening one takes a while (every photo is embedded), so it happens in a thread of its own, tells how far it
is, and is shared by all browser tabs that ask for the same.
"""

from __future__ import annotations

import gc
import hashlib
import math
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pages.components.background import Task
from pages.components.by_record import ByRecord, ByRecordBook
from pages.components.candidate_lists import CandidateLists
from pages.components.roster import Roster
from pairx_core.addresses import is_address
from pairx_core.catalogue import Catalogue, CatalogueReport, Photo, check_catalogue, read_catalogue
from pairx_core.catalogue.pack_catalogue import FIELD_PACK
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
from pairx_core.decisions.store import DecisionStore, open_decisions
from pairx_core.errors import CatalogueError, DecisionLogError, ExplanationError, ModelError, PairxError
from pairx_core.explain import ExplanationCache
from pairx_core.fieldpack import FieldPack, PackExplainer, PackModel, open_pack
from pairx_core.fieldpack.reading import PackCandidates
from pairx_core.models import ModelCard, model_card
from pairx_core.paths import tidy_path
from pairx_core.project import Project
from pairx_core.retrieval import (
    Candidate,
    CandidateFilters,
    GivenCandidates,
    KnownPairs,
    read_candidates,
)
from pairx_core.sessions import SessionBook
from pairx_core.settings import Settings, decisions_beside

if TYPE_CHECKING:
    from pairx_core.explain import PairExplainer
    from pairx_core.models import EmbeddingModel
    from pairx_core.retrieval import CandidateIndex

K = 5  # candidates a query
GIVEN_FILTERS = CandidateFilters(
    False, False, False, False
)  # of someone else's candidates all, unless one wants fewer
_WORKSPACES_KEPT = 3
_MEGABYTE = 1_000_000
_SHOWN_SECONDS = 0.3  # after which a page has shown what is being done


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
        return Roster(self.index.photos) if isinstance(self.index, GivenCandidates) else self.roster

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


def _spare_the_collector() -> None:
    """Set aside what stays: Streamlit has Python look for garbage among all objects after every run.

    With torch, timm and a model loaded that takes up to a second, during which no other thread runs.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class Opening(Task[Workspace]):
    """A workspace on its way."""

    note = "This is done once; photos that were embedded before are not embedded again."

    def __init__(self, source: Source, cache_dir: Path) -> None:
        self.source = source
        self.cache_dir = cache_dir
        self.stage = "Reading the catalogue"
        self.sessions: SessionBook | None = None  # of its record; there long before the workspace is
        self.begin()

    def work(self) -> Workspace:
        """Open the source; what is embedded when it is stopped stays in the cache."""
        workspace = self._open()
        self._next("Preparing the pages")
        workspace.get_ready()
        _spare_the_collector()
        return workspace

    def _open(self) -> Workspace:
        source = self.source
        with usable(CatalogueError, "The catalogue"):
            catalogue = read_catalogue(source.catalogue, source.form or None, self.tell_stage)
        with usable(DecisionLogError, "The decisions file"):  # refused before the long part
            log = open_decisions(_decisions_of(source) or decisions_beside(catalogue))
        sessions = self.sessions = SessionBook(log.lines("sessions"))
        self._next("Checking the photos")
        report = check_catalogue(catalogue, self.tell)
        if catalogue.form == FIELD_PACK:
            return self._of_pack(catalogue, report, log, sessions)
        model, card = self._model()
        explainer, unexplained = explainer_of(model, source.layer, ExplanationCache(self.cache_dir))
        index = self._index(catalogue, model)
        return Workspace(
            source,
            catalogue,
            model,
            report,
            card,
            index,
            explainer,
            log,
            log.evidence,
            sessions,
            GivenNames(log.lines("names")),
            unexplained,
        )

    def _of_pack(
        self, catalogue: Catalogue, report: CatalogueReport, log: DecisionStore, sessions: SessionBook
    ) -> Workspace:
        """A workspace whose candidates and explanations are in the folder already; needs no torch."""
        if self.source.candidates:
            raise CatalogueError(
                "A field pack has its candidates already. Leave out the table of candidates."
            )
        pack = open_pack(catalogue)
        return Workspace(
            self.source,
            catalogue,
            pack.model,
            report,
            pack.card,
            pack.index,
            pack.explainer,
            log,
            log.evidence,
            sessions,
            GivenNames(log.lines("names")),
            pack=pack,
        )

    def _model(self) -> tuple[EmbeddingModel, ModelCard]:
        source = self.source
        self._next("Loading the model")
        if "torch" not in sys.modules:  # its import keeps all threads waiting: let the page say so before
            time.sleep(_SHOWN_SECONDS)
        with usable(ModelError, "The model"):
            from pairx_core.models import load_model

            model = load_model(
                source.model,
                checkpoint=source.checkpoint or None,
                input_size=_input_size(source),
                normalisation=source.normalisation or None,
                progress=self._downloaded,
            )
            return model, model_card(model)

    def _downloaded(self, done: int, total: int) -> None:
        """How many bytes of the model have come."""
        self.stage = "Downloading the model, megabytes"
        self.tell(done // _MEGABYTE, max(total // _MEGABYTE, 1))

    def _next(self, stage: str) -> None:
        self.stage, self.done, self.total = stage, 0, 0

    def _index(self, catalogue: Catalogue, model: EmbeddingModel) -> CandidateIndex | GivenCandidates:
        """What proposes candidates: someone else's table, or the model, for which every photo is embedded."""
        if self.source.candidates:
            self._next("Reading the candidates")
            with usable(CatalogueError, "The table of candidates"):
                return read_candidates(self.source.candidates, catalogue)
        self._next("Embedding the photos")
        from pairx_core.retrieval import IndexOptions, build_index

        options = IndexOptions(waiting=self._wait)
        return build_index(catalogue, model, cache_dir=self.cache_dir, progress=self.tell, options=options)

    def _wait(self) -> None:
        """Another program embeds into the same folder."""
        self.stage = "Embedding the photos: another program does so too; waiting until it has finished"
        self.tell(0, 0)


def _input_size(source: Source) -> int | None:
    if not source.input_size:
        return None
    if not source.input_size.isdecimal() or len(source.input_size) > 4:
        raise ModelError(
            f"The input size “{source.input_size}” is not a number of pixels, such as 440. Leave it empty to take "
            "the model's own."
        )
    return int(source.input_size)


def _decisions_of(source: Source) -> Path | str | None:
    if not source.decisions or is_address(source.decisions):
        return source.decisions or None
    return tidy_path(source.decisions, DecisionLogError)


def explainer_of(
    model: EmbeddingModel, layer: str, cache: ExplanationCache
) -> tuple[PairExplainer | None, str]:
    """What explains a model's pairs, or why nothing can; a layer that the model lacks is an error."""
    from pairx_core.explain import PairExplainer, check_supported

    try:
        check_supported(model.module)
    except ExplanationError as error:
        return None, str(error)
    explainer = PairExplainer(model, layer or None, cache=cache)
    try:
        explainer.layer  # noqa: B018  # found out here, not in the middle of a page
    except PairxError as error:
        return None, str(error)
    return explainer, ""


@contextmanager
def usable(refusal: type[PairxError], what: str) -> Iterator[None]:
    """Say what the computer refuses, such as a name that is too long or a drive that is gone."""
    try:
        yield
    except OSError as error:
        name = error.filename or "its path"
        raise refusal(
            f"{what} cannot be used: {name}: {error.strerror}. Check the path, or choose another one."
        ) from error


class Shelf:
    """The few workspaces that are open, shared by all sessions."""

    def __init__(self) -> None:
        self._openings: OrderedDict[tuple[Source, Path], Opening] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, source: Source, cache_dir: Path) -> Opening:
        """Begin to open a source, or return what was begun already.

        What had failed is tried again; what was stopped stays so.
        """
        with self._lock:
            opening = self._openings.get((source, cache_dir))
            if opening is None or (opening.error is not None and not opening.was_stopped):
                opening = Opening(source, cache_dir)
            self._keep(opening)
            return opening

    def go_on(self, opening: Opening) -> None:
        """Open again what was stopped; what was embedded before is not embedded again."""
        with self._lock:
            self._keep(Opening(opening.source, opening.cache_dir))

    def put(self, opening: Opening) -> None:
        """Take in a source that was opened afresh, in place of what was read from it before."""
        with self._lock:
            self._keep(opening)

    def workspaces(self) -> list[Workspace]:
        """Those that are open now."""
        with self._lock:
            return [one.value for one in self._openings.values() if one.value is not None]

    def close(self) -> None:
        """Stop what is being opened."""
        with self._lock:
            for opening in self._openings.values():
                opening.close()

    def _keep(self, opening: Opening) -> None:
        key = (opening.source, opening.cache_dir)
        self._openings[key] = opening
        self._openings.move_to_end(key)
        while len(self._openings) > _WORKSPACES_KEPT:
            self._openings.popitem(last=False)
