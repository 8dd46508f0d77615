"""The steps of a pair for the Method page: made in the background, kept for the last pairs, shared by all sessions."""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from PIL import Image

from pages.components.background import Stopped, Task
from pages.components.explaining import Job
from pairx_core.catalogue import Photo, thumbnail
from pairx_core.errors import ExplanationError, PairxError
from pairx_core.explain.steps import PairSteps, Side, share_within
from pairx_core.fieldpack import PackExplainer
from pairx_core.render.cells import tint_layer
from pairx_core.render.palettes import match_color

K_COLORS = 10
SIDES: tuple[Side, Side] = ("query", "candidate")
_LONGEST = 1400  # pixels of a photo's longer side
_FINEST = 112  # pixels of a color map's longer side: finer, it is dust that nobody sees
_KEPT_BYTES = 192 << 20
_PAIRS_KEPT = 16
_SESSIONS_KEPT = 64  # of which it is known what they look at
_LOOK_SECONDS = 0.2  # between two looks whether it is still wanted
_RETRY_SECONDS = 5.0  # after which what may have passed, such as a drive that was gone, is tried again


@dataclass(frozen=True, slots=True)
class Tint:
    """What a match's cell looked at on one photo."""

    png: bytes  # over the whole photo, transparent where it did not look
    share: float  # of it within the cell itself, 0 to 1


@dataclass(frozen=True, slots=True, eq=False)
class MethodPair:
    """A pair with its steps, as the page shows them: small, for its color maps are pictures already."""

    key: str  # changes with anything that it depends on
    steps: PairSteps  # without color maps
    photos: tuple[bytes, bytes]  # the cropped photos, JPEG
    tints: tuple[tuple[Tint, Tint], ...]  # of the first matches

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes; about."""
        pictures = (*self.photos, *(tint.png for both in self.tints for tint in both))
        return self.steps.nbytes + sum(map(len, pictures))


class Making(Task[MethodPair]):
    """Makes the steps of one pair."""

    stage = "Looking at the pair step by step"

    def __init__(self, job: Job, turn: threading.Lock) -> None:
        """Begin; ``turn`` is held while a pair is made: several at once would take as many times the memory."""
        self.key = job.key
        self._job: Job | None = job  # until it is made: the model's workspace may be closed later
        self._turn = turn
        self.ended = 0.0  # seconds of the monotonic clock; 0: not yet
        self.begin()

    @property
    def is_stale(self) -> bool:
        """Whether it has to be made again, because it failed by what may have passed."""
        if not self.finished or self.error is None:
            return False
        if isinstance(self.error, ExplanationError | Stopped):  # the same next time, or not wanted
            return False
        return time.monotonic() > self.ended + _RETRY_SECONDS

    def work(self) -> MethodPair:
        """Go through the stages of the explanation, once it is this pair's turn."""
        job, self._job = self._job, None
        if job is None:
            raise RuntimeError("a pair is made once")
        try:
            while not self._turn.acquire(timeout=_LOOK_SECONDS):
                self.tell(0, 0)
            try:
                return self._made(job)
            finally:
                self._turn.release()
        except (PairxError, Stopped) as error:
            trouble = _without_traceback(error)
        finally:
            self.ended = time.monotonic()
            del job
        raise trouble

    def result(self) -> MethodPair:
        """What came of it.

        Raises:
            PairxError: the pair has no steps; raised anew for each visitor, or it would hold their pages.
        """
        if isinstance(self.error, PairxError | Stopped):
            raise _without_traceback(self.error)
        return super().result()

    def _made(self, job: Job) -> MethodPair:
        photos = _encoded(job.query), _encoded(job.candidate)
        steps: PairSteps | None = None
        with closing(_stages(job)) as stages:
            for done, steps in enumerate(stages, 1):  # noqa: B007  # the last one is whole
                self.tell(done, K_COLORS + 1)
        if steps is None:
            raise ExplanationError("This pair has no explanation.")
        return MethodPair(job.key, _without_color_maps(steps), photos, _tints(steps))


