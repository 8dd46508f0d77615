"""The sessions of a record: entries are appended beside the decisions, and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from typing import Any

from pairx_core.decisions.checking import tidy_name
from pairx_core.decisions.lines import Lines
from pairx_core.errors import SessionError
from pairx_core.sessions.definition import ExpertSession, SessionPair

_MADE, _CLOSED, _REOPENED = "session_made", "session_closed", "session_reopened"


class SessionBook:
    """The expert sessions beside a record of decisions, shared by all who use that record.

    Safe to use from several threads and programs.
    """

    def __init__(self, entries: Lines) -> None:
        self._entries = entries
        self._read: tuple[tuple[dict[str, Any], ...], dict[str, ExpertSession]] = ((), {})

    @property
    def place(self) -> str:
        """Where they are kept."""
        return self._entries.name

    def sessions(self) -> tuple[ExpertSession, ...]:
        """All sessions, in the order in which they were made.

        Raises:
            DecisionLogError: they cannot be read.
            SessionError: an entry is not one of a session.
        """
        return tuple(self._look().values())

    def find(self, session_id: str) -> ExpertSession:
        """The session of an id.

        Raises:
            SessionError: there is none.
        """
        session = self._look().get(session_id)
        if session is None:
            raise SessionError("There is no such session here. Ask the coordinator for the link.")
        return session

    def of_link(self, key: str) -> tuple[ExpertSession, str] | None:
        """The session and the reviewer that a link's key belongs to; None: nobody's."""
        for session in self.sessions():
            reviewer = session.reviewer_of(key)
            if reviewer is not None:
                return session, reviewer
        return None

    def add(self, session: ExpertSession) -> None:
        """Append a session; it lasts when this returns.

        Raises:
            SessionError: another one has its name.
            DecisionLogError: it was not saved.
        """
        with self._entries.exclusive():
            names = {one.name.casefold() for one in self.sessions()}
            if session.name.casefold() in names:
                raise SessionError(f"There is a session “{session.name}” already. Choose another name.")
            self._entries.append({"entry": _MADE, **_plain(session)})

    def close(self, session: ExpertSession, *, by: str, at: datetime | None = None) -> None:
        """End a session: no more decisions are taken, and nothing of it is hidden any more.

        Raises:
            DecisionLogError: it was not saved.
        """
        self._note(_CLOSED, session, by, at)

    def reopen(self, session: ExpertSession, *, by: str, at: datetime | None = None) -> None:
        """Go on with a session that was closed.

        Raises:
            DecisionLogError: it was not saved.
        """
        self._note(_REOPENED, session, by, at)

    def _note(self, what: str, session: ExpertSession, by: str, at: datetime | None) -> None:
        time = (at or datetime.now(UTC)).isoformat()
        self._entries.append(
            {"entry": what, "session_id": session.session_id, "by": tidy_name(by), "at": time}
        )

    def _look(self) -> dict[str, ExpertSession]:
        entries = self._entries.entries()
        seen, known = self._read
        if entries is not seen and entries != seen:
            known = _read(entries, self._entries.name)
            self._read = (entries, known)
        return known


def _read(entries: tuple[dict[str, Any], ...], place: str) -> dict[str, ExpertSession]:
    sessions: dict[str, ExpertSession] = {}
    for number, entry in enumerate(entries, 1):
        try:
            if entry["entry"] == _MADE:
                session = _session(entry)
                sessions[session.session_id] = session
            elif entry["entry"] in (_CLOSED, _REOPENED):
                known = sessions[entry["session_id"]]
                closed_at = datetime.fromisoformat(entry["at"]) if entry["entry"] == _CLOSED else None
                sessions[known.session_id] = replace(known, closed_at=closed_at)
        except (KeyError, TypeError, ValueError) as error:
            raise SessionError(
                f"Entry {number} of {place} is not one of a session ({error}). Another program may have changed "
                "the file: put back a copy of it, or move it away to start without sessions."
            ) from error
    return sessions


def _plain(session: ExpertSession) -> dict[str, Any]:
    """A session as an entry holds it."""
    values = {field.name: getattr(session, field.name) for field in fields(session)}
    values.pop("closed_at")
    return values | {
        "made_at": session.made_at.isoformat(),
        "pairs": [asdict(pair) for pair in session.pairs],
        "queues": {reviewer: list(queue) for reviewer, queue in session.queues.items()},
        "keys": dict(session.keys),
    }


def _session(entry: Mapping[str, Any]) -> ExpertSession:
    names = {field.name for field in fields(ExpertSession)} - {"closed_at"}
    values = {name: entry[name] for name in names}
    session = ExpertSession(
        **values
        | {
            "made_at": datetime.fromisoformat(entry["made_at"]),
            "pairs": tuple(SessionPair(**pair) for pair in entry["pairs"]),
            "queues": {reviewer: tuple(queue) for reviewer, queue in entry["queues"].items()},
        }
    )
    numbers = {number for queue in session.queues.values() for number in queue}
    if not numbers <= set(range(len(session.pairs))):
        raise ValueError("a queue holds a pair that is not there")
    return session
