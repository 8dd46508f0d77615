"""What the record of decisions amounts to, worked out once for each state of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from pages.components.workspace import Workspace
from pairx_core.decisions import DamagedRow, Decision, standing_by_reviewer
from pairx_core.decisions.adjudication import disputes
from pairx_core.decisions.individuals import Individuals, individuals
from pairx_core.decisions.settling_pairs import Pair, SettledPair, settle
from pairx_core.errors import DecisionLogError


@dataclass(frozen=True)
class Summary:
    """The record, as far as it is about the catalogue that is open."""

    rows: Sequence[Decision]  # all, in the order of the record
    standing: Sequence[Decision]  # what stands of each reviewer, in the order of the record
    disputed: int  # pairs on which reviewers differ and nobody has settled
    settled: Mapping[Pair, SettledPair]
    individuals: Individuals
    damaged: Sequence[DamagedRow]
    trouble: DecisionLogError | None  # why the record cannot be read now

    @property
    def standing_ids(self) -> frozenset[str]:
        """The ids of what stands."""
        return frozenset(row.decision_id for row in self.standing)


def summarise(workspace: Workspace) -> Summary:
    """What the record amounts to now."""
    record, catalogue = workspace.decisions(), workspace.catalogue
    key = (str(catalogue.source), workspace.log.location, len(record.rows), _last_id(record.rows))
    made = _worked_out(key, record.rows, workspace)
    damaged = () if record.trouble is not None else workspace.log.damaged
    return replace(made, damaged=damaged, trouble=record.trouble)


def known_identities(workspace: Workspace) -> dict[str, str]:
    """Who is on each photo by the catalogue, where it says so."""
    photos = workspace.catalogue.photos
    return {photo.id: photo.identity for photo in photos if photo.identity is not None}


def _last_id(rows: Sequence[Decision]) -> str:
    return rows[-1].decision_id if rows else ""


@st.cache_resource(show_spinner=False, max_entries=4)
def _worked_out(key: tuple[str, str, int, str], _all: Sequence[Decision], _workspace: Workspace) -> Summary:
    catalogue = _workspace.catalogue
    rows = tuple(row for row in _all if row.query_id in catalogue and row.candidate_id in catalogue)
    standing = {row.decision_id for of_one in standing_by_reviewer(rows).values() for row in of_one.values()}
    open_disputes = sum(one.settled is None for one in disputes(rows))
    settled = settle(rows)
    photos = (photo.id for photo in catalogue.photos)
    return Summary(
        rows=rows,
        standing=tuple(row for row in rows if row.decision_id in standing),
        disputed=open_disputes,
        settled=settled,
        individuals=individuals(photos, settled, known_identities(_workspace)),
        damaged=(),
        trouble=None,
    )
