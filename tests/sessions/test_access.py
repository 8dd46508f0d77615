from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pairx_core.sessions import Visitor, hidden_by, may_coordinate


@pytest.fixture
def blind(make_session):
    return make_session(is_blind=True)


def test_without_a_sign_in_everything_is_hidden_from_all_but_the_coordinator(blind):
    for name in ("Ben", "Zoe", ""):
        assert hidden_by(Visitor(name), [blind]) is blind
    assert hidden_by(Visitor("Ada", keys=frozenset({blind.coordinator_key})), [blind]) is None


def test_with_a_sign_in_it_is_hidden_from_the_sessions_reviewers(blind):
    assert hidden_by(Visitor("ben", is_signed_in=True), [blind]) is blind
    assert hidden_by(Visitor("Zoe", is_signed_in=True), [blind]) is None


def test_an_open_or_a_closed_session_hides_nothing(make_session, blind):
    closed = replace(blind, closed_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert hidden_by(Visitor("Ben"), [make_session(is_blind=False), closed]) is None


def test_who_signs_in_coordinates_only_when_listed(blind):
    assert not may_coordinate(Visitor("Zoe", is_signed_in=True), [])
    assert may_coordinate(Visitor("Zoe", is_signed_in=True, is_coordinator=True), [blind])


def test_on_a_laptop_everyone_coordinates_until_something_is_hidden(blind):
    assert may_coordinate(Visitor("Ben"), [])
    assert not may_coordinate(Visitor("Ben"), [blind])
    assert may_coordinate(Visitor("Ben", keys=frozenset({blind.coordinator_key})), [blind])


def test_a_reviewers_key_or_that_of_another_session_opens_nothing(make_session, blind):
    other = make_session(name="autumn")
    for key in (*blind.keys.values(), other.coordinator_key, "", "guessed", "\udc80"):
        assert hidden_by(Visitor("Ada", keys=frozenset({key})), [blind]) is blind


def test_a_session_without_a_coordinators_key_is_opened_by_no_key(blind):
    keyless = replace(blind, coordinator_key="")
    assert hidden_by(Visitor("Ada", keys=frozenset({""})), [keyless]) is keyless


def test_each_blind_session_hides_for_itself(make_session, blind):
    other = make_session(name="autumn")
    ada = Visitor("Ada", keys=frozenset({blind.coordinator_key}))
    assert hidden_by(ada, [blind, other]) is other
    both = Visitor("Ada", keys=frozenset({blind.coordinator_key, other.coordinator_key}))
    assert hidden_by(both, [blind, other]) is None
