from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations, count, pairwise

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.decisions import Decision
from pairx_core.decisions.counting import fewest_clusters
from pairx_core.decisions.decision import ADJUDICATED
from pairx_core.decisions.individuals import (
    Contradiction,
    NamedPhotos,
    assigned_identities,
    check_new_name,
    count_individuals,
    individuals,
)
from pairx_core.decisions.settling_pairs import SettledPair, settle
from pairx_core.errors import DecisionLogError

PHOTOS = "abcdefg"
_numbers = count()


def say(pair: str, verdict: str, reviewer: str = "Ben", **values) -> Decision:
    time = datetime(2026, 3, 1, tzinfo=UTC)
    return Decision(f"d{next(_numbers)}", time, reviewer, "", pair[0], pair[1], verdict, **values)


def found(*said: tuple[str, str], photos: str = PHOTOS[:4], identities=None):
    return individuals(photos, settle(say(pair, verdict) for pair, verdict in said), identities)


def groups(of) -> list[str]:
    return ["".join(group) for group in of.groups]


# --- one verdict a pair ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ([("ab", "accept", "Ben")], "accept"),
        ([("ab", "accept", "Ben"), ("ba", "reject", "Ben")], "reject"),  # the later one, in either direction
        ([("ab", "accept", "Ben"), ("ab", "reject", "Cleo")], "disputed"),
        ([("ab", "accept", "Ben"), ("ab", "unsure", "Cleo")], "accept"),
        ([("ab", "not_comparable", "Ben"), ("ab", "unsure", "Cleo")], "unsure"),
        ([("ab", "not_comparable", "Ben")], "not_comparable"),
    ],
)
def test_the_verdict_on_a_pair(said, verdict):
    (settled,) = settle([say(pair, what, who) for pair, what, who in said]).values()
    assert (settled.pair, settled.verdict) == (("a", "b"), verdict)


def test_an_adjudication_counts_alone_until_it_is_taken_back():
    rows = [say("ab", "accept"), say("ab", "reject", "Cleo")]
    ruling = say("ba", "reject", "Ada", tags=(ADJUDICATED,))
    undo = say("ba", "undo", "Ada", supersedes=ruling.decision_id)
    assert settle([*rows, ruling])["a", "b"].verdict == "reject"
    assert settle([*rows, ruling])["a", "b"].decisions == (ruling,)
    assert settle([*rows, ruling, undo])["a", "b"].verdict == "disputed"


def test_an_undo_counts_only_by_who_had_decided():
    row = say("ab", "accept")
    undo = say("ab", "undo", "Cleo", supersedes=row.decision_id)
    assert settle([row, undo])["a", "b"].verdict == "accept"


def test_a_verdict_on_bare_photos_waits_for_the_reveal():
    assert settle([say("ab", "accept", blind=True)]) == {}


# --- groups ----------------------------------------------------------------------------------------------------------


def test_accepted_pairs_join_and_rejected_ones_do_not():
    assert groups(found(("ab", "accept"), ("bc", "accept"), ("cd", "reject"))) == ["abc", "d"]


def test_photos_of_one_name_are_joined():
    assert groups(found(("ab", "accept"), identities={"b": "Notch", "d": "Notch"})) == ["abd", "c"]


def test_pairs_with_photos_that_are_not_there_do_not_count():
    assert groups(found(("az", "accept"), photos="ab")) == ["a", "b"]


def test_a_chain_of_fifty_thousand_photos_is_one_individual():
    photos = [f"{n:05}" for n in range(50_000)]
    pairs = list(pairwise(photos))
    settled = {pair: SettledPair(pair, "accept", ()) for pair in pairs}
    settled |= {(photos[0], photos[-1]): SettledPair((photos[0], photos[-1]), "reject", ())}
    of = individuals(photos, settled)
    assert (of.count, len(of.contradictions)) == (1, 1)
    assert len(of.chain(of.contradictions[0])) == 49_999


# --- contradictions --------------------------------------------------------------------------------------------------


