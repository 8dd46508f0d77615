"""Making a field pack: photos, candidates and explanations into one folder, however often it is stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pairx_core.catalogue import Photo
from pairx_core.catalogue.pack_catalogue import (
    PACK_FORMAT,
    PACK_NAME,
    PACK_SCHEMA,
    read_pack_file,
)
from pairx_core.catalogue.pack_photo import photo_entry
from pairx_core.errors import PhotoError
from pairx_core.explain.explainer import PairExplainer
from pairx_core.fieldpack.compact import reason_in
from pairx_core.fieldpack.explaining import NamedExplainer, PairTask, explain_pair
from pairx_core.fieldpack.files import FAILED, Journal, alone_in, put_file, remove_drafts
from pairx_core.fieldpack.finished import (
    KNOWN_STEP,
    as_queries,
    counts_of,
    pair_step,
    photo_step,
    steps_of,
)
from pairx_core.fieldpack.known import KNOWN_NAME, thinned
from pairx_core.fieldpack.photos import PhotoCopy, copy_photo, names_in_pack
from pairx_core.fieldpack.plan import Plan
from pairx_core.fieldpack.selection import Tell, Wanted, select
from pairx_core.jobs import LocalRunner, Runner
from pairx_core.models.named import NamedModel
from pairx_core.version import __version__

if TYPE_CHECKING:
    from pairx_core.fieldpack.selection import Index

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PackReport:
    """What came of a run."""

    folder: Path
    queries: int
    pairs: int  # of a query and a candidate, with and without explanation
    explained: int  # by this run
    there_already: int  # explained by a run before
    unexplained: tuple[str, ...]  # pairs without explanation, in words; another run tries them again
    notes: tuple[str, ...]  # photos and masks that cannot be read, in words
    explanation_bytes: int  # of all explanations
    total_bytes: int  # of all files of the pack
    seconds: float  # that explaining took

    @property
    def pairs_an_hour(self) -> float:
        """How many pairs this run explained in an hour; 0: none."""
        return self.explained / self.seconds * 3600 if self.explained and self.seconds > 0 else 0.0


def write_pack(
    index: Index,
    explainer: PairExplainer,
    queries: Sequence[Photo],
    folder: str | Path,
    *,
    catalogue: str | Path,
    wanted: Wanted | None = None,
    named: NamedModel | None = None,
    runner: Runner | None = None,
    tell: Tell = lambda *_: None,
) -> PackReport:
    """Make a field pack, or go on with one that was begun: nothing is explained twice.

    Args:
        index: what proposes candidates.
        explainer: what explains them.
        queries: photos of the index.
        folder: to write into; not there yet, empty, or a pack of the very same.
        catalogue: what the photos were read from, to say so.
        wanted: how much of everything; None: the defaults.
        named: the explainer's model as data, for a runner whose tasks leave this process; None: they do not.
        runner: what explains pairs side by side; None: the processors of this computer.
        tell: called with (what is being done, done, total).

    Raises:
        FieldPackError: the folder holds something else or a pack of something else, or cannot be written; what is
            done is kept then, and nothing looks finished.
        PairxError: what the index, the model or the runner raise.
    """
    place = Path(folder).expanduser().absolute()
    wanted = wanted or Wanted()
    plan = Plan.of(index, explainer, select(index, queries, wanted, tell), wanted, Path(catalogue))
    by = explainer if named is None else NamedExplainer(named, explainer.layers, explainer.options)
    with alone_in(place):
        run = _Run(place, plan, tell)
        run.begin()
        run.copy_photos()
        run.keep_known_pairs(index)
        own = runner or LocalRunner()
        try:
            run.explain(own, by)
        finally:
            if runner is None:
                own.close()
        return run.finish()


class _Run:
    """One run, step by step."""

    def __init__(self, folder: Path, plan: Plan, tell: Tell) -> None:
        self.folder = folder
        self.plan = plan
        self.tell = tell
        self.journal = Journal(folder)
        self.made = 0  # pairs explained
        self.there_already = 0
        self.seconds = 0.0
        self.finished: Content | None = None  # what the folder held when the run began
        self.made_anything = False
        self.number = {photo.id: at for at, photo in enumerate(plan.photos)}

    def begin(self) -> None:
        """Make sure that the folder's pack is this one, and take up what is done."""
        remove_drafts(self.folder)
        if self.journal.head is not None:
            self.plan.refuse_other(self.folder, self.journal.head)
        if (self.folder / PACK_NAME).is_file():
            self.finished = read_pack_file(self.folder)
            self.plan.refuse_other(self.folder, self.finished)
            self.journal.take_over(steps_of(self.finished, KNOWN_NAME))
        self.journal.begin(self.plan.head)

    def copy_photos(self) -> None:
        """Write the pictures, thumbnails and masks that are not there."""
        photos = self.plan.photos
        todo = [photo for photo in photos if not self.journal.is_done(photo_step(photo.id))]
        self.tell("copying photos", len(photos) - len(todo), len(photos))
        local = LocalRunner()
        try:
            copy = partial(_copied, self.plan.wanted.longest_side)
            with closing(local.results(copy, todo)) as copies:
                for done, (photo, made) in enumerate(zip(todo, copies, strict=True), start=1):
                    self._keep_photo(photo, made)
                    self.tell("copying photos", len(photos) - len(todo) + done, len(photos))
        finally:
            local.close()

    def keep_known_pairs(self, index: Index) -> None:
        """Write down where similarities of known pairs lie."""
        if self.journal.is_done(KNOWN_STEP):
            return
        content = thinned(index.known_pairs(self.plan.wanted.filters))
        self._record(KNOWN_STEP, {KNOWN_NAME: content}, {})

    def explain(self, runner: Runner, by: PairExplainer | NamedExplainer) -> None:
        """Explain the pairs that are not there."""
        todo = [pair for pair in self._pairs() if not self.journal.is_done(pair_step(pair[0].id, pair[1].id))]
        self.there_already = self.plan.pairs - len(todo)
        self.tell("explaining pairs", self.there_already, self.plan.pairs)
        wanted, began = self.plan.wanted, time.monotonic()
        tasks = (PairTask(query, candidate, wanted.k_lines, wanted.k_colors) for query, candidate in todo)
        with closing(runner.results(partial(explain_pair, by), tasks)) as results:
            for done, (pair, content) in enumerate(zip(todo, results, strict=True), start=1):
                self._keep_pair(*pair, content)
                self.seconds = time.monotonic() - began
                self.tell("explaining pairs", self.there_already + done, self.plan.pairs)

    def finish(self) -> PackReport:
        """Write the file that makes a pack of it, last of all."""
        steps = {
            step: found for step in self.journal.steps if (found := self.journal.found(step)) is not None
        }
        photos = [steps[photo_step(photo.id)] for photo in self.plan.photos]
        entries = {entry["id"]: entry for step in photos if (entry := step.get("entry")) is not None}
        failed = [step[FAILED] for step in photos if FAILED in step]
        notes = [
            *self.plan.left_out,
            *failed,
            *(entry["note"] for entry in entries.values() if entry["note"]),
        ]
        pairs = (pair_step(query.id, candidate.id) for query, candidate in self._pairs())
        unexplained = {pair: steps[pair][FAILED] for pair in pairs if FAILED in steps[pair]}
        queries = as_queries(self.plan, entries, steps, unexplained)
        files = {name: stated for step in steps.values() for name, stated in step["files"].items()}
        content: Content = {
            "format": PACK_FORMAT,
            "schema": PACK_SCHEMA,
            "app_version": __version__,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **self.plan.head,
            "counts": counts_of(queries, entries, files),
            "notes": notes,
            "photos": list(entries.values()),
            "queries": queries,
            "files": files,
        }
        if self.finished is None or self.made_anything:
            text = json.dumps(content, ensure_ascii=False, indent=1)
            put_file(self.folder, PACK_NAME, text.encode("utf-8", "replace"))
        self.journal.close()
        return self._report(content, list(unexplained.values()))

    def _report(self, content: Content, unexplained: list[str]) -> PackReport:
        sizes = {name: size for name, (size, _) in content["files"].items()}
        return PackReport(
            folder=self.folder,
            queries=len(content["queries"]),
            pairs=content["counts"]["pairs"],
            explained=self.made,
            there_already=self.there_already,
            unexplained=tuple(unexplained),
            notes=tuple(content["notes"]),
            explanation_bytes=sum(size for name, size in sizes.items() if name.startswith("explanations/")),
            total_bytes=sum(sizes.values()),
            seconds=self.seconds,
        )

    def _pairs(self) -> Iterator[tuple[Photo, Photo]]:
        for listing in self.plan.listings:
            for one in listing.candidates:
                yield listing.query, one.photo

    def _keep_photo(self, photo: Photo, made: PhotoCopy | str) -> None:
        step = photo_step(photo.id)
        if isinstance(made, str):
            self.journal.done(step, {"files": {}, FAILED: made})
            return
        names = names_in_pack(self.number[photo.id], photo)
        parts = {"file": made.picture, "thumbnail": made.thumbnail, "mask": made.mask}
        files = {names[what]: content for what, content in parts.items() if content is not None}
        places = {what: names[what] if content is not None else None for what, content in parts.items()}
        entry = {**photo_entry(photo), **places, "box": made.box, "size": made.photo_size, "note": made.note}
        self._record(step, files, {"entry": entry})

    def _keep_pair(self, query: Photo, candidate: Photo, content: bytes) -> None:
        step, reason = pair_step(query.id, candidate.id), reason_in(content)
        if reason is not None:
            said = f"{query.id} and {candidate.id}: {reason}"
            self.journal.done(step, {"files": {}, FAILED: said})
            return
        name = f"explanations/{self.number[query.id]:05d}-{self.number[candidate.id]:05d}.npz"
        self._record(step, {name: content}, {})
        self.made += 1

    def _record(self, step: str, files: dict[str, bytes], more: Content) -> None:
        stated = {name: put_file(self.folder, name, content) for name, content in files.items()}
        self.journal.done(step, {"files": stated, **more})
        self.made_anything = True


def _copied(longest_side: int, photo: Photo) -> PhotoCopy | str:
    """The copy of a photo, or why there is none."""
    try:
        return copy_photo(longest_side, photo)
    except PhotoError as error:
        return str(error)
