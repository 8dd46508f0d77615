"""What commands say on the terminal: how far they are, what is odd, what was written."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pairx_core.catalogue import Problem

_LINE_SECONDS = 10.0  # between two lines where there is no terminal to write over the last one
_TIMED_SECONDS = 1.0  # before which nothing can be said of the pace


@contextmanager
def going_on_later(kept: str) -> Iterator[None]:
    """Say what is kept where the user stops a command (Ctrl-C).

    Args:
        kept: what, such as "what was embedded".
    """
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\nStopped. {kept} is kept; the same command goes on from there.", err=True)
        raise


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on the terminal (on standard error) that takes (done, total)."""
    with click.progressbar(length=1, label=label, show_pos=True, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield show


def tell_problems(problems: Iterable[Problem]) -> None:
    """List what is odd about a catalogue (on standard error); what is told of many photos, once."""
    from pairx_core.catalogue import folded

    for problem in folded(problems):
        click.echo(f"{'left out' if problem.severity == 'left_out' else 'note'}  {problem}", err=True)


def write_and_tell(path: Path, content: bytes, what: str, sources: Iterable[Path]) -> None:
    """Write a file that a command makes, and say so.

    Args:
        path: of the file.
        content: of the file.
        what: it is, such as "drawing".
        sources: the files that it must not write over.

    Raises:
        OutputError: it cannot be written, or would write over a source.
    """
    from pairx_core.outputs import write_output

    write_output(path, content, what=what, sources=sources)
    click.echo(f"wrote {path}")


class Telling:
    """Says on the terminal (on standard error) how far it is, with what an hour brings and the time left."""

    def __init__(self) -> None:
        self._what = ""
        self._began = (0.0, 0)  # when the first step of its kind was seen, and how many were done then
        self._said = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take (what is being done, done, total)."""
        now = time.monotonic()
        if what != self._what:
            self._what, self._began, self._said = what, (now, done), now
        is_last = done >= total
        if not is_last and now - self._said < (0.1 if sys.stderr.isatty() else _LINE_SECONDS):
            return
        self._said = now
        line = f"{what}: {done:,} of {total:,}{self._pace(done, total, now)}"
        if sys.stderr.isatty():
            click.echo(f"\r{line}\x1b[K", nl=is_last, err=True)
        else:
            click.echo(line, err=True)

    def _pace(self, done: int, total: int, now: float) -> str:
        began, before = self._began
        if done <= before or now - began < _TIMED_SECONDS:
            return ""
        an_hour = (done - before) / (now - began) * 3600
        left = (total - done) / an_hour
        words = (
            f"{left:.1f} h"
            if left >= 1
            else f"{left * 60:.0f} min"
            if left * 60 >= 1
            else f"{left * 3600:.0f} s"
        )
        return f", {an_hour:,.0f} an hour" + (f", {words} left" if done < total else "")
