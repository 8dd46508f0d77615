"""Explaining one pair as a task: plain data in, bytes out, so that it can be done anywhere and more than once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pairx_core.catalogue import Photo
from pairx_core.errors import ExplanationError, PhotoError
from pairx_core.explain.explainer import PairExplainer
from pairx_core.explain.options import ExplanationOptions
from pairx_core.fieldpack.compact import packed, packed_reason
from pairx_core.models.named import NamedModel


@dataclass(frozen=True, slots=True)
class NamedExplainer:
    """What explains, as data: another process makes the same of it."""

    model: NamedModel
    layers: tuple[str, ...]
    options: ExplanationOptions

    def load(self) -> PairExplainer:
        """The explainer, made once a process.

        Raises:
            ModelError: the model cannot be loaded, or it is another one.
            ExplanationError: it cannot be explained.
        """
        return _loaded(self)


@dataclass(frozen=True, slots=True)
class PairTask:
    """A pair to explain."""

    query: Photo
    candidate: Photo
    k_lines: int
    k_colors: int


def explain_pair(by: PairExplainer | NamedExplainer, task: PairTask) -> bytes:
    """The explanation of a pair in compact form, or why there is none (see :func:`compact.reason_in`).

    The same pair gives the same bytes, whoever does it.
    """
    explainer = by.load() if isinstance(by, NamedExplainer) else by
    try:
        return packed(explainer.explain(task.query, task.candidate, task.k_lines, task.k_colors))
    except (ExplanationError, PhotoError) as error:
        return packed_reason(str(error))


@lru_cache(maxsize=2)
def _loaded(named: NamedExplainer) -> PairExplainer:
    return PairExplainer(named.model.load(), named.layers, named.options)
