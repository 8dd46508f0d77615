"""Pairs of matched similarity: balanced, drawn once, and only where both kinds are."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pairx_core.errors import CatalogueError
from pairx_core.evaluate import pairs as pair_samples
from pairx_core.evaluate.pairs import (
    BIN_WIDTH,
    KnownPair,
    drawn_pairs,
    known_pairs,
    matched_sample,
    ranked_pairs,
)
from pairx_core.retrieval import CandidateFilters
from tests.evaluate.making import herd, index_of, photo

FLANKS = CandidateFilters(
    same_species=False, same_flank=True, known_identity_only=False, exclude_same_day_and_site=False
)


@pytest.fixture(scope="module")
def index():
    return herd(9, 6, spread=0.8)


def ids(pairs):
    return [(pair.query.id, pair.candidate.id) for pair in pairs]


def kinds_by_bin(pairs):
    return Counter((pair.bin, pair.same) for pair in pairs)


def test_each_two_known_photos_are_a_pair_once(index):
    pairs = known_pairs(index)
    count = len(index)
    assert len(pairs) == count * (count - 1) // 2 == len({frozenset(pair) for pair in ids(pairs)})
    assert all(pair.query.id < pair.candidate.id for pair in pairs)  # the catalogue's order
    similarity = {pair: float(index.similarities(*_photos(index, pair))[0]) for pair in ids(pairs)[:50]}
    assert similarity == pytest.approx({key: _similarity(pairs, key) for key in similarity})


def test_photos_of_unknown_individuals_are_in_no_pair():
    photos = [photo("a", "ann"), photo("b", None), photo("c", "ann"), photo("d", None)]
    assert ids(known_pairs(index_of(photos, np.ones((4, 3))))) == [("a", "c")]


def test_filters_hold_for_pairs():
    photos = [photo(f"{n}", f"i{n // 4}", flank="left" if n % 2 else "right") for n in range(12)]
    index = index_of(photos, np.random.default_rng(0).normal(2, 1, (12, 4)))
    assert all(pair.query.flank == pair.candidate.flank for pair in known_pairs(index, FLANKS))
    assert all(pair.query.flank == pair.candidate.flank for pair in matched_sample(index, FLANKS).pairs)
    assert all(pair.query.flank == pair.candidate.flank for pair in ranked_pairs(index, FLANKS).pairs)
    assert len(known_pairs(index, FLANKS)) == 30 < len(known_pairs(index))


@pytest.mark.parametrize(
    ("similarity", "number"), [(0.0, 0), (0.0199, 0), (0.02, 1), (0.58, 29), (0.999, 49), (-0.001, -1)]
)
def test_bins_begin_at_their_lower_edge(similarity, number):
    assert KnownPair(photo("a", "x"), photo("b", "x"), similarity).bin == number


@pytest.mark.parametrize("per_bin", [1, 5, 60])
def test_no_bin_has_more_than_its_share(index, per_bin):
    sample = matched_sample(index, per_bin=per_bin)
    found = kinds_by_bin(sample.pairs)
    there = kinds_by_bin(known_pairs(index))
    assert {number for number, _ in found} == {one for one, same in there if there[one, not same]}
    for number, same in found:
        one, other = there[number, same], there[number, not same]
        assert found[number, same] == min(per_bin, one, 4 * other)
    assert len(set(ids(sample.pairs))) == len(sample.pairs)


def test_the_bins_say_what_was_drawn(index):
    sample = matched_sample(index, per_bin=5)
    found, there = kinds_by_bin(sample.pairs), kinds_by_bin(known_pairs(index))
    assert [one.low for one in sample.bins] == sorted(one.low for one in sample.bins)
    for one in sample.bins:
        number = round(one.low / BIN_WIDTH)
        assert (one.same, one.different) == (found[number, True], found[number, False])
        assert (one.same_in_all, one.different_in_all) == (there[number, True], there[number, False])
    assert sum(one.same + one.different for one in sample.bins) == len(sample.pairs)


def test_a_pair_meets_four_of_the_other_kind_at_most():
    photos = [photo("a", "ann"), photo("b", "ann"), *(photo(f"z{n}", f"z{n}") for n in range(8))]
    sample = matched_sample(index_of(photos, np.ones((10, 3))))
    assert Counter(pair.same for pair in sample.pairs) == {True: 1, False: 4}
    photos = [*(photo(f"a{n}", "ann") for n in range(10)), photo("z", "zoe")]  # 45 and 10 pairs
    sample = matched_sample(index_of(photos, np.ones((11, 3))))
    assert Counter(pair.same for pair in sample.pairs) == {True: 40, False: 10}


def test_any_beginning_of_the_sample_is_balanced(index):
    sample = matched_sample(index, per_bin=6)
    couples = sum(min(one.same, one.different) for one in sample.bins)
    for number in range(couples):
        one, other = sample.pairs[2 * number : 2 * number + 2]
        assert one.same is not other.same and one.bin == other.bin
    firsts = [pair.bin for pair in sample.pairs[: 2 * couples : 2]]
    assert firsts != sorted(firsts)  # a beginning is not of the lowest bins alone
    assert sample.first(4) == sample.pairs[:4] and sample.first(None) == sample.pairs


def test_a_seed_draws_the_same_pairs_and_another_one_others(index):
    first = matched_sample(index, per_bin=3, seed=1)
    assert first == matched_sample(index, per_bin=3, seed=1)
    assert set(ids(first.pairs)) != set(ids(matched_sample(index, per_bin=3, seed=2).pairs))


@pytest.mark.parametrize("identities", ["abcdef", "aaaaaa", [None] * 6])
def test_a_catalogue_with_one_kind_of_pairs_cannot_be_used(identities):
    photos = [photo(str(number), identity) for number, identity in enumerate(identities)]
    with pytest.raises(CatalogueError, match="individuals with several photos"):
        matched_sample(index_of(photos, np.ones((6, 3))))


def test_queries_have_their_first_candidates_in_the_model_s_order(index):
    ranked = ranked_pairs(index, k=3)
    assert len(ranked.queries) == len(index) == len(set(ranked.queries))
    for query, pairs in zip(ranked.queries, ranked.candidates, strict=True):
        nearest = index.candidates(query, 3)
        assert [pair.candidate for pair in pairs] == [one.photo for one in nearest]
        assert [pair.similarity for pair in pairs] == [one.similarity for one in nearest]
        assert all(pair.query == query for pair in pairs)
    assert ranked.pairs == tuple(pair for pairs in ranked.candidates for pair in pairs)


def test_queries_come_in_a_seeded_order_up_to_the_most(index):
    ranked = ranked_pairs(index, most=7, seed=3)
    assert len(ranked.queries) == 7 and ranked == ranked_pairs(index, most=7, seed=3)
    assert ranked.queries == ranked_pairs(index, seed=3).queries[:7]
    assert ranked.queries != ranked_pairs(index, most=7, seed=4).queries


def test_unknown_photos_are_neither_queries_nor_candidates():
    photos = [photo("a", "ann"), photo("u", None), photo("b", "bo")]
    ranked = ranked_pairs(index_of(photos, [[1, 0], [1, 0.01], [0.5, 0.5]]), k=1)
    assert sorted(ids(ranked.pairs)) == [("a", "b"), ("b", "a")]
    with pytest.raises(CatalogueError, match="No photo of a known individual"):
        ranked_pairs(index_of(photos[:2], np.ones((2, 2))))


def _photos(index, pair):
    by_id = {one.id: one for one in index.photos}
    return by_id[pair[0]], [by_id[pair[1]]]


def _similarity(pairs, key):
    return next(pair.similarity for pair in pairs if (pair.query.id, pair.candidate.id) == key)


def test_of_very_many_photos_the_pairs_are_those_of_some_individuals(index, monkeypatch):
    everything = {(one.query.id, one.candidate.id): one.similarity for one in known_pairs(index)}
    drawn = drawn_pairs(index, None, np.random.default_rng(0))
    assert {(one.query.id, one.candidate.id): one.similarity for one in drawn} == everything
    monkeypatch.setattr(pair_samples, "MOST_PHOTOS", 20)
    some = drawn_pairs(index, None, np.random.default_rng(0))
    photos = {one.id for pair in some for one in (pair.query, pair.candidate)}
    individuals = {one.identity for pair in some for one in (pair.query, pair.candidate)}
    assert 20 <= len(photos) < len(index)
    assert photos == {one.id for one in index.photos if one.identity in individuals}
    assert {pair.query.id for pair in matched_sample(index).pairs} <= {one.id for one in index.photos}
    assert matched_sample(index, seed=3) == matched_sample(index, seed=3)
