"""Several decisions files into one: each decision once, nothing overwritten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from pathlib import Path

from pairx_core.decisions.appending import append, locked, make_folder_of
from pairx_core.decisions.checking import checked
from pairx_core.decisions.decision import Decision
from pairx_core.decisions.evidence import Evidence, EvidenceLog
from pairx_core.decisions.importing import Imported, read_decisions_bytes, read_decisions_file
from pairx_core.decisions.log import DecisionLog
from pairx_core.decisions.reader import DecisionReader
from pairx_core.decisions.recovery import DamagedRow
from pairx_core.decisions.rows import COLUMNS, HEADER, row_bytes, split_cells
from pairx_core.decisions.standing import standing_by_reviewer
from pairx_core.errors import DecisionLogError

_KIND = "decisions file"
_LONGEST_EXCERPT = 40  # characters


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two rows with the same decision_id that say something different; the first one was kept."""

    decision_id: str
    columns: tuple[str, ...]  # that differ
    kept: tuple[str, ...]  # their cells in the target, as the file writes them
    other: tuple[str, ...]  # their cells in the row that was left out
    kept_from: str  # the file
    other_from: str

    def __str__(self) -> str:
        differences = (
            f"{column} is “{kept[:_LONGEST_EXCERPT]}”, not “{other[:_LONGEST_EXCERPT]}”"
            for column, kept, other in zip(self.columns, self.kept, self.other, strict=True)
        )
        return (
            f"decision {self.decision_id}: kept from {self.kept_from}, left out from {self.other_from}: "
            f"{'; '.join(differences)}"
        )


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What a merge did."""

    target: Path
    added: int  # decisions
    already_there: int  # rows of the sources that the target or an earlier source held, with the same content
    evidence_added: int  # decisions whose ticked matches were taken over
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]  # what was put right, passed over, or has to be known

    def __str__(self) -> str:
        count = len(self.conflicts)
        lines = [
            f"{self.target}: {self.added} decisions added, {self.already_there} already there, "
            f"{count} {'conflict' if count == 1 else 'conflicts'}, ticked matches of {self.evidence_added} added"
        ]
        lines += [f"conflict  {conflict}" for conflict in self.conflicts]
        lines += [f"note  {note}" for note in self.notes]
        return "\n".join(lines)


def merge(
    sources: Iterable[str | Path | Iterable[Decision]],
    into: DecisionLog | str | Path,
    *,
    timezone: tzinfo | None = None,
    lock_timeout: float = 10.0,
) -> MergeReport:
    """Add the decisions of files (or given ones) to a decisions file that is there already, or to a new one.

    All sources are read before anything is written; new rows go to the disk in one append, by decided_at
    and always after the row they supersede. A decision_id is taken once: where a later row says something
    else, the first is kept and the other reported. Ticked matches in the files beside the sources come
    along; where a decision has some on both sides, the later ones count. Merging again adds nothing.

    Raises:
        DecisionLogError: a source cannot be read for certain (nothing was written then), or the target
            cannot be written; merging again then adds what is missing.
    """
    path = into.path if isinstance(into, DecisionLog) else Path(into).expanduser().absolute()
    read = [_source(source, number, timezone) for number, source in enumerate(sources, 1)]
    notes = [f"{source.name}: {note}" for source in read for note in source.notes]
    try:
        make_folder_of(path, _KIND)
        with locked(path, _KIND, lock_timeout):
            union = _append_new(path, read)
        evidence_added = _merge_evidence(path, read, union, lock_timeout)
    except DecisionLogError as reason:
        raise DecisionLogError(
            f"The merge did not finish. {reason} Then merge again: what is there is not added twice."
        ) from reason
    return MergeReport(
        target=path,
        added=len(union.new),
        already_there=union.already_there,
        evidence_added=evidence_added,
        conflicts=tuple(union.conflicts),
        notes=(*notes, *union.notes),
    )


def read_source(path: str | Path, *, timezone: tzinfo | None = None) -> Imported:
    """Read any decisions file, also a record in which a crash has torn a row: that is noted, not fatal.

    Raises:
        DecisionLogError: something else cannot be understood for certain.
    """
    try:
        return read_decisions_file(path, timezone=timezone)
    except DecisionLogError:
        whole = _without_torn_rows(Path(path).expanduser().absolute())
        if whole is None:
            raise
        return whole


def in_order(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """By decided_at, but each decision after the one that it supersedes; equal times stay as they were."""
    by_time = sorted(decisions, key=lambda decision: decision.decided_at)
    by_id = {decision.decision_id: decision for decision in by_time}
    ordered: dict[str, Decision] = {}
    for decision in by_time:
        chain: dict[str, Decision] = {}
        link: Decision | None = decision
        while link is not None and link.decision_id not in ordered and link.decision_id not in chain:
            chain[link.decision_id] = link
            link = by_id.get(link.supersedes)
        ordered |= dict(reversed(chain.items()))
    return tuple(ordered.values())


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    decisions: tuple[Decision, ...]
    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Union:
    """The target's decisions, and what the sources add."""

    held: dict[str, tuple[Decision, str]]  # decision_id → the row, the file it came from
    new: list[Decision] = field(default_factory=list)
    already_there: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, source: _Source) -> None:
        for decision in source.decisions:
            kept, kept_from = self.held.get(decision.decision_id, (None, ""))
            if kept is None:
                self.held[decision.decision_id] = decision, source.name
                self.new.append(decision)
            elif row_bytes(kept) == row_bytes(decision):
                self.already_there += 1
            else:
                self.conflicts.append(_conflict(kept, kept_from, decision, source.name))

    def holds(self, decision: Decision) -> bool:
        return row_bytes(self.held[decision.decision_id][0]) == row_bytes(decision)


