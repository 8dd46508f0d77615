from __future__ import annotations

import threading

import pytest

from pairx_core.decisions.lines import FileLines
from pairx_core.errors import DecisionLogError


@pytest.fixture
def lines(tmp_path) -> FileLines:
    return FileLines(tmp_path / "notes" / "list.jsonl", "notes file")


def test_nothing_is_made_until_something_is_appended(lines):
    assert lines.entries() == ()
    assert not lines.path.exists()


def test_entries_come_back_in_their_order(lines):
    for number in range(3):
        lines.append({"number": number, "text": "Größe\n“x”"})
    assert FileLines(lines.path, "notes file").entries() == lines.entries()
    assert [entry["number"] for entry in lines.entries()] == [0, 1, 2]


def test_the_same_tuple_comes_while_nothing_is_new(lines):
    lines.append({"a": 1})
    assert lines.entries() is lines.entries()


def test_what_another_program_appends_is_seen(lines):
    other = FileLines(lines.path, "notes file")
    lines.append({"a": 1})
    assert len(other.entries()) == 1
    other.append({"a": 2})
    assert len(lines.entries()) == 2


def test_a_torn_line_spoils_neither_those_before_nor_those_after(lines):
    lines.append({"a": 1})
    with lines.path.open("ab") as file:
        file.write(b'{"a": 2, "te')
    assert lines.entries() == ({"a": 1},)
    lines.append({"a": 3})
    assert lines.entries() == ({"a": 1}, {"a": 3})
    (damaged,) = lines.damaged
    assert (damaged.line, damaged.excerpt) == (2, '{"a": 2, "te')


@pytest.mark.parametrize("line", [b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_line_that_is_no_object_is_named(lines, line):
    lines.append({"a": 1})
    with lines.path.open("ab") as file:
        file.write(line + b"\n")
    assert lines.entries() == ({"a": 1},)
    assert lines.damaged[0].line == 2


def test_what_is_read_first_holds_until_it_is_appended(lines):
    """Each adds one to the largest number that it sees; nobody may come between."""

    def count() -> None:
        own = FileLines(lines.path, "notes file")
        for _ in range(10):
            with own.exclusive():
                own.append({"n": 1 + max((entry["n"] for entry in own.entries()), default=0)})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry["n"] for entry in lines.entries()] == list(range(1, 41))


def test_a_file_that_is_gone_is_said(lines):
    lines.append({"a": 1})
    lines.path.unlink()
    with pytest.raises(DecisionLogError, match="notes file .* is gone"):
        lines.entries()


def test_a_file_that_another_program_keeps_locked_is_said(lines):
    impatient = FileLines(lines.path, "notes file", lock_timeout=0.05)
    with lines.exclusive(), pytest.raises(DecisionLogError, match="keeps .* locked"):
        impatient.append({"a": 1})
