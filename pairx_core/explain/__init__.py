"""PAIR-X: relevance propagation, matching, and the explanation of a pair."""

from pairx_core.explain.explainer import PairExplainer
from pairx_core.explain.explanation import ChannelReduction, Matches, PairExplanation

__all__ = ["ChannelReduction", "Matches", "PairExplainer", "PairExplanation"]
