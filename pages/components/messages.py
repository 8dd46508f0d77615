"""What there is to say since the last run of a page."""

from __future__ import annotations

from pages.components import saying, state
from pairx_core.errors import DecisionLogError


def show(trouble: DecisionLogError | None = None) -> None:
    """Say it, and why the record cannot be read now, unless an error says so already."""
    messages = state.take_messages()
    ways = {"error": saying.error, "success": saying.success}
    for message in messages:
        ways.get(message.kind, saying.toast)(message.text)
    if trouble is not None and not any(message.kind == "error" for message in messages):
        saying.error(str(trouble))