def test_a_contradiction_leads_back_to_its_pairs():
    of = found(("ab", "accept"), ("bc", "accept"), ("ac", "reject"))
    (one,) = of.contradictions
    assert one == Contradiction(("a", "c"), 0)
    assert [(link.pair, link.basis) for link in of.chain(one)] == [
        (("a", "b"), "accept"),
        (("b", "c"), "accept"),
    ]


def test_a_rejected_pair_of_one_name_contradicts_the_catalogue():
    of = found(("ab", "reject"), identities={"a": "Notch", "b": "Notch"})
    (link,) = of.chain(of.contradictions[0])
    assert (link.pair, link.basis) == (("a", "b"), "catalogue")
    assert of.split(of.contradictions[0]).pairs == ()


def test_a_split_asks_for_the_pair_on_which_fewest_acceptances_rest():
    rows = [say("ab", "accept"), say("ab", "accept", "Cleo"), say("bc", "accept"), say("ac", "reject")]
    of = individuals("abc", settle(rows))
    assert of.split(of.contradictions[0]).pairs == (("b", "c"),)


def test_two_names_in_one_individual_are_listed():
    of = found(("ab", "accept"), identities={"a": "Notch", "b": "Wide Ear"})
    assert [(clash.group, clash.names) for clash in of.name_clashes] == [(0, ("Notch", "Wide Ear"))]


def test_a_merge_is_suggested_where_a_pair_is_open_and_none_is_rejected():
    of = found(("ab", "accept"), ("bc", "unsure"), ("cd", "unsure"), ("cd", "unsure"))
    assert [(merge.groups, merge.pairs) for merge in of.merges] == [
        ((0, 1), (("b", "c"),)),
        ((1, 2), (("c", "d"),)),
    ]
    assert found(("ab", "accept"), ("bc", "unsure"), ("ac", "reject")).merges == ()


# --- brute force -----------------------------------------------------------------------------------------------------

_PAIRS = ["".join(pair) for pair in combinations(PHOTOS, 2)]
_SAID = st.lists(
    st.tuples(st.sampled_from(_PAIRS), st.sampled_from(["accept", "reject", "reject", "unsure", "unsure"])),
    max_size=14,
    unique_by=lambda one: one[0],
)


def _components(edges) -> list[frozenset[str]]:
    """Joined by trying again and again, without a graph."""
    parts = [frozenset(photo) for photo in PHOTOS]
    for pair in edges:
        touched = [part for part in parts if part & set(pair)]
        parts = [part for part in parts if part not in touched] + [frozenset().union(*touched)]
    return parts


def _possible_counts(said) -> list[int]:
    """The numbers of individuals for each way to accept open pairs that puts no rejected pair newly together."""
    accepted = [pair for pair, verdict in said if verdict == "accept"]
    rejected = [pair for pair, verdict in said if verdict == "reject"]
    open_ = [pair for pair, verdict in said if verdict == "unsure"]
    base = _components(accepted)
    already = {pair for pair in rejected if any(set(pair) <= part for part in base)}
    counts = []
    for chosen in range(1 << len(open_)):
        parts = _components([*accepted, *(pair for n, pair in enumerate(open_) if chosen >> n & 1)])
        if all(pair in already or not any(set(pair) <= part for part in parts) for pair in rejected):
            counts.append(len(parts))
    return counts


@settings(deadline=None, max_examples=150)
@given(_SAID)
def test_groups_and_the_numbers_that_are_possible_agree_with_trying_everything(said):
    of = found(*said, photos=PHOTOS)
    accepted = [pair for pair, verdict in said if verdict == "accept"]
    assert {frozenset(group) for group in of.groups} == set(_components(accepted))
    possible = _possible_counts(said)
    assert of.is_exact
    assert (of.least, of.greatest) == (min(possible), max(possible))


