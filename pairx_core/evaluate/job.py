"""The evaluation as a job: pair by pair, method by method, each row kept as soon as it is measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from pairx_core.catalogue import Photo, photo_digest
from pairx_core.errors import CatalogueError, ExplanationError, PhotoError
from pairx_core.evaluate.evidence import Method
from pairx_core.evaluate.measuring import Measurer, PairRow, WhatToMeasure
from pairx_core.evaluate.methods import METHODS, make_method
from pairx_core.evaluate.pairs import PairSample
from pairx_core.evaluate.steadiness import with_random_weights
from pairx_core.explain.engine_version import engine_fingerprint
from pairx_core.models.embedding_model import EmbeddingModel

ROWS_NAME = "rows.jsonl"
_ABOUT_NAME = "evaluation.json"
_MEASURES_VERSION = 1  # counts up when a measure's definition changes
CONTROLS = {"weights": "weights shuffled", "pairs": "explanation of another pair"}
Progress = Callable[[int, int], None]  # called with (rows done, rows in all)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to evaluate."""

    methods: tuple[str, ...]  # names in METHODS, with a layer of their own behind a colon where wanted
    layer: str | None = None  # of the methods that take one; None: the model's recommended one
    controlled: tuple[str, ...] = ()  # methods whose measures are shown to collapse
    faithful_pairs: int = 40  # the first so many pairs have deletion and insertion, the slow part
    steady_pairs: int = 20  # the first so many have their steadiness measured
    k_lines: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            ExplanationError: there is no such method.
        """
        for name in (*self.methods, *self.controlled):
            if name.partition(":")[0] not in METHODS:
                raise ExplanationError(f"There is no method “{name}”. There are: {', '.join(METHODS)}.")
        if not self.methods:
            raise ExplanationError(f"No method is named. There are: {', '.join(METHODS)}.")


@dataclass(frozen=True, slots=True)
class Failure:
    """A pair that a method could not explain, or whose photo cannot be read."""

    query_id: str
    candidate_id: str
    method: str
    message: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of an evaluation."""

    rows: tuple[PairRow, ...]  # in the order of the pairs, then of the methods
    failures: tuple[Failure, ...] = ()
    resumed: int = 0  # rows that were there before
    folder: Path | None = field(default=None, compare=False)


