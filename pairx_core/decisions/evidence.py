"""The matches that a reviewer ticked as convincing or misleading: lines beside the decisions file.

Each line is one JSON object. Lines are appended, under a lock, and never changed; where several have the
same decision_id, the last one counts.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, get_args

from pairx_core.decisions.appending import Follower, append, locked, make_folder_of
from pairx_core.decisions.checking import clean_text, tidy_name
from pairx_core.errors import DecisionLogError

Tick = Literal["convincing", "misleading"]
TICKS: tuple[Tick, ...] = get_args(Tick)

_KIND = "evidence file"
_NEEDED = ("decision_id", "reviewer", "query_id", "candidate_id")
_TEXTS = (*_NEEDED, "model", "model_fingerprint", "layer")
_LONGEST_EXCERPT = 80  # characters


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


@dataclass(frozen=True, slots=True)
class DamagedLine:
    """A line of the evidence file that cannot be read; it stays in the file."""

    line: int  # from 1
    excerpt: str  # how it begins
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}: “{self.excerpt}”"


class EvidenceLog:
    """The ticked matches of all decisions, in a file beside the decisions file that programs may share.

    For ``pairx_decisions.csv`` it is ``pairx_decisions.evidence.jsonl``; it is made when the first evidence
    is recorded. All methods may be called from several threads, and see what other programs append.
    """

    def __init__(self, decisions_path: str | Path, *, lock_timeout: float = 10.0) -> None:
        self.path = Path(decisions_path).expanduser().absolute().with_suffix(".evidence.jsonl")
        self._lock_timeout = lock_timeout  # seconds to wait for another program that is writing
        self._threads = threading.RLock()
        self._file = Follower(self.path)
        self._whole = _Lines()  # lines that have their line end and will not change any more
        self._last = _Lines()  # the one after them, if there is one: torn, or being written at this moment
        self._tail = b""  # its bytes

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
            return self._find(decision_id)

    def all(self) -> tuple[Evidence, ...]:
        """The evidence that counts for each decision, in the order in which decisions first got some.

        Raises:
            DecisionLogError: the file is gone or cannot be read.
        """
        with self._threads:
            self._refresh()
            return tuple({**self._whole.by_decision, **self._last.by_decision}.values())

    @property
    def damaged(self) -> tuple[DamagedLine, ...]:
        """Lines that cannot be read as evidence: torn by a crash, or changed by another program."""
        with self._threads:
            self._refresh()
            return (*self._whole.damaged, *self._last.damaged)

    def _checked(self, evidence: Evidence) -> Evidence:
        try:
            return _checked(evidence)
        except ValueError as reason:
            raise DecisionLogError(
                f"For {self.path}, {reason}. Explain the pair again, tick the matches again, then decide again."
            ) from reason

    def _write_once(self, evidence: Evidence) -> None:
        with self._threads:
            make_folder_of(self.path, _KIND)
            with locked(self.path, _KIND, self._lock_timeout):
                self._refresh()
                if not self._holds(evidence):
                    append(self.path, self._missing_ending + _line_bytes(evidence))
                    self._confirm(evidence)

    def _confirm(self, evidence: Evidence) -> None:
        self._refresh()
        if not self._holds(evidence):
            raise DecisionLogError(
                f"They were written to {self.path} but cannot be found there. Another program may have "
                "changed the file. Look at its last lines, then decide again."
            )

    def _holds(self, evidence: Evidence) -> bool:
        """Whether the line that counts says the same, at whatever time."""
        found = self._find(evidence.decision_id)
        return found is not None and replace(found, recorded_at=evidence.recorded_at) == evidence

    def _find(self, decision_id: str) -> Evidence | None:
        return self._last.by_decision.get(decision_id) or self._whole.by_decision.get(decision_id)

    @property
    def _missing_ending(self) -> bytes:
        """What has to be appended before a new line can follow."""
        return b"\n" if self._tail else b""

    def _refresh(self) -> None:
        """Read what is new."""
        content = self._unread()
        if self._file.taken == 0:
            self._whole = _Lines()
        *lines, self._tail = content.split(b"\n")
        for line in lines:
            self._whole.add(line)
        self._file.take(content[: len(content) - len(self._tail)])
        self._last = _Lines(self._whole.count)
        self._last.add(self._tail)

    def _unread(self) -> bytes:
        try:
            return self._file.unread()
        except FileNotFoundError:
            if not self._file.has_seen_file:
                return b""
            raise DecisionLogError(
                f"The evidence file {self.path} is gone. Put it back, or open the catalogue again "
                "to start a new one."
            ) from None
        except OSError as error:
            raise DecisionLogError(
                f"The evidence file {self.path} cannot be read ({error.strerror}). Allow reading it, "
                "or move it away and open the catalogue again; it was not changed."
            ) from error


@dataclass
class _Lines:
    """What has been read."""

    count: int = 0  # lines up to here
    by_decision: dict[str, Evidence] = field(default_factory=dict)
    damaged: list[DamagedLine] = field(default_factory=list)

    def add(self, content: bytes) -> None:
        self.count += 1
        if not content.strip():
            return
        try:
            evidence = _parse_line(content)
        except ValueError as reason:
            excerpt = content.decode("utf-8", "replace").strip()[:_LONGEST_EXCERPT]
            self.damaged.append(DamagedLine(self.count, excerpt, str(reason)))
        else:
            self.by_decision[evidence.decision_id] = evidence


def _line_bytes(evidence: Evidence) -> bytes:
    """The line, in UTF-8 with a line end; every value comes back exactly from :func:`_parse_line`."""
    time = evidence.recorded_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    values = asdict(evidence) | {"recorded_at": time}
    return (json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _parse_line(line: bytes) -> Evidence:
    """The evidence in one line.

    Raises:
        ValueError: the line is not whole or not ours; the message says why.
    """
    values = _picked(_parse_json(line), Evidence)
    if not isinstance(values["ticked"], list):
        raise ValueError("ticked is not a list of matches")
    ticked = tuple(TickedMatch(**_picked(match, TickedMatch)) for match in values["ticked"])
    return _checked(
        Evidence(**values | {"ticked": ticked, "recorded_at": _parse_time(values["recorded_at"])})
    )


def _parse_json(line: bytes) -> object:
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise ValueError("not one whole JSON object") from None


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
