"""What the record of decisions amounts to, worked out once for each state of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.components.workspace import Workspace
from pairx_core.decisions import DamagedRow, Decision, standing_by_reviewer
from pairx_core.decisions.adjudication import disputes
from pairx_core.errors import DecisionLogError


@dataclass(frozen=True)
class Summary:
    """The record, as far as it is about the catalogue that is open."""

    rows: Sequence[Decision]  # all, in the order of the record
    standing: Sequence[Decision]  # what stands of each reviewer, in the order of the record
    disputed: int  # pairs on which reviewers differ and nobody has settled
    damaged: Sequence[DamagedRow]
    trouble: DecisionLogError | None  # why the record cannot be read now

    @property
    def standing_ids(self) -> frozenset[str]:
        """The ids of what stands."""
        return frozenset(row.decision_id for row in self.standing)


def summarise(workspace: Workspace) -> Summary:
    """What the record amounts to now."""
    record, catalogue = workspace.decisions(), workspace.catalogue
    key = (str(catalogue.source), str(workspace.log.path), len(record.rows), _last_id(record.rows))
    rows, standing, disputed = _worked_out(key, record.rows, workspace)
    damaged = () if record.trouble is not None else workspace.log.damaged
    return Summary(rows, standing, disputed, damaged, record.trouble)


def _last_id(rows: Sequence[Decision]) -> str:
    return rows[-1].decision_id if rows else ""


@st.cache_resource(show_spinner=False, max_entries=4)
def _worked_out(
    key: tuple[str, str, int, str], _all: Sequence[Decision], _workspace: Workspace
) -> tuple[tuple[Decision, ...], tuple[Decision, ...], int]:
    catalogue = _workspace.catalogue
    rows = tuple(row for row in _all if row.query_id in catalogue and row.candidate_id in catalogue)
    standing = {row.decision_id for of_one in standing_by_reviewer(rows).values() for row in of_one.values()}
    open_disputes = sum(one.settled is None for one in disputes(rows))
    return rows, tuple(row for row in rows if row.decision_id in standing), open_disputes
