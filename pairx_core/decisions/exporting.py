"""Decisions as a file for others: byte for byte as the store keeps them, or safe to open in a spreadsheet.

A spreadsheet program runs a cell that starts with ``=`` and the like as a formula, whoever wrote it. In an
export such a cell gets an apostrophe in front (OWASP, *CSV Injection*), and a last column says so, by which
:func:`pairx_core.decisions.importing.read_decisions_file` knows that it has to take it away again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from pairx_core.decisions.appending import make_folder_of, sync_folder
from pairx_core.decisions.decision import Decision
from pairx_core.decisions.evidence import Evidence, EvidenceLog
from pairx_core.decisions.rows import COLUMNS, HEADER, row_bytes
from pairx_core.errors import DecisionLogError
from pairx_core.formulas import MARKER, neutralise_cell
from pairx_core.whole_files import whole_file

TEXT_COLUMNS = tuple(  # whose cells may hold anything that somebody typed
    column
    for column in COLUMNS
    if column not in {"decided_at", "decision", "rank", "similarity", "blind", "seconds"}
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # without it, Excel takes UTF-8 for the letters of the local country


def export_csv(
    decisions: Iterable[Decision],
    target: str | Path | BinaryIO,
    *,
    neutralise: bool = True,
    evidence: EvidenceLog | Iterable[Evidence] | None = None,
) -> None:
    """Write decisions to a file, which appears whole or not at all, or to a binary stream.

    With ``neutralise`` the file is meant for spreadsheet programs (see :func:`csv_bytes`); without, it is a
    decisions file like the store's own. ``evidence`` of these decisions is appended to the file beside the
    target where it is not there already, as :class:`EvidenceLog` names it.

    Raises:
        DecisionLogError: the file cannot be written, or holds the record of decisions itself; or there is
            evidence for a stream, beside which nothing can lie.
    """
    chosen = tuple(decisions)
    content = csv_bytes(chosen, neutralise=neutralise)
    if isinstance(target, str | Path):
        path = Path(target).expanduser().absolute()
        _write_file(path, content)
        _write_evidence(path, chosen, evidence)
    elif evidence is not None:
        raise DecisionLogError(
            "Ticked matches go into a file beside the decisions. Export to a file by its path."
        )
    else:
        target.write(content)


def csv_bytes(decisions: Iterable[Decision], *, neutralise: bool = True) -> bytes:
    """The file's content in UTF-8.

    With ``neutralise`` it starts with a byte order mark, texts that a spreadsheet would run are neutralised,
    and the column :data:`MARKER` follows the store's; numbers, times and verdicts are never touched. Without,
    it is the store's header and rows.
    """
    if not neutralise:
        return HEADER + b"".join(map(row_bytes, decisions))
    header = HEADER.removesuffix(b"\n") + f",{MARKER}\n".encode()
    return _BYTE_ORDER_MARK + header + b"".join(map(_neutralised_row, decisions))


def _neutralised_row(decision: Decision) -> bytes:
    texts: dict[str, Any] = {}
    for column in TEXT_COLUMNS:
        value = getattr(decision, column)
        is_parts = isinstance(value, tuple)
        text = neutralise_cell("|".join(value) if is_parts else value)
        texts[column] = (text,) if is_parts else text
    values = {column: getattr(decision, column) for column in COLUMNS}
    return row_bytes(Decision(**values | texts)).removesuffix(b"\n") + b",true\n"


def _write_file(path: Path, content: bytes) -> None:
    make_folder_of(path, "export")
    try:
        _refuse_record(path)
        with whole_file(path) as file:
            file.write(content)
        sync_folder(path.parent)
    except OSError as error:
        raise DecisionLogError(
            f"{path} cannot be written ({error.strerror}). Make room on the disk, allow writing, or choose "
            "another file, then export again."
        ) from error


def _refuse_record(path: Path) -> None:
    """Make sure that no record of decisions is overwritten."""
    if not path.exists():
        return
    with path.open("rb") as file:
        if file.read(len(HEADER)) == HEADER:
            raise DecisionLogError(
                f"{path} is a record of decisions, and an export would overwrite it. Choose another file."
            )


def _write_evidence(
    path: Path, decisions: tuple[Decision, ...], evidence: EvidenceLog | Iterable[Evidence] | None
) -> None:
    chosen = {decision.decision_id for decision in decisions}
    found = evidence.all() if isinstance(evidence, EvidenceLog) else evidence or ()
    target = EvidenceLog(path)
    for item in found:
        if item.decision_id in chosen:
            target.record(item)
