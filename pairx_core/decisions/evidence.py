"""The matches that a reviewer ticked as convincing or misleading: lines beside the decisions file.

Each line is one JSON object. Lines are appended, under a lock, and never changed; where several have the
same decision_id, the last one counts.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pairx_core.decisions.checking import clean_text, tidy_name
from pairx_core.decisions.lines import DamagedLine as DamagedLine
from pairx_core.decisions.lines import Entry, FileLines, Lines
from pairx_core.errors import DecisionLogError

Tick = Literal["convincing", "misleading"]
TICKS: tuple[Tick, ...] = get_args(Tick)

_KIND = "evidence file"
_NEEDED = ("decision_id", "reviewer", "query_id", "candidate_id")
_TEXTS = (*_NEEDED, "model", "model_fingerprint", "layer")


@dataclass(frozen=True, slots=True)
class TickedMatch:
    """A match of an explanation, and what a reviewer said about it."""

    said: Tick
    rank: int  # in the explanation, from 1
    query_cell: tuple[int, int]  # column, row in the query's feature map
    candidate_cell: tuple[int, int]  # column, row in the candidate's feature map
    query_xy: tuple[float, float]  # x, y pixels in the upright cropped query photo
    candidate_xy: tuple[float, float]  # x, y pixels in the upright cropped candidate photo
    relevance: float
    distance: float  # of the two feature vectors


@dataclass(frozen=True, slots=True)
class Evidence:
    """A line of the evidence file: which matches were ticked when a decision was made."""

    decision_id: str  # of the decision they belong to
    reviewer: str
    query_id: str
    candidate_id: str
    model: str
    model_fingerprint: str  # identifies weights and preprocessing
    layer: str
    ticked: tuple[TickedMatch, ...]  # none: earlier ticks were taken back
    recorded_at: datetime  # UTC


class EvidenceLog:
    """The ticked matches of all decisions, in a file beside the decisions file that programs may share.

    For ``pairx_decisions.csv`` it is ``pairx_decisions.evidence.jsonl``; it is made when the first evidence
    is recorded. All methods may be called from several threads, and see what other programs append.
    """

    path: Path  # of the file; evidence elsewhere has none

    def __init__(self, decisions_path: str | Path, *, lock_timeout: float = 10.0) -> None:
        self.path = Path(decisions_path).expanduser().absolute().with_suffix(".evidence.jsonl")
        self._follow(FileLines(self.path, _KIND, lock_timeout=lock_timeout, read=read_evidence))

    @classmethod
    def over(cls, lines: Lines) -> Self:
        """The ticked matches in other lines, which read their objects with :func:`read_evidence`."""
        log = cls.__new__(cls)
        log._follow(lines)
        return log

    @property
    def name(self) -> str:
        """What messages call the place where they are, such as the path."""
        return self._lines.name

    def record(self, evidence: Evidence) -> None:
        """Append evidence; it is on the disk when this returns.

        Nothing is appended where the line that counts for the decision says the same, at whatever time.
        NUL characters are removed from texts; half characters (lone surrogates) become U+FFFD.

        Raises:
            DecisionLogError: it was not saved; the message says why and what to do.
        """
        try:
            self._write_once(self._checked(evidence))
        except DecisionLogError as reason:
            raise DecisionLogError(f"The ticked matches were not saved. {reason}") from reason

    def of(self, decision_id: str) -> Evidence | None:
        """The evidence that counts for a decision; None where no match was ticked.

        Raises:
            DecisionLogError: the file is gone or cannot be read.
        """
        with self._threads:
            self._refresh()
            return self._by_decision.get(decision_id)

    def all(self) -> tuple[Evidence, ...]:
        """The evidence that counts for each decision, in the order in which decisions first got some.

        Raises:
            DecisionLogError: the file is gone or cannot be read.
        """
        with self._threads:
            self._refresh()
            return tuple(self._by_decision.values())

    @property
    def damaged(self) -> tuple[DamagedLine, ...]:
        """Lines that cannot be read as evidence: torn by a crash, or changed by another program."""
        return self._lines.damaged

    def _follow(self, lines: Lines) -> None:
        self._lines = lines
        self._threads = threading.RLock()
        self._seen: tuple[Evidence, ...] = ()  # what _by_decision was made of
        self._by_decision: dict[str, Evidence] = {}  # decision_id → the last evidence

    def _checked(self, evidence: Evidence) -> Evidence:
        try:
            return _checked(evidence)
        except ValueError as reason:
            raise DecisionLogError(
                f"For {self.name}, {reason}. Explain the pair again, tick the matches again, then decide again."
            ) from reason

    def _write_once(self, evidence: Evidence) -> None:
        with self._threads, self._lines.exclusive():
            self._refresh()
            if not self._holds(evidence):
                self._lines.append(_entry(evidence))
                self._confirm(evidence)

    def _confirm(self, evidence: Evidence) -> None:
        self._refresh()
        if not self._holds(evidence):
            raise DecisionLogError(
                f"They were written to {self.name} but cannot be found there. Another program may have "
                "changed the file. Look at its last lines, then decide again."
            )

    def _holds(self, evidence: Evidence) -> bool:
        """Whether the line that counts says the same, at whatever time."""
        found = self._by_decision.get(evidence.decision_id)
        return found is not None and replace(found, recorded_at=evidence.recorded_at) == evidence

    def _refresh(self) -> None:
        """Take in what is new."""
        entries = self._lines.entries()
        if entries is self._seen:
            return
        known = len(self._seen)
        if known and (len(entries) < known or entries[known - 1] is not self._seen[-1]):  # read again
            self._by_decision, known = {}, 0
        self._by_decision.update((one.decision_id, one) for one in entries[known:])
        self._seen = entries


def read_evidence(entry: Entry) -> Evidence:
    """The evidence in one object; those of its fields that a later version may add are passed over.

    Raises:
        ValueError: it is not whole or not ours; the message says why.
    """
    values = _picked(entry, Evidence)
    if not isinstance(values["ticked"], list):
        raise ValueError("ticked is not a list of matches")
    ticked = tuple(TickedMatch(**_picked(match, TickedMatch)) for match in values["ticked"])
    return _checked(
        Evidence(**values | {"ticked": ticked, "recorded_at": _parse_time(values["recorded_at"])})
    )


def _entry(evidence: Evidence) -> Entry:
    """The object that a line holds; every value comes back exactly from :func:`read_evidence`."""
    time = evidence.recorded_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return asdict(evidence) | {"recorded_at": time}


def _picked(value: object, kind: type[Evidence | TickedMatch]) -> dict[str, Any]:
    """The values of an object's known fields; those that a later version may add are passed over."""
    if not isinstance(value, dict):
        raise ValueError("not one whole JSON object")
    names = [field.name for field in fields(kind)]
    for name in names:
        if name not in value:
            raise ValueError(f"{name} is missing")
    return {name: value[name] for name in names}


