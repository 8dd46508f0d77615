"""Expert sessions: what is judged, by whom, in which order, and what is hidden meanwhile."""

from pairx_core.sessions.access import Visitor, hidden_by, may_coordinate
from pairx_core.sessions.book import SessionBook
from pairx_core.sessions.definition import ExpertSession, SessionPair
from pairx_core.sessions.known_answers import known_answers
from pairx_core.sessions.planning import MOST_REVIEWERS, plan_session
from pairx_core.sessions.progress import Progress, Stage, Task, progress

__all__ = [
    "MOST_REVIEWERS",
    "ExpertSession",
    "Progress",
    "SessionBook",
    "SessionPair",
    "Stage",
    "Task",
    "Visitor",
    "hidden_by",
    "known_answers",
    "may_coordinate",
    "plan_session",
    "progress",
]
