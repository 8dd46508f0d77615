"""The report of an expert session: one HTML file with all that a paper's methods section and its appendix need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pairx_core.catalogue import Catalogue, Photo
from pairx_core.decisions.adjudication import Dispute, disputes
from pairx_core.decisions.agreement import AgreementSummary, Stage, agreement_summary, ratings
from pairx_core.decisions.decision import Decision
from pairx_core.decisions.evidence import Evidence
from pairx_core.decisions.performance import (
    Accuracy,
    RevealChanges,
    Timing,
    accuracy,
    reveal_changes,
    time_per_decision,
)
from pairx_core.errors import SessionError
from pairx_core.sessions import ExpertSession, Progress, progress
from pairx_core.version import __version__
from pairx_core.whole_files import write_whole

_BLIND_STAGES: dict[Stage, str] = {"blind": "Bare photos", "final": "With the explanation"}
_OPEN_STAGES: dict[Stage, str] = {"final": "Verdicts"}


@dataclass(frozen=True, eq=False)
class SessionReport:
    """What came of a session."""

    session: ExpertSession
    made_at: datetime  # with a time zone
    rows: tuple[Decision, ...]  # the session's, in the order of the record, undone ones as well
    stages: Mapping[Stage, str]  # asked in this session, with what readers call them
    progress: tuple[Progress, ...]  # one of each reviewer
    agreement: Mapping[Stage, AgreementSummary]
    accuracy: Mapping[Stage, Mapping[str, Accuracy]]  # of each reviewer on known answers
    reveal: Mapping[str, RevealChanges]  # of each reviewer, "" of all; empty in an open session
    timing: Mapping[Stage, Mapping[str, Timing]]  # of each reviewer
    disputes: tuple[Dispute, ...]
    evidence: Mapping[str, Evidence]  # ticked matches, by decision id
    photos: Mapping[str, Photo]  # of the catalogue, as far as they are in the session, by id
    catalogue: str  # the name of its file or folder; empty where none was given
    version: str = __version__  # of PAIR-X Review

    def __post_init__(self) -> None:
        if self.made_at.tzinfo is None:
            raise SessionError("The report's date has no time zone. Give one, such as datetime.now(UTC).")


def gather_report(
    session: ExpertSession,
    decisions: Iterable[Decision],
    *,
    made_at: datetime,
    evidence: Iterable[Evidence] = (),
    catalogue: Catalogue | None = None,
) -> SessionReport:
    """The numbers of a session, as its page shows them.

    Args:
        session: the session.
        decisions: the record's, in its order; those of other sessions are left out.
        made_at: the date on the report, with a time zone.
        evidence: the record's ticked matches.
        catalogue: for pictures of the pairs that reviewers differ on; None: there are none.

    Raises:
        SessionError: the date has no time zone.
    """
    rows = tuple(row for row in decisions if row.session == session.name)
    stages = _BLIND_STAGES if session.is_blind else _OPEN_STAGES
    return SessionReport(
        session=session,
        made_at=made_at,
        rows=rows,
        stages=stages,
        progress=tuple(progress(session, reviewer, rows) for reviewer in session.reviewers),
        agreement={stage: agreement_summary(ratings(rows, stage=stage)) for stage in stages},
        accuracy={stage: accuracy(rows, session.truth, stage=stage) for stage in stages},
        reveal=reveal_changes(rows, session.truth) if session.is_blind else {},
        timing={stage: time_per_decision(rows, stage=stage) for stage in stages},
        disputes=disputes(rows, session=session.name),
        evidence={one.decision_id: one for one in evidence},
        photos={} if catalogue is None else _photos(session, catalogue),
        catalogue="" if catalogue is None else catalogue.source.name,
    )


def write_session_report(
    path: str | Path,
    session: ExpertSession,
    decisions: Iterable[Decision],
    *,
    made_at: datetime | None = None,
    evidence: Iterable[Evidence] = (),
    catalogue: Catalogue | None = None,
) -> None:
    """Write the report of a session as one HTML file, whole or not at all.

    The file needs nothing else: no script, no address, pictures inside. The same arguments give the same bytes.
    The keys of the session's links are not in it; who the animals are in a known-answer pair is. Arguments are
    those of :func:`gather_report`; ``made_at`` is now unless given.

    Raises:
        SessionError: the file cannot be written.
    """
    report = gather_report(
        session, decisions, made_at=made_at or datetime.now(UTC), evidence=evidence, catalogue=catalogue
    )
    write_whole(Path(path), report_file(report), what="session's report", error=SessionError)


def report_file(report: SessionReport) -> bytes:
    """The report as the content of an HTML file."""
    from pairx_core.render.report_page import report_page

    return report_page(report).encode("utf-8", "replace")


def _photos(session: ExpertSession, catalogue: Catalogue) -> dict[str, Photo]:
    ids = {photo_id for pair in session.pairs for photo_id in pair.ids if photo_id in catalogue}
    return {photo_id: catalogue.photo(photo_id) for photo_id in sorted(ids)}
