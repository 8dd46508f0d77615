"""Pictures for the Trust page: pairs with their explanation, and what other methods show of a pair."""

from __future__ import annotations

import io

from PIL import Image

from pairx_core.catalogue import Photo
from pairx_core.evaluate.evidence import Evidence, View, view_of_photo
from pairx_core.evaluate.methods import METHODS, available_methods, make_method
from pairx_core.explain import PairExplainer
from pairx_core.models import EmbeddingModel
from pairx_core.render import render_overlay
from pairx_core.render.evidence_drawing import render_evidence

K_LINES = 20
_WIDTH, _HEIGHT = 1000, 420  # pixels at most: twice what the page has room for, sharp on a good screen
_NUMBERS = 17  # pixels


def explained(explainer: PairExplainer, query: Photo, candidate: Photo) -> bytes:
    """A pair with lines and layer relevance, as a JPEG.

    Raises:
        PhotoError: a photo cannot be read.
        ExplanationError: the pair cannot be explained.
    """
    made = explainer.explain(query, candidate, k_lines=K_LINES, k_colors=0)
    return _jpeg(render_overlay(made, height=_HEIGHT, max_width=_WIDTH, number_size=_NUMBERS))


def by_method(name: str, model: EmbeddingModel, layer: str, query: Photo, candidate: Photo) -> bytes:
    """What a method shows of a pair, as a JPEG.

    Raises:
        PhotoError: a photo cannot be read.
        ExplanationError: the method cannot explain the pair.
        ModelError: it cannot explain this model.
    """
    views = view_of_photo(query, model), view_of_photo(candidate, model)
    return _jpeg(draw_evidence(make_method(name, model, layer).evidence(*views), views, K_LINES))


def draw_evidence(evidence: Evidence, views: tuple[View, View], k_lines: int) -> Image.Image:
    """The evidence on both photos, side by side: its first lines numbered, its maps over the photos."""
    return render_evidence(
        (views[0].image, views[1].image),
        (evidence.query_xy, evidence.candidate_xy),
        (evidence.query_map, evidence.candidate_map),
        k_lines=k_lines,
        height=_HEIGHT,
        max_width=_WIDTH,
        number_size=_NUMBERS,
    )


def titles() -> dict[str, str]:
    """The methods whose packages are installed, by name, with their titles."""
    return {name: METHODS[name].title for name in available_methods()}


def missing() -> list[str]:
    """The titles of the methods whose packages are not installed."""
    there = available_methods()
    return [spec.title for name, spec in METHODS.items() if name not in there]


def _jpeg(drawing: Image.Image) -> bytes:
    buffer = io.BytesIO()
    drawing.save(buffer, "JPEG", quality=90, subsampling=0)
    return buffer.getvalue()
