"""Planning a session: who sees which pair, and in which order. The same seed gives the same plan."""

from __future__ import annotations

import random
import secrets
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, Literal, TypedDict, Unpack

from pairx_core.decisions.checking import tidy_name
from pairx_core.errors import SessionError
from pairx_core.sessions.definition import ExpertSession, Pair, SessionPair

Order = Literal["by_query", "shuffled"]
MOST_REVIEWERS = 50
_LONGEST_NAME = 80  # characters


class Noted(TypedDict, total=False):
    """What a session says of itself; nothing of it changes the plan."""

    catalogue: str  # its name
    model: str  # that proposed the pairs
    layer: str  # of the explanations
    made_at: datetime  # now, unless given


def plan_session(
    *,
    name: str,
    coordinator: str,
    reviewers: Iterable[str],
    pairs: Iterable[SessionPair],
    known_answers: Iterable[SessionPair] = (),
    overlap: int = 2,
    order: Order = "shuffled",
    is_blind: bool = True,
    shows_others: bool = False,
    seed: int = 0,
    **noted: Unpack[Noted],
) -> ExpertSession:
    """A session in which ``overlap`` reviewers see each pair and all of them the known-answer pairs.

    Reviewers get equal shares, up to one pair, and meet each other equally often as far as that goes. Known answers
    lie among the other pairs, where nothing tells them apart. A pair that is given twice is judged once; one that is
    also a known answer (in either direction) is judged as that.

    Args:
        name: as it will stand in the column ``session`` of decisions.
        coordinator: who makes it.
        reviewers: their names, as they will stand in decisions.
        pairs: what is to be judged.
        known_answers: pairs with their truth.
        overlap: how many reviewers see each pair.
        order: "by_query" keeps a query's candidates together, in the order of ``pairs``; "shuffled" gives each
            reviewer an order of their own.
        is_blind: bare photos first, then the explanation.
        shows_others: whether what the others said is shown; an open session only.
        seed: of shares and orders.
        noted: what the session is to say of itself.

    Raises:
        SessionError: the plan cannot be made; the message says what to change.
    """
    names = _names(reviewers)
    known = _once(known_answers, set())
    judged = _once(pairs, {_unordered(pair) for pair in known})
    _check(name, names, judged, known, overlap, is_blind and shows_others)
    plan = _queues(len(judged), len(known), names, overlap, order, random.Random(seed))
    how = {"is_blind": is_blind, "shows_others": shows_others, "overlap": overlap, "seed": seed}
    who = {"name": tidy_name(name), "coordinator": tidy_name(coordinator), **_links(names)}
    return ExpertSession(pairs=(*judged, *known), queues=plan, **{**who, **how, **noted})


def _links(reviewers: Sequence[str]) -> dict[str, Any]:
    """What makes a session one of its own: its id, when it was made, and the keys of its links."""
    return {
        "session_id": uuid.uuid4().hex[:10],
        "made_at": datetime.now(UTC),
        "keys": {reviewer: secrets.token_urlsafe(16) for reviewer in reviewers},
        "coordinator_key": secrets.token_urlsafe(16),
    }


def _queues(
    judged: int, known: int, reviewers: Sequence[str], overlap: int, order: Order, lots: random.Random
) -> dict[str, tuple[int, ...]]:
    """Each reviewer's queue of numbers: of pairs to be judged, and then of those whose answer is known."""
    shares = _shares(judged, reviewers, overlap, lots)
    known_numbers = range(judged, judged + known)
    return {reviewer: _queue(shares[reviewer], known_numbers, order, lots) for reviewer in reviewers}


def _names(reviewers: Iterable[str]) -> tuple[str, ...]:
    names = tuple(name for name in map(tidy_name, reviewers) if name)
    twice = [name for name, times in Counter(name.casefold() for name in names).items() if times > 1]
    if twice:
        raise SessionError(f"The reviewer “{twice[0]}” is named twice. Give each one a name of their own.")
    return names


def _once(pairs: Iterable[SessionPair], seen: set[Pair]) -> tuple[SessionPair, ...]:
    """The pairs without those seen before, in either direction; a photo is not compared with itself."""
    kept = []
    for pair in pairs:
        ids = _unordered(pair)
        if ids not in seen and ids[0] != ids[1]:
            seen.add(ids)
            kept.append(pair)
    return tuple(kept)


def _unordered(pair: SessionPair) -> Pair:
    first, second = sorted(pair.ids)
    return first, second


def _check(
    name: str,
    reviewers: Sequence[str],
    pairs: Sequence[SessionPair],
    known: Sequence[SessionPair],
    overlap: int,
    shows_hidden: bool,
) -> None:
    if not tidy_name(name):
        raise SessionError("The session has no name. Enter one: it will stand beside each of its decisions.")
    if len(tidy_name(name)) > _LONGEST_NAME:
        raise SessionError(f"The session's name has more than {_LONGEST_NAME} characters. Shorten it.")
    if not reviewers:
        raise SessionError("Nobody reviews. Enter the reviewers' names, one a line.")
    if len(reviewers) > MOST_REVIEWERS:
        raise SessionError(f"There are more than {MOST_REVIEWERS} reviewers. Make several sessions.")
    if not pairs and not known:
        raise SessionError("There are no pairs to judge. Choose other queries, or more candidates a query.")
    if not 1 <= overlap <= len(reviewers):
        raise SessionError(
            f"{overlap} reviewers cannot see each pair: there are {len(reviewers)}. Choose 1 to {len(reviewers)}."
        )
    if any(pair.truth is not None for pair in pairs) or any(pair.truth is None for pair in known):
        raise SessionError("A known-answer pair needs its truth, and no other pair may have one.")
    if shows_hidden:
        raise SessionError("A blind session cannot show what others said. Make it open, or hide it.")


def _shares(
    count: int, reviewers: Sequence[str], overlap: int, lots: random.Random
) -> dict[str, tuple[int, ...]]:
    """The numbers of each reviewer's pairs: who has least, and has met the others least often, is next."""
    shares: dict[str, list[int]] = {reviewer: [] for reviewer in reviewers}
    met: Counter[tuple[str, str]] = Counter()
    for number in range(count):
        chosen: list[str] = []
        for _ in range(overlap):
            rest = [reviewer for reviewer in reviewers if reviewer not in chosen]
            lots.shuffle(rest)
            chosen.append(min(rest, key=lambda one: (len(shares[one]), _meetings(met, one, chosen))))
        for reviewer in chosen:
            shares[reviewer].append(number)
        met.update((min(two), max(two)) for two in combinations(chosen, 2))
    return {reviewer: tuple(numbers) for reviewer, numbers in shares.items()}


def _meetings(met: Counter[tuple[str, str]], reviewer: str, others: Iterable[str]) -> int:
    return sum(met[min(reviewer, other), max(reviewer, other)] for other in others)


def _queue(share: Sequence[int], known: Iterable[int], order: Order, lots: random.Random) -> tuple[int, ...]:
    queue = list(share)
    if order == "shuffled":
        queue += known
        lots.shuffle(queue)
    else:
        for number in known:
            queue.insert(lots.randint(0, len(queue)), number)
    return tuple(queue)
