"""What came of a session: agreement, accuracy on known answers, time, and what the explanation changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from pages.components import documents, saying, state
from pages.components.adjudicating import of_record
from pages.components.words import DECISIONS, count
from pages.components.workspace import Record, Workspace
from pairx_core.decisions import Decision
from pairx_core.decisions.agreement import AgreementSummary, Stage, Statistic, agreement_summary, ratings
from pairx_core.decisions.performance import Accuracy, accuracy, reveal_changes, time_per_decision
from pairx_core.sessions import ExpertSession

_STAGES: dict[Stage, str] = {"blind": "Bare photos", "final": "With the explanation"}


def show(workspace: Workspace, session: ExpertSession, record: Record) -> None:
    """Draw it, as far as there is something to tell."""
    rows = [row for row in record.rows if row.session == session.name]
    if not rows:
        return
    st.subheader("Results", anchor=False)
    documents.session_report(workspace, session, record)
    if session.is_open:
        st.caption("So far: the session is open.")
    _disagreements(workspace, session, record)
    stages: dict[Stage, str] = _STAGES if session.is_blind else {"final": "Verdicts"}
    _agreement(rows, stages)
    if session.truth:
        _accuracy(rows, session, stages)
    if session.is_blind:
        _reveal(rows, session)
    _times(rows, stages)


def _disagreements(workspace: Workspace, session: ExpertSession, record: Record) -> None:
    found = of_record(workspace, record, session.name)
    left = sum(one.settled is None for one in found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{count(len(found), 'pair')}** with different verdicts, **{left}** to settle."
            if found
            else "No pair has different verdicts."
        )
        if found and st.button("Settle them", icon=":material/balance:"):
            state.show_disputes_of(session.name)
            st.switch_page("pages/disagreements.py")


def _agreement(rows: Sequence[Decision], stages: Mapping[Stage, str]) -> None:
    found = {title: agreement_summary(ratings(rows, stage=stage)) for stage, title in stages.items()}
    st.markdown("**Agreement**")
    lines = [("Percent agreement", lambda one: one.percent)]
    lines += [
        ("Fleiss' kappa", lambda one: one.fleiss),
        ("Krippendorff's alpha", lambda one: one.krippendorff),
    ]
    table = {name: {title: _statistic(of(one)) for title, one in found.items()} for name, of in lines}
    for title, one in found.items():
        for first, second, kappa in one.cohen:
            table.setdefault(f"Cohen's kappa, {first} and {second}", {})[title] = _statistic(kappa)
    st.dataframe(pd.DataFrame.from_dict(table, orient="index", columns=list(found)), width="stretch")
    reasons = {why for one in found.values() for why in _reasons(one)}
    st.caption(
        "All four verdicts count as values. In brackets 95 % intervals from 2,000 resamples of the pairs, then the "
        "number of pairs." + "".join(f" Not defined: {reason}." for reason in sorted(reasons))
    )


def _reasons(one: AgreementSummary) -> set[str]:
    return {statistic.why for statistic in (one.percent, one.fleiss, one.krippendorff) if statistic.why}


def _statistic(one: Statistic) -> str:
    if one.value is None:
        return "not defined"
    interval = "" if one.low is None or one.high is None else f" ({one.low:.2f} to {one.high:.2f})"
    return f"{one.value:.3f}{interval}, {one.units}"


def _accuracy(rows: Sequence[Decision], session: ExpertSession, stages: Mapping[Stage, str]) -> None:
    st.markdown("**On pairs whose answer is known**")
    lines = []
    for stage, title in stages.items():
        for reviewer, one in accuracy(rows, session.truth, stage=stage).items():
            lines.append(_accuracy_line(reviewer, title, one))
    if not lines:
        st.caption("None of them is judged yet.")
        return
    st.dataframe(pd.DataFrame(lines), hide_index=True, width="stretch")
    st.caption(
        "In brackets 95 % Wilson intervals of the share that is right among those accepted or rejected."
    )


def _accuracy_line(reviewer: str, stage: str, one: Accuracy) -> dict[str, object]:
    share, interval = one.share, one.interval
    said = "none decided"
    if share is not None and interval is not None:
        said = f"{share:.0%} ({interval[0]:.0%} to {interval[1]:.0%})"
    return {
        "Reviewer": reviewer,
        "Stage": stage,
        "Right": said,
        "Accepted wrongly": one.false_accepts,
        "Rejected wrongly": one.false_rejects,
        "Undecided": one.undecided,
        "Pairs": one.decided + one.undecided,
    }


def _reveal(rows: Sequence[Decision], session: ExpertSession) -> None:
    st.markdown("**What the explanation changed**")
    found = reveal_changes(rows, session.truth)
    everyone = found.pop("")
    if not everyone.moves:
        st.caption("No pair is judged at both stages yet.")
        return
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "Reviewer": reviewer or "all",
                    "Kept": one.kept,
                    "Changed": one.changed,
                    "For the better": one.better,
                    "For the worse": one.worse,
                    "Known answers": one.judged,
                }
                for reviewer, one in (*found.items(), ("", everyone))
            ]
        ),
        hide_index=True,
        width="stretch",
    )
    moves = sorted(
        ((move, times) for move, times in everyone.moves.items() if move[0] != move[1]),
        key=lambda one: -one[1],
    )
    said = ", ".join(
        f"{DECISIONS[before][1]} → {DECISIONS[after][1]} ({times})" for (before, after), times in moves
    )
    p_value = everyone.p_value
    chance = "" if p_value is None else f" Exact McNemar test of better against worse: p = {p_value:.3g}."
    st.caption(saying.plain((said + "." if said else "Nobody changed a verdict.") + chance))


def _times(rows: Sequence[Decision], stages: Mapping[Stage, str]) -> None:
    st.markdown("**Time for a decision**")
    lines = [
        {
            "Reviewer": reviewer,
            "Stage": title,
            "Median": f"{one.median:.1f} s",
            "Half of them": f"{one.low:.1f} to {one.high:.1f} s",
            "Decisions": one.count,
        }
        for stage, title in stages.items()
        for reviewer, one in time_per_decision(rows, stage=stage).items()
    ]
    st.dataframe(pd.DataFrame(lines), hide_index=True, width="stretch")
