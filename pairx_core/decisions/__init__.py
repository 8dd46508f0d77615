"""The record of decisions."""

from pairx_core.decisions.decision import VERDICTS, Decision, Verdict
from pairx_core.decisions.log import DecisionLog
from pairx_core.decisions.recovery import DamagedRow
from pairx_core.decisions.rows import COLUMNS
from pairx_core.decisions.standing import last_undoable, standing_decisions

__all__ = [
    "COLUMNS",
    "VERDICTS",
    "DamagedRow",
    "Decision",
    "DecisionLog",
    "Verdict",
    "last_undoable",
    "standing_decisions",
]
