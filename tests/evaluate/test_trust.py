"""What known pairs teach about other ones, and that none is judged by its own individual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pairx_core.evaluate import trust
from pairx_core.evaluate.logistic import fit_logistic
from pairx_core.evaluate.trust import FEWEST_PAIRS, K, TrustStudy, trust_folder, trust_job
from pairx_core.retrieval import CandidateFilters
from tests.evaluate.making import herd, row


def met(queries=40, individuals=10, candidates=K, *, seed=0, gain=2.0):
    """Rows as a reviewer meets them: each query's candidates, most similar first; the truth is in the agreement."""
    random = np.random.default_rng(seed)
    rows = []
    for query in range(queries):
        who = query % individuals
        for similarity in sorted(random.uniform(0.4, 0.9, candidates), reverse=True):
            same = bool(random.random() < 0.4)
            other = who if same else (who + 1 + random.integers(individuals - 1)) % individuals
            measures = {
                "agreement": random.normal() + gain * same,
                "nearness": random.normal(),
                "deletion": 0.5,
            }
            more = {"similarity": similarity, "measures": measures}
            made = row(len(rows), f"i{who:02d}", f"i{other:02d}", **more)
            rows.append(replace(made, query_id=f"query{query}"))
    return rows


def turned(rows):
    """The same pairs from the other side."""
    return [
        replace(
            one,
            query_id=one.candidate_id,
            candidate_id=one.query_id,
            query_identity=one.candidate_identity,
            candidate_identity=one.query_identity,
        )
        for one in rows
    ]


@pytest.fixture(scope="module")
def study():
    return TrustStudy.of(met())


def test_a_study_needs_pairs_of_both_kinds():
    rows = met()
    assert TrustStudy.of(rows[: FEWEST_PAIRS - 1]) is None and TrustStudy.of([]) is None
    assert TrustStudy.of(rows[:FEWEST_PAIRS]) is not None
    different = [one for one in rows if not one.same]
    same = [one for one in rows if one.same]
    assert TrustStudy.of(different[:90] + same[:9]) is None
    assert TrustStudy.of(different[:90] + same[:10]) is not None
    assert TrustStudy.of(same[:60] + different[:9]) is None


def test_queries_of_one_individual_alone_teach_nothing():
    rows = [one for one in met(400, 10) if one.query_identity == "i03"]
    assert len(rows) >= FEWEST_PAIRS and sum(one.same for one in rows) > 20
    assert TrustStudy.of(rows) is None


def test_no_pair_is_judged_by_a_fit_to_its_own_individual_s_queries(monkeypatch):
    rows = met()
    for number, one in enumerate(rows):  # so that a row is found again among the features
        one.measures["nearness"] = float(number)
    fits = []

    def recording(features, same, *more):
        fitted = fit_logistic(features, same, *more)
        fits.append((features[:, 1].astype(int).tolist(), fitted))
        return fitted

    monkeypatch.setattr(trust, "fit_logistic", recording)
    study = TrustStudy.of(rows)
    assert study.scores == ("agreement", "nearness")
    assert len(fits[0][0]) == len(rows) and fits[0][1] == study.judge
    judged = np.zeros(len(rows), int)
    for seen, fitted in fits[1:]:
        individuals = {rows[number].query_identity for number in seen}
        held = [number for number in range(len(rows)) if number not in seen]
        assert not individuals & {rows[number].query_identity for number in held}
        features = [[rows[number].measures[name] for name in study.scores] for number in held]
        np.testing.assert_allclose(study.plausibility[held], fitted.log_odds(np.array(features)))
        judged[held] += 1
    assert len(fits) == 6 and (judged == 1).all()


def test_plausibility_tells_right_from_wrong_where_the_explanation_does(study):
    assert study.plausibility[study.same].mean() > study.plausibility[~study.same].mean() + 1
    nothing = TrustStudy.of(met(gain=0.0))
    assert abs(nothing.plausibility[nothing.same].mean() - nothing.plausibility[~nothing.same].mean()) < 0.2


def test_measures_that_are_no_scores_are_not_used(study):
    assert "deletion" not in study.scores
    assert study.plausibility_of({"agreement": 1.0, "nearness": 0.0}) == study.plausibility_of(
        {"agreement": 1.0, "nearness": 0.0, "deletion": 9.0, "similarity": 9.0}
    )


