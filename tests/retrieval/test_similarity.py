from __future__ import annotations

import re
import tracemalloc
from dataclasses import fields, replace
from datetime import datetime
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.catalogue import Photo
from pairx_core.retrieval import CandidateFilters, CandidateIndex, KnownPairs, pair_sampling, similarity

ALL_FILTERS = [None, *(CandidateFilters(*chosen) for chosen in product([False, True], repeat=4))]
COSINES = st.floats(-1, 1, width=32)


def photo(number: int, identity: str | None = "ann", **says) -> Photo:
    return Photo(f"p{number}", Path(f"/photos/{number}.jpg"), identity=identity, **says)


def index_of(photos: list[Photo], digests: list[str] | None = None, size: int = 6) -> CandidateIndex:
    """An index of seeded random embeddings; each photo is a picture of its own unless digests say otherwise."""
    embeddings = np.random.default_rng(7).standard_normal((len(photos), size), dtype=np.float32)
    return CandidateIndex(photos, embeddings, digests or [item.id for item in photos], model=None)


def varied_index(seed: int, count: int = 24) -> CandidateIndex:
    """Photos that say or keep silent at random, some unknown, some boxes of the same picture."""
    random = np.random.default_rng(seed)

    def one_of(*values):
        return values[random.integers(len(values))]

    photos = [
        photo(
            number,
            one_of(None, "ann", "bo", "cy"),
            species=one_of(None, "bushbuck", "kudu"),
            flank=one_of(None, "left", "right"),
            date=one_of(None, datetime(2025, 5, 1, 8), datetime(2025, 5, 1, 17), datetime(2025, 5, 2)),
            site=one_of(None, "dam", "spring"),
        )
        for number in range(count)
    ]
    return index_of(photos, [f"picture {random.integers(count)}" for _ in photos])


def comparable(one: Photo, other: Photo, filters: CandidateFilters) -> bool:
    """The rule in plain words, for two different pictures."""

    def contradict(name: str) -> bool:
        says = {getattr(one, name), getattr(other, name)}
        return None not in says and len(says) == 2

    def same_encounter() -> bool:
        if None in (one.date, other.date, one.site, other.site):
            return False
        return one.date.date() == other.date.date() and one.site == other.site

    return not (
        (filters.same_species and contradict("species"))
        or (filters.same_flank and contradict("flank"))
        or (filters.exclude_same_day_and_site and same_encounter())
    )


def by_hand(index: CandidateIndex, filters: CandidateFilters | None) -> tuple[list[float], list[float]]:
    """All pairs by a plain double loop: similarities of the same and of different individuals, ascending."""
    filters = filters or CandidateFilters(False, False, False, False)
    same, different = [], []
    unit = index.vectors.at(np.arange(len(index))).astype(np.float64)
    for row, column in combinations(range(len(index)), 2):
        one, other = index.photos[row], index.photos[column]
        if not (one.is_known and other.is_known) or index._digests[row] == index._digests[column]:
            continue
        if comparable(one, other, filters):
            cosine = float(unit[row] @ unit[column])
            (same if one.identity == other.identity else different).append(cosine)
    return sorted(same), sorted(different)


def known(same=(), different=(), *, same_in_all=None, different_in_all=None) -> KnownPairs:
    return KnownPairs(
        np.asarray(same, np.float32),
        np.asarray(different, np.float32),
        len(same) if same_in_all is None else same_in_all,
        len(different) if different_in_all is None else different_in_all,
    )


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(similarity, "_BLOCK_PAIRS", 50)
    monkeypatch.setattr(similarity, "_CHUNK_PAIRS", 7)


@pytest.mark.parametrize("filters", ALL_FILTERS)
@pytest.mark.parametrize("seed", range(3))
def test_the_pairs_are_those_of_a_plain_double_loop(seed, filters):
    index = varied_index(seed)
    pairs = index.known_pairs(filters)
    same, different = by_hand(index, filters)
    assert (pairs.same_in_all, pairs.different_in_all) == (len(same), len(different))
    np.testing.assert_allclose(pairs.same, same, atol=1e-6)
    np.testing.assert_allclose(pairs.different, different, atol=1e-6)


