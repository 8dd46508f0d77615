"""The record of decisions."""

from pairx_core.decisions.decision import ADJUDICATED, VERDICTS, Decision, Verdict
from pairx_core.decisions.evidence import TICKS, DamagedLine, Evidence, EvidenceLog, Tick, TickedMatch
from pairx_core.decisions.log import DecisionLog
from pairx_core.decisions.recovery import DamagedRow
from pairx_core.decisions.rows import COLUMNS
from pairx_core.decisions.standing import (
    disagreements,
    last_undoable,
    standing_by_reviewer,
    standing_decisions,
)
from pairx_core.decisions.store import DecisionStore, open_decisions

__all__ = [
    "ADJUDICATED",
    "COLUMNS",
    "TICKS",
    "VERDICTS",
    "DamagedLine",
    "DamagedRow",
    "Decision",
    "DecisionLog",
    "DecisionStore",
    "Evidence",
    "EvidenceLog",
    "Tick",
    "TickedMatch",
    "Verdict",
    "disagreements",
    "last_undoable",
    "open_decisions",
    "standing_by_reviewer",
    "standing_decisions",
]