@settings(deadline=None, max_examples=150)
@given(_SAID)
def test_contradictions_are_the_rejected_pairs_within_a_group_with_a_shortest_chain(said):
    of = found(*said, photos=PHOTOS)
    accepted = [pair for pair, verdict in said if verdict == "accept"]
    parts = _components(accepted)
    within = {
        tuple(pair)
        for pair, verdict in said
        if verdict == "reject" and any(set(pair) <= part for part in parts)
    }
    assert {one.pair for one in of.contradictions} == within
    plain = nx.Graph(tuple(pair) for pair in accepted)
    for one in of.contradictions:
        chain = of.chain(one)
        assert len(chain) == nx.shortest_path_length(plain, *one.pair)
        assert all("".join(link.pair) in accepted for link in chain)


@settings(deadline=None, max_examples=150)
@given(_SAID)
def test_a_split_resolves_its_contradiction_and_nothing_smaller_does(said):
    of = found(*said, photos=PHOTOS)
    accepted = [pair for pair, verdict in said if verdict == "accept"]
    for one in of.contradictions:
        cut = {"".join(pair) for pair in of.split(one).pairs}
        rest = [pair for pair in accepted if pair not in cut]
        assert cut <= set(accepted)
        assert not any(set(one.pair) <= part for part in _components(rest))
        for smaller in combinations(accepted, len(cut) - 1):
            rest = [pair for pair in accepted if pair not in smaller]
            assert any(set(one.pair) <= part for part in _components(rest))


@settings(deadline=None, max_examples=60)
@given(_SAID, st.randoms(use_true_random=False))
def test_the_order_of_decisions_does_not_matter(said, random):
    mixed = list(said)
    random.shuffle(mixed)
    one, other = found(*said, photos=PHOTOS), found(*mixed, photos=PHOTOS)
    assert (one.groups, one.least, one.contradictions, one.merges) == (
        other.groups,
        other.least,
        other.contradictions,
        other.merges,
    )


_VOTES = st.lists(
    st.tuples(
        st.sampled_from([*_PAIRS, *(pair[::-1] for pair in _PAIRS)]),
        st.sampled_from(["accept", "accept", "reject"]),
        st.sampled_from(["Ben", "Cleo", "Dan"]),
        st.sampled_from([(), (), (), (ADJUDICATED,)]),
    ),
    max_size=12,
)
_NAMES = st.dictionaries(st.sampled_from(PHOTOS), st.sampled_from(["Notch", "Wide Ear"]), max_size=4)


def _acceptances(votes) -> dict[str, int]:
    """How many acceptances each accepted pair rests on."""
    weights: dict[str, int] = {}
    for pair in {"".join(sorted(vote[0])) for vote in votes}:
        own = [(who, what, tags) for both, what, who, tags in votes if sorted(both) == sorted(pair)]
        rulings = [what for _, what, tags in own if tags]
        counted = rulings[-1:] or list({who: what for who, what, _ in own}.values())
        if set(counted) == {"accept"}:
            weights[pair] = len(counted)
    return weights


@settings(deadline=None, max_examples=150)
@given(_VOTES, _NAMES)
def test_a_split_rests_on_fewest_acceptances_whatever_is_settled_or_named(votes, names):
    rows = [say(pair, what, who, tags=tags) for pair, what, who, tags in votes]
    of = individuals(PHOTOS, settle(rows), names)
    weights = _acceptances(votes)
    named = [one + other for one, other in combinations(sorted(names), 2) if names[one] == names[other]]
    assert {frozenset(group) for group in of.groups} == set(_components([*weights, *named]))
    for one in of.contradictions:
        parting = [
            cut
            for size in range(len(weights) + 1)
            for cut in combinations(weights, size)
            if not _are_joined(one.pair, [*(pair for pair in weights if pair not in cut), *named])
        ]
        suggested = {"".join(pair) for pair in of.split(one).pairs}
        if not parting:
            assert not suggested
            continue
        assert suggested in map(set, parting)
        assert sum(weights[pair] for pair in suggested) == min(
            sum(weights[pair] for pair in cut) for cut in parting
        )


def _are_joined(pair, edges) -> bool:
    return any(set(pair) <= part for part in _components(edges))


_TWOS = list(combinations(range(6), 2))