@pytest.mark.parametrize("filters", ALL_FILTERS)
def test_a_pair_is_compared_where_one_could_be_proposed_for_the_other(filters):
    index = varied_index(11)
    proposed = {
        frozenset((query.id, candidate.photo.id)): query.identity == candidate.photo.identity
        for query in index.photos
        if query.is_known
        for candidate in index.candidates(query, len(index), filters)
        if candidate.photo.is_known
    }
    pairs = index.known_pairs(filters)
    assert pairs.same_in_all == sum(proposed.values())
    assert pairs.different_in_all == len(proposed) - sum(proposed.values())


def test_similarities_are_those_that_candidates_show():
    index = index_of([photo(0), photo(1), photo(2, "bo")])
    of_first = {item.photo.id: item.similarity for item in index.candidates(index.photos[0])}
    pairs = index.known_pairs()
    assert pairs.same.tolist() == pytest.approx([of_first["p1"]], abs=1e-6)
    assert pairs.different.max() >= of_first["p2"] - 1e-6


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), filters=st.sampled_from(ALL_FILTERS), count=st.integers(0, 30))
def test_any_catalogue_gives_what_the_double_loop_gives(seed, filters, count):
    index = varied_index(seed, count)
    pairs = index.known_pairs(filters)
    for found, expected in zip((pairs.same, pairs.different), by_hand(index, filters), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_size_of_blocks_changes_nothing(small_blocks, monkeypatch):
    index = varied_index(5, 60)
    blockwise = index.known_pairs(CandidateFilters())
    monkeypatch.undo()
    assert_same(blockwise, index.known_pairs(CandidateFilters()))


def test_boxes_and_copies_of_the_same_picture_are_no_pair():
    index = index_of([photo(0), photo(1), photo(2, "bo")], ["one", "two", "one"])
    pairs = index.known_pairs()
    assert (pairs.same_in_all, pairs.different_in_all) == (1, 1)


def test_a_burst_is_no_pair_under_the_filters():
    burst = [photo(number, date=datetime(2025, 5, 1, 8, 0, number), site="dam") for number in range(3)]
    later = replace(burst[0], id="later", date=datetime(2025, 6, 1))
    index = index_of([*burst, later])
    assert index.known_pairs(CandidateFilters()).same_in_all == 3
    assert index.known_pairs(CandidateFilters(exclude_same_day_and_site=False)).same_in_all == 6


def test_one_individual_has_same_pairs_only():
    pairs = index_of([photo(number) for number in range(5)]).known_pairs()
    assert (len(pairs.same), len(pairs.different)) == (10, 0)


def test_individuals_of_one_photo_each_have_different_pairs_only():
    pairs = index_of([photo(number, f"animal {number}") for number in range(5)]).known_pairs()
    assert (len(pairs.same), len(pairs.different)) == (0, 10)


@pytest.mark.parametrize("photos", [[], [photo(0)], [photo(0, None), photo(1, None), photo(2)]])
def test_fewer_than_two_known_photos_make_no_pair(photos):
    pairs = index_of(photos).known_pairs(CandidateFilters())
    assert (len(pairs.same), len(pairs.different), pairs.same_in_all, pairs.different_in_all) == (0,) * 4
    assert pairs.in_words(0.9) == ""


@pytest.fixture
def at_most_100(small_blocks, monkeypatch):
    monkeypatch.setattr(similarity, "_MOST_PAIRS", 100)


@pytest.fixture
def three_animals() -> CandidateIndex:
    return index_of([photo(number, f"animal {number % 3}") for number in range(60)])


def test_both_kinds_are_capped_and_the_whole_number_is_kept(at_most_100, three_animals):
    pairs = three_animals.known_pairs()
    assert (len(pairs.same), len(pairs.different)) == (100, 100)
    assert (pairs.same_in_all, pairs.different_in_all) == (3 * 190, 3 * 400)


def test_the_sample_is_of_the_pairs_there_are_none_twice(three_animals, monkeypatch):
    every = three_animals.known_pairs()
    monkeypatch.setattr(similarity, "_MOST_PAIRS", 100)
    some = three_animals.known_pairs()
    assert len(np.unique(every.different)) == len(every.different)  # so that a pair has its own cosine
    assert set(some.different.tolist()) < set(every.different.tolist())
    assert len(np.unique(some.different)) == 100


@pytest.mark.parametrize("most", [1199, 1200, 1201])
def test_a_sample_is_taken_only_where_there_are_more(most, three_animals, monkeypatch):
    monkeypatch.setattr(similarity, "_MOST_PAIRS", most)
    pairs = three_animals.known_pairs()
    assert (len(pairs.different), pairs.different_in_all) == (min(most, 1200), 1200)


def test_the_same_seed_draws_the_same_pairs(at_most_100, three_animals):
    assert_same(three_animals.known_pairs(seed=3), three_animals.known_pairs(seed=3))
    assert (
        three_animals.known_pairs(seed=3).different.tolist()
        != three_animals.known_pairs(seed=4).different.tolist()
    )


def test_the_sample_does_not_depend_on_the_size_of_blocks(three_animals, monkeypatch):
    monkeypatch.setattr(similarity, "_MOST_PAIRS", 100)
    whole = three_animals.known_pairs()
    monkeypatch.setattr(similarity, "_BLOCK_PAIRS", 90)
    assert_same(whole, three_animals.known_pairs())


def test_every_pair_is_as_likely_to_be_drawn(monkeypatch):
    index = index_of([photo(number, f"animal {number}") for number in range(9)])
    every = index.known_pairs().different  # 36 of them
    monkeypatch.setattr(similarity, "_MOST_PAIRS", 12)
    drawn = np.concatenate([index.known_pairs(seed=seed).different for seed in range(600)])
    times = np.array([np.count_nonzero(drawn == cosine) for cosine in every])
    assert times.sum() == 600 * 12
    assert times.min() > 150 and times.max() < 250  # 200 each; four standard deviations are 46


def test_memory_stays_far_below_a_table_of_all_pairs():
    index = index_of([photo(number, f"animal {number // 5}") for number in range(6_000)])
    tracemalloc.start()
    pairs = index.known_pairs(CandidateFilters())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(pairs.same), len(pairs.different)) == (12_000, 200_000)
    assert pairs.different_in_all == 6_000 * 5_999 // 2 - 12_000
    assert peak < 6_000 * 6_000  # not even a byte a pair


