"""What came of a session."""

from __future__ import annotations

from pages.components.workspace import Record, Workspace
from pairx_core.sessions import ExpertSession


def show(workspace: Workspace, session: ExpertSession, record: Record) -> None:
    """Draw it."""