def _parse_time(value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(
            f"recorded_at “{str(value)[:40]}” is not a time such as 2026-03-01T09:15:02.123456Z"
        ) from None


def _checked(evidence: Evidence) -> Evidence:
    """The evidence as it will be written: texts cleaned, plain numbers, the time in UTC.

    Raises:
        ValueError: something is missing or cannot be written; the message says what.
    """
    texts = {name: _checked_text(getattr(evidence, name), name) for name in _TEXTS}
    texts["reviewer"] = tidy_name(texts["reviewer"])
    for name in _NEEDED:
        if not texts[name]:
            raise ValueError(f"{name} is empty")
    ticked = tuple(_checked_match(match) for match in evidence.ticked)
    ranks = [match.rank for match in ticked]
    for rank in ranks:
        if ranks.count(rank) > 1:
            raise ValueError(f"match {rank} is ticked twice")
    return replace(evidence, **texts, ticked=ticked, recorded_at=_utc(evidence.recorded_at))


def _checked_match(match: TickedMatch) -> TickedMatch:
    rank = _whole_number(match.rank, "the rank of a ticked match", least=1)
    if match.said not in TICKS:
        raise ValueError(f"match {rank} is ticked as “{match.said}”, which is none of {', '.join(TICKS)}")
    return TickedMatch(
        said=match.said,
        rank=rank,
        query_cell=_cell(match.query_cell, f"query_cell of match {rank}"),
        candidate_cell=_cell(match.candidate_cell, f"candidate_cell of match {rank}"),
        query_xy=_point(match.query_xy, f"query_xy of match {rank}"),
        candidate_xy=_point(match.candidate_xy, f"candidate_xy of match {rank}"),
        relevance=_number(match.relevance, f"relevance of match {rank}"),
        distance=_number(match.distance, f"distance of match {rank}"),
    )


def _checked_text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text ({value!s:.40})")
    return clean_text(value)


def _cell(value: Iterable[object], name: str) -> tuple[int, int]:
    column, row = _two(value, name)
    return _whole_number(column, name, least=0), _whole_number(row, name, least=0)


def _point(value: Iterable[object], name: str) -> tuple[float, float]:
    x, y = _two(value, name)
    return _number(x, name), _number(y, name)


def _two(value: Iterable[object], name: str) -> tuple[object, object]:
    try:
        first, second = value
    except (TypeError, ValueError):
        raise ValueError(f"{name} is not a pair of numbers ({value!s:.40})") from None
    return first, second


def _whole_number(value: object, name: str, *, least: int) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is not a whole number from {least} ({value!s:.40})")
    return int(value)


def _number(value: object, name: str) -> float:
    """A finite number; numpy's are taken too."""
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise ValueError(f"{name} is not a finite number ({value!s:.40})")


def _utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError("recorded_at has no time zone")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("recorded_at lies outside the calendar") from None