def assert_same(one: KnownPairs, other: KnownPairs) -> None:
    for field in fields(KnownPairs):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_ties_count_as_at_most_as_similar_and_not_as_less_similar():
    pairs = known(same=[0.2, 0.5, 0.5, 0.8], different=[0.2, 0.5, 0.5, 0.8])
    assert pairs.share_of_same(0.5) == 0.75
    assert pairs.share_of_different(0.5) == 0.25


def test_a_rounding_error_apart_is_a_tie():
    pairs = known(same=[0.5], different=[0.5])
    for other in (0.5 - 3e-7, 0.5 + 3e-7):
        assert (pairs.share_of_same(other), pairs.share_of_different(other)) == (1, 0)


@pytest.mark.parametrize(("value", "share"), [(-2, 0), (-np.inf, 0), (2, 1), (np.inf, 1)])
def test_beyond_the_ends_a_share_is_nothing_or_all(value, share):
    pairs = known(same=[-1, 1], different=[-1, 1])
    assert (pairs.share_of_same(value), pairs.share_of_different(value)) == (share, share)


def test_of_no_pairs_there_is_no_share():
    assert known(different=[0.5]).share_of_same(0.5) is None
    assert known(same=[0.5]).share_of_different(0.5) is None


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="not a number"):
        known(same=[0.5]).share_of_same(float("nan"))


def test_pairs_are_put_in_order_and_cannot_be_written_to():
    given_order = np.array([0.9, -0.5, 0.1], np.float32)
    pairs = KnownPairs(given_order, given_order, 3, 3)
    assert pairs.same.tolist() == sorted(given_order.tolist())
    assert given_order.flags.writeable and given_order[0] == np.float32(0.9)
    with pytest.raises(ValueError, match="read-only"):
        pairs.same[0] = 0


