"""PAIR-X Review's core: photographs in, candidates, explanations and decisions out; no screen.

Names are loaded when first used, so that ``import pairx_core`` is quick and needs no torch::

    import pairx_core as px

    catalogue = px.read_catalogue("data_samples/metadata.csv")
    model = px.load_model("demo")
    index = px.build_index(catalogue, model)
    query = catalogue.photos[0]
    candidate = index.candidates(query, k=5)[0]
    explanation = px.PairExplainer(model).explain(query, candidate.photo, k_lines=20, k_colors=10)
    px.render_overlay(explanation).save("overlay.png")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pairx_core.errors import (
    CatalogueError,
    DecisionLogError,
    ExplanationError,
    ModelError,
    PairxError,
    PhotoError,
    SettingsError,
)
from pairx_core.lazy import lazily
from pairx_core.version import __version__

if TYPE_CHECKING:
    from pairx_core.catalogue import Box, Catalogue, Photo, open_photo, photo_from_file, read_catalogue
    from pairx_core.decisions import Decision, DecisionLog, Evidence, EvidenceLog
    from pairx_core.explain import ExplanationCache, ExplanationOptions, PairExplainer, PairExplanation
    from pairx_core.models import EmbeddingModel, Preprocessing, load_model
    from pairx_core.render import overlay_figure, render_overlay
    from pairx_core.retrieval import Candidate, CandidateFilters, CandidateIndex, build_index
    from pairx_core.settings import Settings

_HOMES = {
    "Box": "catalogue",
    "Catalogue": "catalogue",
    "Photo": "catalogue",
    "open_photo": "catalogue",
    "photo_from_file": "catalogue",
    "read_catalogue": "catalogue",
    "Decision": "decisions",
    "DecisionLog": "decisions",
    "Evidence": "decisions",
    "EvidenceLog": "decisions",
    "ExplanationCache": "explain",
    "ExplanationOptions": "explain",
    "PairExplainer": "explain",
    "PairExplanation": "explain",
    "EmbeddingModel": "models",
    "Preprocessing": "models",
    "load_model": "models",
    "overlay_figure": "render",
    "render_overlay": "render",
    "Candidate": "retrieval",
    "CandidateFilters": "retrieval",
    "CandidateIndex": "retrieval",
    "build_index": "retrieval",
    "Settings": "settings",
}

__all__ = [
    "Box",
    "Candidate",
    "CandidateFilters",
    "CandidateIndex",
    "Catalogue",
    "CatalogueError",
    "Decision",
    "DecisionLog",
    "DecisionLogError",
    "EmbeddingModel",
    "Evidence",
    "EvidenceLog",
    "ExplanationCache",
    "ExplanationError",
    "ExplanationOptions",
    "ModelError",
    "PairExplainer",
    "PairExplanation",
    "PairxError",
    "Photo",
    "PhotoError",
    "Preprocessing",
    "Settings",
    "SettingsError",
    "__version__",
    "build_index",
    "load_model",
    "open_photo",
    "overlay_figure",
    "photo_from_file",
    "read_catalogue",
    "render_overlay",
]


__getattr__, __dir__ = lazily(__name__, _HOMES, __all__)