class MethodPairs:
    """The pairs that were asked for last. Safe to use from several threads."""

    def __init__(self, limit: int = _KEPT_BYTES) -> None:
        self._limit = limit  # bytes
        self._kept: OrderedDict[str, Making] = OrderedDict()
        self._asked: dict[str, str] = {}  # by session: the pair that it looks at
        self._lock, self._turn = threading.Lock(), threading.Lock()

    def of(self, job: Job, whose: str) -> Making:
        """The making of a pair: begun, on its way or ended. What only this session waited for before is stopped."""
        with self._lock:
            former = self._asked.pop(whose, None)
            self._asked[whose] = job.key
            if len(self._asked) > _SESSIONS_KEPT:
                del self._asked[next(iter(self._asked))]
            if former is not None and former not in self._asked.values():
                self._stop(former)
            making = self._kept.get(job.key)
            if making is None or making.is_stale:
                making = self._kept[job.key] = Making(job, self._turn)
            self._kept.move_to_end(job.key)
            self._trim()
            return making

    def forget(self, making: Making) -> None:
        """Make it anew the next time."""
        with self._lock:
            if self._kept.get(making.key) is making:
                del self._kept[making.key]

    def close(self) -> None:
        """Stop all, and wait for it."""
        with self._lock:
            for making in self._kept.values():
                making.close()

    def __len__(self) -> int:
        return len(self._kept)

    def _stop(self, key: str) -> None:
        making = self._kept.get(key)
        if making is not None and not making.finished:
            making.cancel()
            del self._kept[key]

    def _trim(self) -> None:
        """Forget the pairs looked at longest ago until the limits hold; the last one, and those on their way, stay."""
        total = sum(_bytes(making) for making in self._kept.values())
        for key, making in list(self._kept.items())[:-1]:
            if total <= self._limit and len(self._kept) <= _PAIRS_KEPT:
                break
            if making.finished:  # somebody waits for the others
                total -= _bytes(making)
                del self._kept[key]


@st.cache_resource(show_spinner=False, on_release=MethodPairs.close)
def method_pairs() -> MethodPairs:
    """The pairs of all sessions."""
    return MethodPairs()


def _bytes(making: Making) -> int:
    return 0 if making.value is None else making.value.nbytes


def _without_traceback(error: Exception) -> Exception:
    """The same message: a traceback holds all that was at hand where it was raised, the model among it."""
    return type(error)(*error.args)


def _stages(job: Job) -> Generator[PairSteps]:
    """A field pack has explanations, which are whole, and no feature maps."""
    if isinstance(job.explainer, PackExplainer):
        yield PairSteps(job.explainer.explain(job.query, job.candidate, k_colors=K_COLORS), None)
        return
    from pairx_core.explain.stepping import stepwise  # needs torch

    yield from stepwise(job.explainer, job.query, job.candidate, k_colors=K_COLORS)


def _encoded(photo: Photo) -> bytes:
    picture = thumbnail(photo, (_LONGEST, _LONGEST))
    return _bytes_of(picture, "JPEG", quality=88, subsampling=0)


def _without_color_maps(steps: PairSteps) -> PairSteps:
    made = steps.explanation
    none = np.zeros((0, 0, 0), np.float32)
    return PairSteps(replace(made, query_color_maps=none, candidate_color_maps=none), steps.maps)


def _tints(steps: PairSteps) -> tuple[tuple[Tint, Tint], ...]:
    made = steps.explanation
    both = zip(made.query_color_maps, made.candidate_color_maps, strict=True)
    return tuple(
        (_tint(steps, "query", number, first), _tint(steps, "candidate", number, second))
        for number, (first, second) in enumerate(both)
    )


def _tint(steps: PairSteps, side: Side, number: int, color_map: np.ndarray) -> Tint:
    column, row = steps.matched_cells(side)[number].tolist()
    png = _bytes_of(tint_layer(color_map, match_color(number), longest=_FINEST), "PNG")
    return Tint(png, share_within(color_map, (column, row), steps.grid(side)))


def _bytes_of(picture: Image.Image, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()