@given(values=st.lists(COSINES, min_size=1, max_size=40), one=COSINES, other=COSINES)
def test_a_higher_similarity_never_has_a_lower_share(values, one, other):
    pairs = known(same=values, different=values)
    low, high = sorted((one, other))
    assert 0 <= pairs.share_of_same(low) <= pairs.share_of_same(high) <= 1
    assert 0 <= pairs.share_of_different(low) <= pairs.share_of_different(high) <= 1
    assert pairs.share_of_different(low) <= pairs.share_of_same(low)


@given(tenths=st.lists(st.integers(-10, 10), min_size=1, max_size=40), asked=st.integers(-12, 12))
def test_shares_are_those_of_counting(tenths, asked):
    pairs = known(same=np.array(tenths) / 10, different=np.array(tenths) / 10)
    assert pairs.share_of_same(asked / 10) == sum(ten <= asked for ten in tenths) / len(tenths)
    assert pairs.share_of_different(asked / 10) == sum(ten < asked for ten in tenths) / len(tenths)


def below_and_above(below: int, above: int) -> np.ndarray:
    """Pairs of which so many are less similar than 0.5, and so many more similar."""
    return np.repeat([0.1, 0.9], [below, above])


def test_both_kinds_are_said_in_one_sentence():
    pairs = known(same=below_and_above(40, 60), different=below_and_above(97, 3))
    assert pairs.in_words(0.5) == (
        "more similar than 97 % of known different pairs and at least as similar as 40 % of known same pairs"
    )


def test_above_all():
    pairs = known(same=below_and_above(35, 0), different=below_and_above(1204, 0))
    assert pairs.in_words(0.5) == (
        "more similar than all 1,204 known different pairs and at least as similar as all 35 known same pairs"
    )


def test_below_all():
    pairs = known(same=below_and_above(0, 35), different=below_and_above(0, 1204))
    assert pairs.in_words(0.5) == (
        "more similar than none of the 1,204 known different pairs and less similar than all 35 known same pairs"
    )


def test_on_a_tie_with_all():
    pairs = known(same=[0.5] * 20, different=[0.5] * 20)
    assert pairs.in_words(0.5) == (
        "more similar than none of the 20 known different pairs and at least as similar as all 20 known same pairs"
    )


@pytest.mark.parametrize(
    ("below", "above", "share"),
    [
        (1, 19, "5 %"),
        (1, 99, "1 %"),
        (1, 100, "1.0 %"),
        (1, 249, "0.4 %"),
        (1, 1203, "under 0.1 %"),
        (99, 1, "99 %"),
        (249, 1, "99.6 %"),
        (1203, 1, "over 99.9 %"),
    ],
)
def test_some_is_never_none_and_most_is_never_all(below, above, share):
    pairs = known(different=below_and_above(below, above))
    assert pairs.in_words(0.5) == f"more similar than {share} of known different pairs"
    pairs = known(same=below_and_above(below, above))
    assert pairs.in_words(0.5) == f"at least as similar as {share} of known same pairs"


def test_all_of_a_sample_is_not_said_to_be_all_there_are():
    pairs = known(
        same=below_and_above(0, 30),
        different=below_and_above(30, 0),
        same_in_all=90,
        different_in_all=900,
    )
    assert pairs.in_words(0.5) == (
        "more similar than all 30 known different pairs in the sample "
        "and less similar than all 30 known same pairs in the sample"
    )


