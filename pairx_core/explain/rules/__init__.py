"""The propagation rules: how relevance passes backwards through one module, one rule a file."""

from pairx_core.explain.rules.conserved_sum import conserved_sum
from pairx_core.explain.rules.epsilon import Epsilon
from pairx_core.explain.rules.frozen_norm import FrozenNorm
from pairx_core.explain.rules.norm import Norm
from pairx_core.explain.rules.passing import Pass
from pairx_core.explain.rules.recording import record
from pairx_core.explain.rules.self_gated import Scale, SelfGated
from pairx_core.explain.rules.stabilizer import STABILIZER, stabilize
from pairx_core.explain.rules.zplus import ZPlus
from pairx_core.explain.rules.zplus_gradient import ZPlusGradient

__all__ = [
    "STABILIZER",
    "Epsilon",
    "FrozenNorm",
    "Norm",
    "Pass",
    "Scale",
    "SelfGated",
    "ZPlus",
    "ZPlusGradient",
    "conserved_sum",
    "record",
    "stabilize",
]
