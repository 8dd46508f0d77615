"""Where decisions are kept: a CSV file, or a database that several servers share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol, Unpack

from pairx_core.decisions.decision import Decision, DecisionContext, Verdict
from pairx_core.decisions.evidence import EvidenceLog
from pairx_core.decisions.lines import Lines
from pairx_core.decisions.log import DecisionLog
from pairx_core.decisions.recovery import DamagedRow
from pairx_core.errors import DecisionLogError

_NEEDED = "requirements-team.txt"


class DecisionStore(Protocol):
    """A record of decisions; see :class:`DecisionLog`. Safe for several threads, programs and servers."""

    @property
    def location(self) -> str:
        """Where it is, for messages and screens: a path, or an address without its password."""

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions, undone ones and the undo rows included, in their order; the same tuple while none is new.

        Raises:
            DecisionLogError: they cannot be read.
        """

    @property
    def damaged(self) -> Sequence[DamagedRow]:
        """Rows that cannot be read as decisions."""

    def record(
        self,
        *,
        reviewer: str,
        query_id: str,
        candidate_id: str,
        decision: Verdict,
        session: str = "",
        decision_id: str | None = None,
        decided_at: datetime | None = None,
        **context: Unpack[DecisionContext],
    ) -> Decision:
        """Append a decision, and return it as it is held now; it lasts when this returns.

        Raises:
            DecisionLogError: it was not saved.
        """

    def undo(
        self,
        decision: Decision,
        *,
        reviewer: str,
        session: str = "",
        note: str = "",
        seconds: float | None = None,
        decision_id: str | None = None,
        decided_at: datetime | None = None,
        app_version: str = ...,
    ) -> Decision:
        """Append a row that takes a decision back, and return it.

        Raises:
            DecisionLogError: it must not be taken back, or that was not saved.
        """

    def lines(self, kind: str) -> Lines:
        """The list of this kind beside the decisions, such as sessions."""

    @property
    def evidence(self) -> EvidenceLog:
        """The ticked matches of these decisions."""


def open_decisions(where: str | Path, *, lock_timeout: float = 10.0) -> DecisionStore:
    """The record of decisions in a file or a database, made where it is missing.

    Args:
        where: a path of a CSV file, or an address such as ``postgresql://user:password@host/name`` or
            ``sqlite:////folder/decisions.db``.
        lock_timeout: seconds to wait for others that are writing.

    Raises:
        DecisionLogError: it cannot be opened, is not ours, or what a database needs is not installed.
    """
    if isinstance(where, str) and "://" in where:
        return _database(where, lock_timeout)
    return DecisionLog(where, lock_timeout=lock_timeout)


def address_of_lines(name: str, addresses: Iterable[str]) -> str | None:
    """The address that opens the database in which lines are, by their name, which never holds a password.

    Args:
        name: of :class:`Lines` in a database, such as ``sqlite:////folder/decisions.db (sessions)``.
        addresses: those that are known, with their passwords.

    Returns:
        One of the addresses, or else the one in the name. None: it is a file, and that is gone.

    Raises:
        DecisionLogError: as for :func:`open_decisions`.
    """
    try:
        from pairx_core.decisions.database_address import file_of, is_at
    except ImportError as error:
        raise _missing(error) from error
    location = name.rpartition(" (")[0] or name
    file = file_of(location)
    if file is not None:
        return location if file.is_file() else None
    return next((address for address in addresses if is_at(address, location)), location)


def _database(url: str, lock_timeout: float) -> DecisionStore:
    try:
        from pairx_core.decisions.database import DecisionDatabase

        return DecisionDatabase(url, lock_timeout=lock_timeout)
    except ImportError as error:
        raise _missing(error) from error


def _missing(error: ImportError) -> DecisionLogError:
    return DecisionLogError(
        f"Decisions in a database need packages that are not installed ({error}). Run "
        f"pip install -r {_NEEDED}, then start again."
    )