@pytest.mark.parametrize(
    ("same", "different", "said"),
    [
        (19, 19, ""),
        (20, 19, "at least as similar as 50 % of known same pairs"),
        (19, 20, "more similar than 50 % of known different pairs"),
        (0, 0, ""),
    ],
)
def test_of_fewer_than_twenty_pairs_nothing_is_said(same, different, said):
    pairs = known(
        same=below_and_above(same // 2, same - same // 2),
        different=below_and_above(different // 2, different - different // 2),
    )
    assert pairs.in_words(0.5) == said


@given(
    below=st.integers(0, 3000),
    above=st.integers(0, 3000),
    same_below=st.integers(0, 300),
    same_above=st.integers(0, 300),
)
def test_the_words_agree_with_the_shares(below, above, same_below, same_above):
    pairs = known(same=below_and_above(same_below, same_above), different=below_and_above(below, above))
    words = pairs.in_words(0.5)
    assert not re.search(r"(?<![\d.])(0|100|0\.0|100\.0) %", words)
    assert ("more similar than all" in words) == (above == 0 and below >= 20)
    assert ("more similar than none" in words) == (below == 0 and above >= 20)
    assert ("at least as similar as all" in words) == (same_above == 0 and same_below >= 20)
    assert ("less similar than all" in words) == (same_below == 0 and same_above >= 20)
    for word in ("probab", "chance", "sure", "certain", "likely", "confiden"):
        assert word not in words


@pytest.fixture
def drawn_from_many(monkeypatch):
    """As of very many photos: not all pairs are gone through."""
    monkeypatch.setattr(similarity, "_ALL_GONE_THROUGH", 0)


@pytest.mark.parametrize("filters", [None, CandidateFilters(), CandidateFilters(False, True, False, True)])
def test_numbered_pairs_are_those_of_the_double_loop(drawn_from_many, filters):
    index = varied_index(3, count=40)
    pairs = index.known_pairs(filters)
    same, different = by_hand(index, filters)
    assert (pairs.same_in_all, pairs.different_in_all) == (len(same), len(different))
    assert pairs.same == pytest.approx(same, abs=1e-6)
    assert pairs.different == pytest.approx(different, abs=1e-6)


def test_drawn_pairs_are_as_likely_as_each_other_and_their_number_is_estimated(drawn_from_many, monkeypatch):
    """Numbers are drawn and dropped, as where there are too many to list."""
    monkeypatch.setattr(pair_sampling, "_MOST_DRAWN", 500)
    monkeypatch.setattr(pair_sampling, "_AT_ONCE", 100)
    labels = np.repeat(np.arange(3), [5, 1, 24])

    def keep(pairs):
        return pairs.sum(axis=1) % 2 == 1

    plain = {
        (one, other)
        for one, other in combinations(range(30), 2)
        if labels[one] == labels[other] and (one + other) % 2
    }
    times = dict.fromkeys(plain, 0)
    estimates = []
    for seed in range(300):
        drawn = pair_sampling.draw_pairs(labels, keep, 20, np.random.default_rng(seed))
        estimates.append(drawn.in_all)
        assert not drawn.is_all and len({tuple(pair) for pair in drawn.pairs.tolist()}) == 20
        for pair in drawn.pairs.tolist():
            times[tuple(pair)] += 1
    expected = 300 * 20 / len(plain)
    assert 0.35 * expected < min(times.values()) and max(times.values()) < 1.8 * expected
    assert np.mean(estimates) == pytest.approx(len(plain), rel=0.05)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_every_number_is_a_pair_of_one_label_and_none_is_left_out(labels):
    numbered = pair_sampling._Numbered(np.asarray(labels))
    pairs = [tuple(pair) for pair in numbered.pairs(np.arange(numbered.total)).tolist()]
    wanted = [two for two in combinations(range(len(labels)), 2) if labels[two[0]] == labels[two[1]]]
    assert sorted(pairs) == wanted


def test_the_first_photo_of_a_pair_is_found_among_a_million():
    numbered = pair_sampling._Numbered(np.zeros(1_000_000, np.int8))
    last = numbered.total - 1
    found = numbered.pairs(np.asarray([0, 999_998, 999_999, last - 1, last])).tolist()
    assert found == [[0, 1], [0, 999_999], [1, 2], [999_997, 999_999], [999_998, 999_999]]


@pytest.mark.parametrize("photos", [20, 33, 46, 47, 70, 200])
def test_drawing_ends_where_no_pair_may_be_compared(photos, monkeypatch):
    monkeypatch.setattr(pair_sampling, "_AT_ONCE", 64)
    monkeypatch.setattr(pair_sampling, "_MOST_DRAWN", 512)
    none = pair_sampling.draw_pairs(
        np.zeros(photos, int), lambda pairs: np.zeros(len(pairs), bool), 10, np.random.default_rng(0)
    )
    assert len(none.pairs) == 0 and none.in_all == 0