def _source(source: str | Path | Iterable[Decision], number: int, timezone: tzinfo | None) -> _Source:
    if not isinstance(source, str | Path):
        return _Source(f"source {number}", tuple(map(_checked, source)), (), ())
    path = Path(source).expanduser().absolute()
    found = read_source(path, timezone=timezone)
    ticks = EvidenceLog(path)
    damaged = (f"{ticks.path.name}: {line} was left out" for line in ticks.damaged)
    return _Source(str(path), found.decisions, ticks.all(), (*found.notes, *damaged))


def _checked(decision: Decision) -> Decision:
    try:
        return checked(decision)
    except ValueError as reason:
        raise DecisionLogError(f"Nothing was merged. Decision {decision.decision_id}: {reason}") from reason


def _without_torn_rows(path: Path) -> Imported | None:
    """What a file in the store's own form holds besides torn rows; None if something else is wrong with it."""
    reader = DecisionReader(path)
    try:
        reader.refresh()
        whole = HEADER + b"".join(map(row_bytes, reader.decisions))
        found = read_decisions_bytes(whole, str(path))
    except DecisionLogError:
        return None
    if not all(map(_is_torn, reader.damaged)):
        return None
    return replace(found, notes=(*found.notes, *(f"{row} was left out" for row in reader.damaged)))


def _is_torn(damaged: DamagedRow) -> bool:
    """Whether a row is not whole; reasons against rows that may be whole start with what is wrong in them."""
    return damaged.reason.split()[0] not in (*COLUMNS, "its", "not")


def _append_new(path: Path, sources: list[_Source]) -> _Union:
    is_new = not path.exists() or path.stat().st_size == 0
    reader = DecisionReader(path)
    if not is_new:
        reader.refresh()
    before = () if is_new else reader.decisions
    union = _Union({decision.decision_id: (decision, str(path)) for decision in before})
    for source in sources:
        union.take(source)
    union.new = list(in_order(union.new))
    if union.new or is_new:
        start = HEADER if is_new else reader.missing_ending
        append(path, start + b"".join(map(row_bytes, union.new)))
        _confirm(path, reader, union)
    union.notes += [f"{path}: {row} was left as it is" for row in reader.damaged]
    union.notes += _note_on_order(before, union.new)
    return union


def _confirm(path: Path, reader: DecisionReader, union: _Union) -> None:
    reader.refresh()
    if any(reader.find(decision.decision_id) is None for decision in union.new):
        raise DecisionLogError(
            f"Decisions were written to {path} but cannot be found there. Another program may have changed "
            "the file. Look at its last rows, then merge again."
        )


def _note_on_order(before: tuple[Decision, ...], new: list[Decision]) -> list[str]:
    """Rows can only be appended, so an earlier decision may come to stand after a later one."""
    appended = standing_by_reviewer((*before, *new))
    by_time = standing_by_reviewer(in_order((*before, *new)))
    differing = [
        f"{reviewer} on {query} and {candidate}"
        for reviewer, standing in appended.items()
        for (query, candidate), decision in standing.items()
        if by_time[reviewer].get((query, candidate)) != decision
    ]
    if not new or not differing:
        return []
    return [
        f"an earlier decision now stands instead of a later one of the same reviewer ({'; '.join(differing[:10])}"
        f"{', …' if len(differing) > 10 else ''}), because rows are only ever appended; merge all files into a "
        "new one to have them by time"
    ]


def _conflict(kept: Decision, kept_from: str, other: Decision, other_from: str) -> Conflict:
    cells = zip(COLUMNS, _cells(kept), _cells(other), strict=True)
    differing = [(column, ours, theirs) for column, ours, theirs in cells if ours != theirs]
    columns, ours, theirs = zip(*differing, strict=True)
    return Conflict(kept.decision_id, columns, ours, theirs, kept_from, other_from)


def _cells(decision: Decision) -> list[str]:
    return split_cells(row_bytes(decision))


def _merge_evidence(path: Path, sources: list[_Source], union: _Union, lock_timeout: float) -> int:
    """Take over the ticked matches of decisions whose rows are the target's; the number of decisions."""
    target = EvidenceLog(path, lock_timeout=lock_timeout)
    added = set()
    for source in sources:
        rows = {decision.decision_id: decision for decision in source.decisions}
        for evidence in source.evidence:
            row = rows.get(evidence.decision_id)
            if row is None or not union.holds(row):
                union.notes.append(
                    f"{source.name}: ticked matches of {evidence.decision_id}, which it adds not, stay there"
                )
            elif _is_later(evidence, target.of(evidence.decision_id)):
                target.record(evidence)
                added.add(evidence.decision_id)
            elif _differs(evidence, target.of(evidence.decision_id)):
                union.notes.append(
                    f"{source.name}: ticked matches of {evidence.decision_id} are older and stay there"
                )
    return len(added)


def _is_later(evidence: Evidence, held: Evidence | None) -> bool:
    """Whether it says something else than what the target holds, and later."""
    return held is None or (_differs(evidence, held) and evidence.recorded_at > held.recorded_at)


def _differs(evidence: Evidence, held: Evidence | None) -> bool:
    return held is None or replace(evidence, recorded_at=held.recorded_at) != held