@settings(deadline=None, max_examples=200)
@given(st.sets(st.sampled_from(_TWOS)), st.sets(st.sampled_from(_TWOS)))
def test_the_fewest_clusters_are_those_of_the_best_of_all_partitions(joinable, parted):
    allowed = (
        parts
        for parts in _partitions(range(6))
        if not any(set(two) <= part for two in parted for part in parts)
        and all(nx.is_connected(_induced(part, joinable)) for part in parts)
    )
    assert fewest_clusters(6, joinable, parted) == (min(map(len, allowed)), True)


def _partitions(of) -> list[list[set[int]]]:
    found: list[list[set[int]]] = [[]]
    for one in of:
        found = [
            [*parts[:at], parts[at] | {one}, *parts[at + 1 :]] if at < len(parts) else [*parts, {one}]
            for parts in found
            for at in range(len(parts) + 1)
        ]
    return found


def _induced(part, edges) -> nx.Graph:
    graph = nx.Graph(two for two in edges if set(two) <= part)
    graph.add_nodes_from(part)
    return graph


def test_a_number_that_would_take_too_long_is_one_that_can_be_reached():
    """Sixty groups in a ring of open pairs with as many conflicts as would take for ever."""
    joinable = [(a, b) for a, b in combinations(range(60), 2) if (a * 7 + b * 3) % 4]
    parted = [(a, b) for a, b in combinations(range(60), 2) if not (a * 7 + b * 3) % 4]
    number, is_exact = fewest_clusters(60, joinable, parted)
    assert 1 < number < 60
    assert not is_exact


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Notch", " notch ", "ＮＯＴＣＨ", "NOTCH", "Not\u200bch"])
def test_a_name_that_looks_like_another_one_is_refused(name):
    with pytest.raises(DecisionLogError, match="“Notch” already"):
        check_new_name(name, ["Wide Ear", "Notch"])


@pytest.mark.parametrize("name", ["unknown", "Unknown ", "____", "__", "??", "-", "\u200b"])
def test_a_name_that_means_unknown_is_refused(name):
    with pytest.raises(DecisionLogError, match="not known"):
        check_new_name(name, [])


def test_a_new_name_is_taken():
    check_new_name("Notch 2", ["Notch"])


def test_identities_after_the_decisions():
    of = found(("ab", "accept"), ("cd", "accept"), ("ef", "accept"), ("fg", "accept"), photos=PHOTOS)
    names = assigned_identities(
        of, {"a": "Notch", "e": "Wide Ear", "g": "Patch"}, {"d": "New One", "b": "ignored"}
    )
    assert names == {
        "a": "Notch",
        "b": "Notch",
        "c": "New One",
        "d": "New One",
        "e": "Wide Ear",
        "g": "Patch",
    }


def test_two_given_names_in_one_individual_name_nobody():
    of = found(("ab", "accept"), photos="ab")
    assert assigned_identities(of, {}, {"a": "One", "b": "Other"}) == {}


@settings(deadline=None, max_examples=100)
@given(_SAID, st.dictionaries(st.sampled_from(PHOTOS), st.sampled_from(["Ann", "Bo"])))
def test_counting_finds_what_working_it_all_out_finds(said, names):
    settled = found(*said, photos=PHOTOS)._settled
    named = NamedPhotos(PHOTOS, names)
    of = individuals(named, settled)
    assert count_individuals(named, settled) == (of.count, len(of.contradictions))
    groups = nx.Graph()
    groups.add_nodes_from(PHOTOS)
    groups.add_edges_from((photo, f"name {name}") for photo, name in names.items())
    groups.add_edges_from(tuple(pair) for pair, verdict in said if verdict == "accept")
    plain = [sorted(set(part) & set(PHOTOS)) for part in nx.connected_components(groups)]
    assert list(of.groups) == sorted(map(tuple, plain))
    clashing = {tuple(part) for part in plain if len({names[one] for one in part if one in names}) > 1}
    assert {of.groups[clash.group] for clash in of.name_clashes} == clashing