def test_a_measure_that_cannot_be_taken_counts_as_the_worst_known(study):
    worst = min(one.measures["agreement"] for one in study.rows)
    assert study.plausibility_of({"nearness": 0.0}) == study.plausibility_of(
        {"agreement": worst, "nearness": 0.0}
    )
    rows = met()
    del rows[0].measures["agreement"]
    other = TrustStudy.of(rows)
    assert np.isnan(other.values("agreement")[0]) and np.isfinite(other.plausibility).all()


def test_what_looks_alike_was_the_same_animal_as_often(study):
    likely = study.looks_like(0.7, {"agreement": 3.0, "nearness": 0.0})
    unlikely = study.looks_like(0.7, {"agreement": -0.8, "nearness": 0.0})
    assert likely.share.value > 0.75 > 0.25 > unlikely.share.value
    for found in (likely, unlikely):
        assert 30 <= found.n <= len(study.rows) and 0 <= found.same <= found.n
        assert found.share.low <= found.share.value <= found.share.high
    assert study.quality.brier < study.quality.brier_without
    assert study.quality.auroc > 0.8


def test_too_few_pairs_of_a_kind_for_a_share_say_nothing():
    study = TrustStudy.of(met(12))
    assert len(study.rows) == FEWEST_PAIRS
    assert study.calibration is None or study.looks_like(0.7, {"agreement": 0.0}) is not None
    assert study.looks_like(float("nan"), {"agreement": 0.0}) is None


def test_references_are_the_nearest_by_similarity(study):
    same, different = study.references(0.66, 4)
    for found, kind in ((same, True), (different, False)):
        apart = sorted(abs(one.similarity - 0.66) for one in study.rows if one.same is kind)
        assert [abs(one.similarity - 0.66) for one in found] == apart[:4]
        assert all(one.same is kind for one in found)


def test_references_leave_out_photos_and_repeat_no_pair():
    rows = met()
    study = TrustStudy.of(rows + turned(rows))
    out = frozenset({"query1", rows[7].candidate_id})
    for found in study.references(0.7, 50, out):
        photos = [frozenset((one.query_id, one.candidate_id)) for one in found]
        assert len(set(photos)) == len(photos) > 20 and not any(pair & out for pair in photos)


def test_reranking_helps_where_the_explanation_knows(study):
    assert study.reranking.queries == 40 and study.reranking.individuals == 10
    assert study.reranking.rank_1_after > study.reranking.rank_1_before + 0.2
    assert not TrustStudy.of(met(gain=0.0)).reranking.helps


@pytest.mark.parametrize("candidates", [1, 3])
def test_queries_with_few_candidates_can_be_reranked(candidates):
    study = TrustStudy.of(met(80, candidates=candidates))
    found = study.reranking
    assert found.queries == 80 and np.isfinite([found.rank_1_after, found.reciprocal_after]).all()
    assert (found.rank_1_after == found.rank_1_before) == (candidates == 1)


def test_a_query_whose_last_candidates_are_not_measured_yet_counts(study):
    part = TrustStudy.of(study.rows[:-3])
    assert part.reranking.queries == 40


def test_the_job_measures_queries_with_their_first_five_candidates():
    index = herd(4, 3, spread=0.5)
    job = trust_job(index, index.model, "second", most=3, seed=2)
    assert len(job.sample.pairs) == 3 * K and job.plan.layer == "second" and job.plan.methods == ("pairx",)
    assert (job.plan.faithful_pairs, job.plan.steady_pairs, job.plan.controlled) == (0, 0, ())
    first = job.sample.pairs[:K]
    assert [pair.candidate for pair in first] == [one.photo for one in index.candidates(first[0].query, K)]
    filtered = trust_job(index, index.model, "second", CandidateFilters(), most=3, seed=2)
    assert filtered.sample == job.sample  # nothing is known that filters could use


def test_jobs_of_the_same_have_one_folder(tmp_path):
    index = herd(4, 3, spread=0.5)
    folders = [
        trust_folder(tmp_path, trust_job(index, index.model, layer, most=3, seed=seed))
        for layer, seed in (("second", 0), ("second", 0), ("first", 0), ("second", 1))
    ]
    assert folders[0] == folders[1] and len(set(folders)) == 3
    assert all(tmp_path in folder.parents for folder in folders)


def test_two_photos_count_as_one_pair_from_whichever_side(study):
    both = TrustStudy.of([*study.rows, *turned(study.rows)])
    assert len(both.rows) == 2 * len(study.rows)
    assert len(both.calibration.same) == len(study.calibration.same) == len(study.rows)