class EvaluationJob:
    """Measures a sample of known pairs. Where it is stopped, it goes on from the last row kept.

    Methods without lines have no plausibility to tell right from wrong by: they are measured on the first pairs only,
    those with deletion or steadiness.
    """

    def __init__(
        self, model: EmbeddingModel, sample: PairSample, plan: Plan, *, truth: Path | None = None
    ) -> None:
        """Take what to measure.

        Args:
            model: the embedding model.
            sample: the pairs.
            plan: which methods, and how much.
            truth: folder of truth files; None: lines are not scored.
        """
        self.model = model
        self.sample = sample
        self.plan = plan
        self.truth = truth
        self._methods: dict[str, Method] = {}
        self._elsewhere = _one_round(len(sample.pairs), plan.seed)
        self._measurer = Measurer(model, truth, k_lines=plan.k_lines, seed=plan.seed)

    def run(self, folder: Path | None = None, progress: Progress | None = None) -> Evaluated:
        """Measure all that is not measured yet.

        Args:
            folder: where rows are kept; None: nowhere.
            progress: called with (rows done, rows in all); it may raise to stop the job.

        Raises:
            CatalogueError: the folder holds another evaluation, or cannot be written.
        """
        known = {} if folder is None else _opened(folder, self.fingerprint, self.about())
        rows: list[PairRow] = []
        failures: list[Failure] = []
        tasks = list(self._tasks())
        total, resumed = len(tasks), 0
        for number, (place, name) in enumerate(tasks):
            if progress is not None:
                progress(number, total)
            pair = self.sample.pairs[place]
            kept = known.get((pair.query.id, pair.candidate.id, name))
            try:
                row = kept or self._row(place, name)
            except (ExplanationError, PhotoError) as error:
                failures.append(Failure(pair.query.id, pair.candidate.id, name, str(error)))
                continue
            rows.append(row)
            resumed += kept is not None
            if kept is None and folder is not None:
                _append(folder / ROWS_NAME, row)
        if progress is not None:
            progress(total, total)
        return Evaluated(tuple(rows), tuple(failures), resumed, folder)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with anything that the rows depend on."""
        digest = hashlib.sha256(json.dumps(self.about(), sort_keys=True).encode())
        for pair in self.sample.pairs:
            for photo in (pair.query, pair.candidate):
                digest.update(_identified(photo))
        return digest.hexdigest()[:16]

    def about(self) -> dict[str, object]:
        """What the evaluation is of, for its folder and its report."""
        return {
            "measures_version": _MEASURES_VERSION,
            "engine": engine_fingerprint(),
            "model": self.model.name,
            "model_fingerprint": self.model.fingerprint,
            "preprocessing": self.model.preprocessing_in_words,
            "layer": self.plan.layer or self.model.recommended_layer,
            "plan": asdict(self.plan) | {"layer": None, "methods": None, "controlled": None},
            "sample_seed": self.sample.seed,
            "pairs": len(self.sample.pairs),
            "truth": self.truth is not None,
        }

    def _tasks(self) -> Iterator[tuple[int, str]]:
        names = list(self.plan.methods)
        names += [f"{name}@{control}" for name in self.plan.controlled for control in CONTROLS]
        few = max(self.plan.faithful_pairs, self.plan.steady_pairs)
        lined = {name for name in names if self._method(name).draws_lines}
        for place in range(len(self.sample.pairs)):
            yield from ((place, name) for name in names if name in lined or place < few)

    def _row(self, place: int, name: str) -> PairRow:
        pairs = self.sample.pairs
        what = WhatToMeasure(place < self.plan.faithful_pairs, place < self.plan.steady_pairs)
        instead = pairs[self._elsewhere[place]] if name.endswith("@pairs") else None
        other = self._other_candidate(place)
        return self._measurer.row(pairs[place], name, self._method(name), what, other=other, instead=instead)

    def _other_candidate(self, place: int) -> Photo | None:
        """A candidate of the pairs that follow which is on neither photo of this one; None where there is none."""
        pairs = self.sample.pairs
        here = {pairs[place].query.id, pairs[place].candidate.id}
        following = (pair.candidate for pair in (*pairs[place + 1 :], *pairs[:place]))
        return next((photo for photo in following if photo.id not in here), None)

    def _method(self, name: str) -> Method:
        plain, _, control = name.partition("@")
        key = name if control == "weights" else plain
        if key not in self._methods:
            model = with_random_weights(self.model, self.plan.seed) if control == "weights" else self.model
            method, _, layer = plain.partition(":")
            self._methods[key] = make_method(method, model, layer or self.plan.layer)
        return self._methods[key]


def read_rows(folder: Path) -> list[PairRow]:
    """The rows that an evaluation kept.

    A last line that a crash tore is left out.

    Raises:
        CatalogueError: there are none, or another line is damaged.
    """
    file = folder / ROWS_NAME
    try:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{file}: the evaluation's rows cannot be read ({error}).") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(PairRow.from_json(line))
        except ValueError as error:
            if number == len(lines) and not line.endswith("\n"):
                break
            raise CatalogueError(
                f"{file}, line {number}: it is damaged ({error}). Delete the line; it will be measured again."
            ) from error
    return rows


def _opened(
    folder: Path, fingerprint: str, about: Mapping[str, object]
) -> dict[tuple[str, str, str], PairRow]:
    """The rows of this evaluation that are there already; the folder is made where it is missing.

    Raises:
        CatalogueError: the folder holds another evaluation's, or cannot be written.
    """
    file = folder / _ABOUT_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            kept = json.loads(file.read_text(encoding="utf-8"))
            if not isinstance(kept, dict):
                raise ValueError(f"{_ABOUT_NAME} is not what an evaluation writes")
            if kept.get("fingerprint") != fingerprint:
                raise CatalogueError(_another(folder, kept, about))
        elif any(folder.iterdir()):
            raise CatalogueError(
                f"{folder}: it holds other files, which a report might take the place of. Choose a new folder."
            )
        else:
            text = json.dumps({"fingerprint": fingerprint} | dict(about), indent=1, sort_keys=True)
            file.write_text(text + "\n", encoding="utf-8")
        rows = read_rows(folder)
        _mend_end(folder / ROWS_NAME, rows)
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{folder}: the evaluation cannot be kept there ({error}).") from error
    return {row.key: row for row in rows}


def _another(folder: Path, kept: Mapping[str, object], about: Mapping[str, object]) -> str:
    differ = [key for key, value in about.items() if kept.get(key) != value]
    what = ", ".join(differ).replace("_", " ") or "the photos"
    return (
        f"{folder}: it holds an evaluation of something else (different: {what}). Choose another folder, or "
        "delete that one."
    )


def _mend_end(file: Path, rows: Sequence[PairRow]) -> None:
    """Drop a last line that was torn."""
    if file.is_file() and not file.read_bytes().endswith(b"\n"):
        whole = file.with_suffix(".mended")
        whole.write_text("".join(f"{row.to_json()}\n" for row in rows), encoding="utf-8")
        whole.replace(file)


def _append(file: Path, row: PairRow) -> None:
    try:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(row.to_json() + "\n")
    except OSError as error:
        raise CatalogueError(f"{file}: a row cannot be written ({error}).") from error


def _one_round(count: int, seed: int) -> list[int]:
    """For each of so many things another one, drawn at random, each once.

    Not the next one: in a sample, same and different pairs take turns, and a control that exchanged the two kinds
    would not collapse but tell them apart the wrong way round.
    """
    order = np.random.default_rng(seed).permutation(count)
    following = np.empty(count, np.int64)
    following[order] = np.roll(order, -1)
    return [int(place) for place in following]


def _identified(photo: Photo) -> bytes:
    try:
        content = photo_digest(photo)
    except PhotoError:
        content = "unreadable"
    return f"{photo.id} {photo.identity} {photo.box} {content}\n".encode()
