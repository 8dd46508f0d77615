"""PAIR-X: relevance propagation, matching, and the explanation of a pair.

What an explanation is made with is loaded when it is first used; reading and drawing one needs no torch.
"""

from typing import TYPE_CHECKING

from pairx_core.explain.explanation import Matches, PairExplanation
from pairx_core.explain.explanation_cache import ExplanationCache
from pairx_core.explain.memory import give_memory_back, keep_freed_memory
from pairx_core.explain.options import ChannelReduction, Distance, ExplanationOptions, Precision
from pairx_core.explain.scenery import Scenery, SideScenery, scenery
from pairx_core.lazy import lazily

if TYPE_CHECKING:
    from pairx_core.explain.explainer import PairExplainer
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

__getattr__, __dir__ = lazily(__name__, {"PairExplainer": "explainer", "check_supported": "support"}, __all__)
