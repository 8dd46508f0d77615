"""A record of decisions on the bundled sample, as invented reviewers might have made it: for pictures and documents."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pairx_core.decisions import DecisionLog, Verdict
from pairx_core.retrieval import CandidateIndex
from pairx_core.sessions import ExpertSession, SessionBook, SessionPair, known_answers, plan_session

REVIEWERS = ("Asha", "Ben", "Chen")
SESSION = "spring"
_MADE_AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
_SURE: dict[bool, Verdict] = {True: "accept", False: "reject"}
_NOTES = {"accept": "all marks agree", "reject": "two marks differ"}
_MISTAKEN = {
    "Asha": 0.04,
    "Ben": 0.12,
    "Chen": 0.2,
}  # share of a reviewer's verdicts on bare photos that are wrong
_STAYS_MISTAKEN = 0.6  # of these, after the explanation


def true_identities(truth: Path) -> dict[str, str]:
    """Who is really on each photo, from the sample's truth folder."""
    with (truth / "individuals.csv").open(newline="", encoding="utf-8") as file:
        return {row["image_id"]: row["true_identity"] for row in csv.DictReader(file)}


def review(log: DecisionLog, index: CandidateIndex, truth: dict[str, str]) -> None:
    """One reviewer's decisions on the photos to identify: as far as the right candidate, with some doubts."""
    time = _MADE_AT
    for query in (photo for photo in index.photos if not photo.is_known):
        time += timedelta(hours=9)
        for one in index.candidates(query, 3):
            time += timedelta(seconds=25)
            same = truth[query.id] == truth[one.photo.id]
            verdict: Verdict = "unsure" if not same and one.similarity > 0.8 else _SURE[same]
            log.record(
                reviewer=REVIEWERS[0],
                query_id=query.id,
                candidate_id=one.photo.id,
                decision=verdict,
                decided_at=time,
                rank=one.rank,
                similarity=one.similarity,
                query_path=query.catalogue_path,
                candidate_path=one.photo.catalogue_path,
                candidate_identity=one.photo.identity or "",
                model="demo",
                layer="blocks.3",
                overlay_shown=("lines", "points", "heat_map"),
                seconds=20.0,
            )
            if same:
                break


def hold_session(
    log: DecisionLog, index: CandidateIndex, truth: dict[str, str], *, left: int = 0
) -> ExpertSession:
    """A blind session of three reviewers with two of them a pair; the last one still has some pairs to judge."""
    session = plan_session(
        name=SESSION,
        coordinator="Ada",
        reviewers=REVIEWERS,
        pairs=list(_pairs(index)),
        known_answers=known_answers(index, 10, seed=1),
        seed=1,
        catalogue="metadata.csv",
        model="demo",
        layer="blocks.3",
        made_at=_MADE_AT,
    )
    SessionBook(log.lines("sessions")).add(session)
    for reviewer in REVIEWERS:
        queue = session.queues[reviewer]
        judged = queue[: len(queue) - left] if reviewer == REVIEWERS[-1] else queue
        lots = random.Random(reviewer)
        for place, number in enumerate(judged):
            _judge(log, session, reviewer, number, truth, lots, _MADE_AT + timedelta(minutes=place))
    return session


def _pairs(index: CandidateIndex) -> Iterator[SessionPair]:
    for query in (photo for photo in index.photos if not photo.is_known):
        for one in index.candidates(query, 2):
            yield SessionPair(query.id, one.photo.id, one.rank, one.similarity)


def _judge(
    log: DecisionLog,
    session: ExpertSession,
    reviewer: str,
    number: int,
    truth: dict[str, str],
    lots: random.Random,
    time: datetime,
) -> None:
    """A verdict on the bare photos, and one after the explanation."""
    pair = session.pairs[number]
    same = truth[pair.query_id] == truth[pair.candidate_id]
    wrong = lots.random() < _MISTAKEN[reviewer]
    still_wrong = wrong and lots.random() < _STAYS_MISTAKEN
    for is_blind, is_wrong, seconds in ((True, wrong, 14.0), (False, still_wrong, 9.0)):
        verdict = _SURE[same is not is_wrong]
        log.record(
            reviewer=reviewer,
            query_id=pair.query_id,
            candidate_id=pair.candidate_id,
            decision=verdict,
            session=session.name,
            decided_at=time + timedelta(seconds=30 * (not is_blind)),
            rank=pair.rank,
            similarity=pair.similarity,
            model="demo",
            layer="blocks.3",
            overlay_shown=("none",) if is_blind else ("lines", "points", "heat_map"),
            blind=is_blind,
            seconds=seconds + 10 * lots.random(),
            note="" if is_blind else _NOTES[verdict],
        )
