"""The methods to compare, by name."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pairx_core.errors import ExplanationError
from pairx_core.evaluate.evidence import Method
from pairx_core.models.embedding_model import EmbeddingModel

Make = Callable[[EmbeddingModel, str | None], Method]


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A method before it is set up."""

    name: str  # for the command line
    title: str  # in words, for tables
    source: str  # who described it
    needs: tuple[str, ...]  # packages beyond requirements.txt, as they are imported
    make: Make  # for a model and the layer whose cells are matched (None: the recommended one)
    alone: bool = (
        False  # it switches something for the whole process: no other may be at work in it meanwhile
    )


def make_method(name: str, model: EmbeddingModel, layer: str | None = None) -> Method:
    """Set a method up.

    Args:
        name: one of ``METHODS``.
        model: the model whose similarities are explained.
        layer: the layer at which cells are matched, by PAIR-X and by nearest neighbours; None takes the model's
            recommended one. The other methods have a place of their own in a model.

    Raises:
        ExplanationError: no such method; a package that it needs is missing; or it cannot explain this model.
    """
    if name not in METHODS:
        raise ExplanationError(f"There is no method “{name}”. Methods to choose from: {', '.join(METHODS)}.")
    return METHODS[name].make(model, layer)


def available_methods() -> tuple[str, ...]:
    """Names of the methods whose packages are installed."""
    return tuple(
        name
        for name, spec in METHODS.items()
        if all(importlib.util.find_spec(package) is not None for package in spec.needs)
    )


def _pairx(**options: Any) -> Make:
    def make(model: EmbeddingModel, layer: str | None) -> Method:
        from pairx_core.evaluate.methods.pairx import PairXMethod
        from pairx_core.explain.options import ExplanationOptions

        return PairXMethod(model, layer, ExplanationOptions(**options))

    return make


def _nearest(model: EmbeddingModel, layer: str | None) -> Method:
    from pairx_core.evaluate.methods.nearest import NearestNeighbours

    return NearestNeighbours(model, layer)


def _relevance(model: EmbeddingModel, _: str | None) -> Method:
    from pairx_core.evaluate.methods.relevance import RelevanceAlone

    return RelevanceAlone(model)


def _grad_cam(model: EmbeddingModel, _: str | None) -> Method:
    from pairx_core.evaluate.methods.saliency import SimilarityGradCam

    return SimilarityGradCam(model)


def _integrated_gradients(model: EmbeddingModel, _: str | None) -> Method:
    from pairx_core.evaluate.methods.saliency import SimilarityIntegratedGradients

    return SimilarityIntegratedGradients(model)


def _decomposition(model: EmbeddingModel, _: str | None) -> Method:
    from pairx_core.evaluate.methods.decomposition import ActivationDecomposition

    return ActivationDecomposition(model)


def _sift(_: EmbeddingModel, __: str | None) -> Method:
    from pairx_core.evaluate.methods.classical import SiftRansac

    return SiftRansac()


def _details(model: EmbeddingModel, layer: str | None) -> Method:
    from pairx_core.evaluate.methods.details import PairXDetails

    return PairXDetails(model, layer)


def _chance(_: EmbeddingModel, __: str | None) -> Method:
    from pairx_core.evaluate.methods.chance import Chance

    return Chance()


_SHRACK = "Shrack et al. 2025"

METHODS: dict[str, MethodSpec] = {
    spec.name: spec
    for spec in (
        MethodSpec("pairx", "PAIR-X", _SHRACK, (), _pairx()),
        MethodSpec(
            "pairx-fork",
            "PAIR-X, relevance summed as in Wild Me's fork",
            f"{_SHRACK}; Wild Me's fork",
            (),
            _pairx(channel_reduction="sum_of_abs"),
        ),
        MethodSpec("pairx-cosine", "PAIR-X, cells matched by cosine", _SHRACK, (), _pairx(distance="cosine")),
        MethodSpec(
            "pairx-refined", "PAIR-X, line ends between cells", _SHRACK, (), _pairx(refine_matches=True)
        ),
        MethodSpec(
            "pairx-conserved",
            "PAIR-X, relevance conserved at skip connections",
            _SHRACK,
            (),
            _pairx(conserve_skips=True),
        ),
        MethodSpec(
            "pairx-hypercolumn",
            "PAIR-X, cells described by several stages",
            f"{_SHRACK}; Hariharan et al. 2015",
            (),
            _pairx(descriptor="hypercolumn"),
        ),
        MethodSpec(
            "pairx-agreement",
            "PAIR-X, lines ordered by relevance and agreement",
            f"{_SHRACK}; Bian et al. 2017",
            (),
            _pairx(agreement=True),
        ),
        MethodSpec(
            "pairx-steady",
            "PAIR-X, several stages and agreement",
            f"{_SHRACK}; Hariharan et al. 2015; Bian et al. 2017",
            (),
            _pairx(descriptor="hypercolumn", agreement=True),
        ),
        MethodSpec(
            "pairx-details",
            "PAIR-X, and the details where it points (SIFT)",
            f"{_SHRACK}; Lowe 2004",
            ("cv2",),
            _details,
        ),
        MethodSpec("nearest", "Nearest neighbours without relevance", _SHRACK, (), _nearest),
        MethodSpec("gradcam", "Grad-CAM of the similarity", "Selvaraju et al. 2017", ("captum",), _grad_cam),
        MethodSpec("lrp", "Relevance of the pixels without matching", "Bach et al. 2015", (), _relevance),
        MethodSpec(
            "ig",
            "Integrated gradients of the similarity",
            "Sundararajan et al. 2017",
            ("captum",),
            _integrated_gradients,
        ),
        MethodSpec(
            "decomposition",
            "Decomposition of the similarity",
            "Zhu et al. 2021",
            (),
            _decomposition,
            alone=True,
        ),
        MethodSpec("sift", "SIFT with a homography, without the model", "Lowe 2004", ("cv2",), _sift),
        MethodSpec("chance", "Chance", "none", (), _chance),
    )
}
