from __future__ import annotations

import pytest

from pairx_core.errors import SessionError
from pairx_core.sessions import SessionBook, SessionPair


def test_a_session_comes_back_as_it_was_made(memory, make_session):
    session = make_session(3, known_answers=[SessionPair("k", "l", 1, 0.9, truth=False)], seed=4)
    SessionBook(memory).add(session)
    assert SessionBook(memory).sessions() == (session,)


def test_a_session_made_elsewhere_is_seen(memory, make_session):
    book = SessionBook(memory)
    assert book.sessions() == ()
    SessionBook(memory).add(make_session())
    assert [session.name for session in book.sessions()] == ["spring"]


def test_a_name_is_given_once(memory, make_session):
    book = SessionBook(memory)
    book.add(make_session())
    with pytest.raises(SessionError, match="“Spring” already"):
        book.add(make_session(name=" Spring "))
    assert len(book.sessions()) == 1


def test_a_closed_session_can_go_on(memory, make_session):
    book, session = SessionBook(memory), make_session()
    book.add(session)
    book.close(session, by="Ada")
    assert not book.find(session.session_id).is_open
    book.reopen(session, by="Ada")
    assert book.find(session.session_id).is_open


def test_a_link_leads_to_its_session_and_reviewer(memory, make_session):
    book, session = SessionBook(memory), make_session()
    book.add(session)
    assert book.of_link(session.keys["Cleo"]) == (session, "Cleo")
    assert book.of_link("guessed") is None
    assert book.of_link("") is None
    assert book.of_link("ü\udc80") is None


def test_an_unknown_session_is_said_to_be_unknown(memory):
    with pytest.raises(SessionError, match="no such session"):
        SessionBook(memory).find("abc")


@pytest.mark.parametrize(
    "entry",
    [
        {"entry": "session_closed", "session_id": "gone", "by": "x", "at": "2026-01-01T00:00:00+00:00"},
        {"entry": "session_made", "name": "half"},
        {"no": "entry"},
    ],
)
def test_an_entry_that_is_none_of_ours_is_named(memory, entry):
    memory.append(entry)
    with pytest.raises(SessionError, match="Entry 1 of memory"):
        SessionBook(memory).sessions()


def test_a_queue_with_a_pair_that_is_not_there_is_refused(memory, make_session):
    SessionBook(memory).add(make_session(2))
    memory.kept[-1]["queues"]["Ben"] = [0, 7]
    with pytest.raises(SessionError, match="not there"):
        SessionBook(memory).sessions()
