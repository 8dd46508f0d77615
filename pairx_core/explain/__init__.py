"""PAIR-X: relevance propagation, matching, and the explanation of a pair."""

from pairx_core.explain.computing import give_memory_back, keep_freed_memory
from pairx_core.explain.explainer import PairExplainer
from pairx_core.explain.explanation import Matches, PairExplanation
from pairx_core.explain.explanation_cache import ExplanationCache
from pairx_core.explain.options import ChannelReduction, Distance, ExplanationOptions, Precision
from pairx_core.explain.scenery import Scenery, SideScenery, scenery
from pairx_core.explain.support import check_supported

__all__ = [
    "ChannelReduction",
    "Distance",
    "ExplanationCache",
    "ExplanationOptions",
    "Matches",
    "PairExplainer",
    "PairExplanation",
    "Precision",
    "Scenery",
    "SideScenery",
    "check_supported",
    "give_memory_back",
    "keep_freed_memory",
    "scenery",
]
