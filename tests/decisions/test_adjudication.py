from __future__ import annotations

from dataclasses import replace

from pairx_core.decisions import Decision
from pairx_core.decisions.adjudication import disputes
from pairx_core.decisions.decision import ADJUDICATED


def undo(row: Decision) -> Decision:
    taken_back = {"decision": "undo", "supersedes": row.decision_id, "tags": ()}
    return replace(row, decision_id=f"u{row.decision_id}", **taken_back)


def test_who_says_the_same_does_not_disagree(say):
    assert disputes([say("Ben", "accept"), say("Cleo", "accept")]) == ()


def test_both_arguments_are_there(say):
    ben, cleo = say("Ben", "accept", note="ear notch"), say("Cleo", "reject")
    (dispute,) = disputes([ben, cleo])
    assert dispute.said == (ben, cleo)
    assert dispute.is_opposed
    assert dispute.settled is None


def test_a_pair_counts_in_both_directions(say):
    rows = [say("Ben", "accept"), say("Cleo", "reject", query="c", candidate="q")]
    (dispute,) = disputes(rows)
    assert (dispute.query_id, dispute.candidate_id) == ("q", "c")


def test_what_was_said_before_the_reveal_is_not_the_last_word(say):
    blind = say("Ben", "accept", blind=True)
    assert disputes([blind, say("Cleo", "reject")]) == ()
    final = say("Ben", "accept", supersedes=blind.decision_id)
    assert len(disputes([blind, final, say("Cleo", "reject")])) == 1


def test_an_undone_verdict_does_not_count(say):
    ben, cleo = say("Ben", "accept"), say("Cleo", "reject")
    assert disputes([ben, cleo, undo(cleo)]) == ()


def test_an_adjudication_settles_and_can_be_taken_back(say):
    rows = [say("Ben", "accept"), say("Cleo", "reject")]
    ruling = say("Ada", "accept", tags=(ADJUDICATED,))
    assert disputes([*rows, ruling])[0].settled == ruling
    assert disputes([*rows, ruling, undo(ruling)])[0].settled is None


def test_who_settles_may_be_one_of_the_reviewers(say):
    rows = [say("Ben", "accept"), say("Cleo", "reject")]
    ruling = say("Ben", "reject", tags=(ADJUDICATED,), supersedes=rows[0].decision_id)
    (dispute,) = disputes([*rows, ruling])
    assert dispute.said == tuple(rows)
    assert dispute.settled == ruling


def test_what_is_open_and_opposed_comes_first(say):
    rows = [
        say("Ben", "accept", "a"),
        say("Cleo", "reject", "a"),
        say("Ada", "accept", "a", tags=(ADJUDICATED,)),
    ]
    rows += [say("Ben", "accept", "b"), say("Cleo", "unsure", "b")]
    rows += [say("Ben", "accept", "e"), say("Cleo", "reject", "e")]
    assert [one.query_id for one in disputes(rows)] == ["e", "b", "a"]


def test_only_one_sessions_decisions_count_when_asked_for(say):
    rows = [say("Ben", "accept"), replace(say("Cleo", "reject"), session="other")]
    assert disputes(rows, session="s") == ()
    assert len(disputes(rows)) == 1
