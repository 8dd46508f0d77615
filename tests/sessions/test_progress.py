from __future__ import annotations

from pairx_core.sessions import Stage, progress


def test_a_blind_pair_is_asked_twice_and_then_done(make_session, record):
    session = make_session(1)
    assert progress(session, "Ben", record.rows).next_task().stage is Stage.BLIND
    record.say(session, "Ben", 0, "accept", blind=True)
    assert progress(session, "Ben", record.rows).next_task().stage is Stage.REVEALED
    assert progress(session, "Ben", record.rows).done == 0
    record.say(session, "Ben", 0, "accept")
    assert progress(session, "Ben", record.rows).next_task() is None
    assert progress(session, "Ben", record.rows).done == 1


def test_an_open_pair_is_asked_once(make_session, record):
    session = make_session(1, is_blind=False)
    assert progress(session, "Ben", record.rows).next_task().stage is Stage.OPEN
    record.say(session, "Ben", 0, "unsure")
    assert progress(session, "Ben", record.rows).next_task() is None


def test_a_revealed_pair_comes_before_all_others(make_session, record):
    session = make_session(4)
    third = session.queues["Ben"][2]
    record.say(session, "Ben", third, "accept", blind=True)
    assert progress(session, "Ben", record.rows).next_task().number == third


def test_the_queue_goes_round_from_where_the_reviewer_is(make_session, record):
    session = make_session(4, is_blind=False)
    queue = session.queues["Ben"]
    assert progress(session, "Ben", record.rows).next_task(after=1).number == queue[2]
    record.say(session, "Ben", queue[2], "reject")
    record.say(session, "Ben", queue[3], "reject")
    assert progress(session, "Ben", record.rows).next_task(after=2).number == queue[0]


def test_only_the_reviewers_own_decisions_in_this_session_count(make_session, record):
    session, other = make_session(2), make_session(2, name="autumn")
    record.say(session, "Cleo", 0, "accept")
    record.say(other, "Ben", 0, "accept")
    record.adjudicate(session, "Ben", 1, "accept")
    assert progress(session, "Ben", record.rows).done == 0
    assert progress(session, "Ben", record.rows).last_undoable() is None


def test_a_verdict_on_bare_photos_cannot_be_taken_back(make_session, record):
    session = make_session(2)
    record.say(session, "Ben", 0, "accept", blind=True)
    assert progress(session, "Ben", record.rows).last_undoable() is None


def test_undoing_what_followed_the_reveal_asks_again_with_the_explanation(make_session, record):
    session = make_session(2)
    record.say(session, "Ben", 0, "accept", blind=True)
    final = record.say(session, "Ben", 0, "reject")
    assert progress(session, "Ben", record.rows).last_undoable() == final
    record.undo(final)
    after = progress(session, "Ben", record.rows)
    assert after.stage(0) is Stage.REVEALED
    assert after.last_undoable() is None
