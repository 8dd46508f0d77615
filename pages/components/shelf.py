"""Opening what a reviewer works on, in a thread of its own, and the few workspaces that are open."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pages.components.background import Task
from pages.components.workspace import Source, Workspace
from pairx_core.addresses import is_address
from pairx_core.catalogue import Catalogue, CatalogueReport, check_catalogue, read_catalogue
from pairx_core.catalogue.pack_catalogue import FIELD_PACK
from pairx_core.decisions.naming import GivenNames
from pairx_core.decisions.store import DecisionStore, open_decisions
from pairx_core.errors import CatalogueError, DecisionLogError, ExplanationError, ModelError, PairxError
from pairx_core.explain import ExplanationCache
from pairx_core.fieldpack import open_pack
from pairx_core.models import ModelCard, model_card
from pairx_core.paths import tidy_path
from pairx_core.retrieval import GivenCandidates, read_candidates
from pairx_core.sessions import SessionBook
from pairx_core.settings import decisions_beside

if TYPE_CHECKING:
    from pairx_core.explain import PairExplainer
    from pairx_core.models import EmbeddingModel
    from pairx_core.retrieval import CandidateIndex

_WORKSPACES_KEPT = 3
_EMBEDDING = "Looking at the photos with the model"
_MEGABYTE = 1_000_000
_SHOWN_SECONDS = 0.3  # after which a page has shown what is being done


def _spare_the_collector() -> None:
    """Set aside what stays: Streamlit has Python look for garbage among all objects after every run.

    With torch, timm and a model loaded that takes up to a second, during which no other thread runs.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class Opening(Task[Workspace]):
    """A workspace on its way."""

    note = "This is done once; photos that the model has seen before are not looked at again."

    def __init__(self, source: Source, cache_dir: Path) -> None:
        self.source = source
        self.cache_dir = cache_dir
        self.stage = "Reading the catalogue"
        self.sessions: SessionBook | None = None  # of its record; there long before the workspace is
        self.begin()

    @property
    def keeps_what_is_done(self) -> bool:
        """Whether the present stage goes on, another time, where it is stopped."""
        return self.stage == _EMBEDDING and self.total > 0

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
        from pairx_core.retrieval import IndexOptions, build_index

        self._next("Looking into the photos' files")
        options = IndexOptions(looking=self._look, waiting=self._wait)
        return build_index(
            catalogue, model, cache_dir=self.cache_dir, progress=self._embedded, options=options
        )

    def _look(self, done: int, total: int) -> None:
        self.tell_stage("Looking into the photos' files", done, total)

    def _embedded(self, done: int, total: int) -> None:
        self.tell_stage(_EMBEDDING, done, total)

    def _wait(self) -> None:
        self.tell_stage(
            "Waiting for another program, or another catalogue with this model, whose photos are being looked at",
            0,
            0,
        )


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
            if (
                self._openings.get((opening.source, opening.cache_dir)) is opening
            ):  # else somebody was quicker
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
