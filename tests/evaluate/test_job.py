"""The evaluation as a job: complete, kept row by row, and refused where it is another one's."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from pairx_core.catalogue import open_photo
from pairx_core.errors import CatalogueError, ExplanationError, PhotoError
from pairx_core.evaluate import bench
from pairx_core.evaluate.job import EvaluationJob
from pairx_core.evaluate.kept import ROWS_NAME, SECONDS_NAME, read_rows
from pairx_core.evaluate.measuring import PairRow
from pairx_core.evaluate.pairs import KnownPair
from pairx_core.evaluate.plan import CONTROLS, Plan
from pairx_core.jobs import LocalRunner
from tests.evaluate.making import Scripted, lines, painted, sample_of, tiny_model

COUPLES = [(0, 1), (0, 2), (2, 3), (1, 4)]
PLAN = Plan(("pairx", "nearest"), controlled=("pairx",), faithful_pairs=1, steady_pairs=1)
NAMES = ("pairx", "nearest", "pairx@weights", "pairx@pairs")


class Stopped(Exception):
    pass


@pytest.fixture
def made(monkeypatch):
    """The methods that jobs made: (name, model, layer, method), all of them scripted."""
    known = []

    def make(name, model, layer):
        method = Scripted(shown)
        known.append((name, model, layer, method))
        return method

    monkeypatch.setattr(bench, "make_method", make)
    return known


def shown(query, candidate):
    """Lines and maps that hang on both pictures."""
    random = np.random.default_rng([int(np.asarray(view.image).sum()) for view in (query, candidate)])
    ends = (random.random((12, 2)) * view.image.size for view in (query, candidate))
    return lines(*ends, query_map=random.random((8, 8)), candidate_map=random.random((8, 8)))


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    return painted(tmp_path / "photos", 6)


@pytest.fixture
def folder(tmp_path):
    """Where an evaluation is kept; not made yet."""
    return tmp_path / "kept"


@pytest.fixture
def sample(photos):
    return sample_of(photos, COUPLES)


def a_job(sample, plan=PLAN, **more):
    return EvaluationJob(more.pop("model", None) or tiny_model(), sample, plan, **more)


def without_time(rows):
    return [replace(row, seconds=0.0) for row in rows]


def asked(made):
    return sum(len(method.asked) for *_, method in made)


def stop_at(number):
    def progress(done, _):
        if done == number:
            raise Stopped

    return progress


def test_every_pair_has_a_row_for_every_method_and_control(made, sample):
    found = a_job(sample).run()
    expected = [(pair.query.id, pair.candidate.id, name) for pair in sample.pairs for name in NAMES]
    assert [row.key for row in found.rows] == expected
    assert not found.failures and found.resumed == 0
    assert [row.same for row in found.rows[::4]] == [True, False, True, False]
    assert {(row.similarity, row.bin) for row in found.rows} == {(0.81, 40)}


def test_the_slow_measures_are_of_the_first_pairs_only(made, sample):
    found = a_job(sample, replace(PLAN, faithful_pairs=2, steady_pairs=3)).run()
    plain = [row for row in found.rows if row.method == "nearest"]
    assert ["steady_maps" in row.measures for row in plain] == [True, True, True, False]
    assert all("residual" in row.measures and "inverted_residual" in row.measures for row in plain)
    assert all("deletion" not in row.measures for row in plain[2:])


def test_controls_have_a_model_of_their_own_or_the_explanation_of_another_pair(made, sample):
    model = tiny_model()
    a_job(sample, model=model).run()
    assert [name for name, *_ in made] == ["pairx", "nearest", "pairx"]
    assert made[0][1] is made[1][1] is model and made[2][1].fingerprint != model.fingerprint
    assert set(CONTROLS) == {"weights", "pairs"}


def test_layers_are_handed_on(made, sample):
    a_job(sample, Plan(("pairx:second", "nearest"), layer="first", faithful_pairs=0, steady_pairs=0)).run()
    assert [(name, layer) for name, _, layer, _ in made] == [("pairx", "second"), ("nearest", "first")]


def test_the_other_explanation_is_stretched_onto_the_pair(monkeypatch, tmp_path):
    from tests.conftest import paint

    photos = painted(tmp_path, 4)
    paint(photos[2].path, 2, (48, 128))
    paint(photos[3].path, 3, (48, 128))
    middle = Scripted(
        lambda *views: lines(*[np.array([[0.5, 0.25]] * 6) * view.image.size for view in views])
    )
    monkeypatch.setattr(bench, "make_method", lambda *_: middle)
    measured = []
    monkeypatch.setattr(
        "pairx_core.evaluate.measuring.plausibility",
        lambda evidence, sizes, _: measured.append((evidence, sizes)) or _plausibility(evidence, sizes, _),
    )
    plan = Plan(("pairx",), controlled=("pairx",), faithful_pairs=0, steady_pairs=0)
    a_job(sample_of(photos, [(0, 1), (2, 3)]), plan).run()
    sizes = [(96, 64), (48, 128)]
    assert {size for _, pair in measured for size in pair} == set(sizes)
    for evidence, pair in measured:  # whatever the picture that it was of
        np.testing.assert_allclose(evidence.query_xy, np.array([[0.5, 0.25]] * 6) * pair[0])
        np.testing.assert_allclose(evidence.candidate_xy, np.array([[0.5, 0.25]] * 6) * pair[1])


def test_the_control_of_pairs_mixes_both_kinds(made, tmp_path):
    """In a sample same and different pairs take turns. A control that exchanged them would not collapse."""
    photos = painted(tmp_path, 16, 4)
    couples = [
        (n, other) for n in range(16) if n % 4 < 3 for other in (n + 1, (n + 4) % 16)
    ]  # same, different, same, ...
    sample = sample_of(photos, couples)
    picture = {one.path: hash(open_photo(one).tobytes()) for one in photos}
    kinds = {(picture[pair.query.path], picture[pair.candidate.path]): pair.same for pair in sample.pairs}
    plan = Plan(("pairx",), controlled=("pairx",), faithful_pairs=0, steady_pairs=0)
    a_job(sample, plan).run()
    asked_of = [
        tuple(hash(view.image.tobytes()) for view in views) for views in made[0][3].asked
    ]  # the pair, and the control's
    pairs, others = asked_of[::2], asked_of[1::2]
    assert Counter(pairs) == Counter(others) and len(pairs) == len(sample.pairs)
    assert all(pair != other for pair, other in zip(pairs, others, strict=True))
    alike = np.mean([kinds[pair] == kinds[other] for pair, other in zip(pairs, others, strict=True)])
    assert 0.25 < alike < 0.75


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_each_pair_is_shown_the_explanation_of_one_other(made, photos, count):
    couples = [(one, other) for one in range(6) for other in range(6) if one != other]
    sample = sample_of(photos, (couples * 2)[:count])
    places = a_job(sample)._elsewhere
    assert sorted(places) == list(range(count))
    assert count == 1 or all(place != other for place, other in enumerate(places))


def test_the_other_candidate_is_on_neither_photo(made, photos):
    job = a_job(sample_of(photos, [(1, 2), (0, 1), (0, 2), (3, 2), (0, 4)]))
    assert [job._other_candidate(place).id for place in range(5)] == ["p4", "p2", "p4", "p4", "p2"]
    assert a_job(sample_of(photos, [(0, 1), (2, 1)]))._other_candidate(0) is None


@pytest.mark.parametrize("at", range(1, 16, 2))
def test_a_stopped_evaluation_goes_on_and_computes_nothing_twice(made, sample, tmp_path, at):
    whole = a_job(sample).run()
    calls = asked(made)
    made.clear()
    folder = tmp_path / "kept"
    with pytest.raises(Stopped):
        a_job(sample).run(folder, stop_at(at))
    assert len(read_rows(folder)) == at
    found = a_job(sample).run(folder)
    assert found.resumed == at and asked(made) == calls
    assert without_time(found.rows) == without_time(whole.rows)
    assert without_time(read_rows(folder)) == without_time(whole.rows)
    again = a_job(sample).run(folder)
    assert again.rows == found.rows and again.resumed == 16 and asked(made) == calls


def test_another_method_joins_those_that_are_there(made, sample, tmp_path):
    a_job(sample, replace(PLAN, controlled=())).run(tmp_path / "kept")
    found = a_job(sample).run(tmp_path / "kept")
    assert found.resumed == 8 and len(found.rows) == 16


def test_progress_is_told_up_to_the_end(made, sample):
    told = []
    a_job(sample).run(progress=lambda done, total: told.append((done, total)))
    assert told == [(number, 16) for number in range(17)]


@pytest.mark.parametrize("torn", ["{", '{"bin": 40, "candid', "half a character: \udcc3"])
def test_a_torn_last_line_is_measured_again(made, sample, folder, torn):
    whole = a_job(sample).run(folder)
    file = folder / ROWS_NAME
    content = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(content[:5]) + torn.encode(errors="ignore"))
    assert len(read_rows(folder)) == 5
    found = a_job(sample).run(folder)
    assert found.resumed == 5 and without_time(found.rows) == without_time(whole.rows)
    assert without_time(read_rows(folder)) == without_time(whole.rows)


def test_a_line_that_lacks_only_its_end_is_kept(made, sample, folder):
    a_job(sample).run(folder)
    file = folder / ROWS_NAME
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:5])[:-1])
    assert a_job(sample).run(folder).resumed == 5
    assert len(file.read_bytes().splitlines()) == 16


def test_what_is_kept_is_the_same_each_time_but_for_the_seconds(made, sample, tmp_path):
    for name in ("one", "other"):
        a_job(sample).run(tmp_path / name)
    one, other = tmp_path / "one", tmp_path / "other"
    assert sorted(path.name for path in one.iterdir()) == ["evaluation.json", ROWS_NAME, SECONDS_NAME]
    for name in ("evaluation.json", ROWS_NAME):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    assert "seconds" not in (one / ROWS_NAME).read_text()
    assert all(row.seconds > 0 for row in read_rows(one))


@pytest.mark.parametrize("torn", ["[", '["p0", "p1", "pairx", 0.'])
def test_seconds_may_be_torn_or_missing(made, sample, folder, torn):
    whole = a_job(sample).run(folder)
    file = folder / SECONDS_NAME
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:5]) + torn)
    assert [row.seconds > 0 for row in read_rows(folder)] == [True] * 5 + [False] * 11
    assert a_job(sample).run(folder).resumed == 16
    assert file.read_text().endswith("]\n")
    file.unlink()
    assert without_time(read_rows(folder)) == without_time(whole.rows)


def test_damaged_seconds_are_named(made, sample, folder):
    a_job(sample).run(folder)
    file = folder / SECONDS_NAME
    file.write_text("[1, 2]\n" + file.read_text())
    with pytest.raises(CatalogueError, match=r"seconds\.jsonl, line 1: it is damaged"):
        read_rows(folder)


def test_rows_kept_with_their_seconds_are_read(made, sample, folder):
    """So they were kept once."""
    whole = a_job(sample).run(folder)
    (folder / SECONDS_NAME).unlink()
    (folder / ROWS_NAME).write_text("".join(f"{row.to_json()}\n" for row in whole.rows))
    assert tuple(read_rows(folder)) == whole.rows
    assert a_job(sample).run(folder).resumed == 16


def test_a_method_that_needs_the_process_to_itself_has_it(monkeypatch, sample):
    """Two threads of one process; the decomposition switches things for both."""
    at_work, most = [], []

    def noting(query, candidate):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.01)  # long enough for the other thread to come along
        at_work.pop()
        return shown(query, candidate)

    monkeypatch.setattr(bench, "make_method", lambda *_: Scripted(noting))
    runner = LocalRunner(2)
    for name, expected in (("decomposition", {1}), ("chance", {1, 2})):
        most.clear()
        a_job(sample, Plan((name,), faithful_pairs=0, steady_pairs=0)).run(runner=runner)
        assert set(most) == expected
    runner.close()


def test_threads_have_methods_of_their_own_and_share_the_shuffled_model(made, sample):
    runner = LocalRunner(2)
    a_job(sample, replace(PLAN, faithful_pairs=0, steady_pairs=0)).run(runner=runner)
    runner.close()
    shuffled = {id(model) for name, model, _, _ in made if model.name.endswith("(random)")}
    assert len(shuffled) == 1 and len(made) > 3
    assert len({id(method) for *_, method in made}) == len(made)


def test_a_damaged_line_in_the_middle_is_named(made, sample, folder):
    a_job(sample).run(folder)
    file = folder / ROWS_NAME
    content = file.read_text().splitlines()
    file.write_text("\n".join([*content[:2], content[2][:40], *content[3:]]) + "\n")
    with pytest.raises(CatalogueError, match=r"rows\.jsonl, line 3: it is damaged"):
        a_job(sample).run(folder)


@pytest.mark.parametrize("name", ["Ωμέγα", "line\u2028end", "next\x85line", 'quote"\\\n', "\x1ctabs\t|"])
def test_any_name_comes_back_from_its_row(tmp_path, name):
    row = PairRow(name, "c", name, "b", 0.5, 25, "pairx", {"residual": 1 / 3}, "0110", 0.25)
    assert PairRow.from_json(row.to_json()) == row
    (tmp_path / ROWS_NAME).write_text(f"{row.to_json()}\n{row.to_json()}\n", encoding="utf-8")
    assert read_rows(tmp_path) == [row, row]
    torn = row.to_json().encode()
    for end in range(1, len(torn), 7):
        (tmp_path / ROWS_NAME).write_bytes(torn + b"\n" + torn[:end])
        assert read_rows(tmp_path) == [row]


@pytest.mark.parametrize("text", ["[]", "{}", "3", '{"query_id": "a"}', '{"surplus": 1}', "null", ""])
def test_what_is_no_row_is_a_value_error(text):
    with pytest.raises(ValueError):
        PairRow.from_json(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": tiny_model(1)}, "model fingerprint"),
        ({"model": tiny_model(0, "other")}, "different: model"),
        ({"plan": replace(PLAN, seed=5)}, "plan"),
        ({"plan": replace(PLAN, k_lines=7)}, "plan"),
        ({"plan": replace(PLAN, layer="second")}, "layer"),
        ({"seed": 9}, "sample seed"),
        ({"couples": COUPLES[:3]}, "pairs"),
        ({"couples": [*COUPLES[:3], (1, 5)]}, "the photos"),
    ],
)
def test_a_folder_with_another_evaluation_is_refused_by_name(made, photos, tmp_path, change, says):
    folder = tmp_path / "kept"
    a_job(sample_of(photos, COUPLES)).run(folder)
    before = (folder / ROWS_NAME).read_bytes()
    sample = sample_of(photos, change.get("couples", COUPLES), change.get("seed", 0))
    other = a_job(sample, change.get("plan", PLAN), model=change.get("model"))
    with pytest.raises(CatalogueError, match=f"something else .*{says}"):
        other.run(folder)
    assert (folder / ROWS_NAME).read_bytes() == before


def test_a_changed_photo_or_identity_is_another_evaluation(made, photos, sample, tmp_path):
    a_job(sample).run(tmp_path / "kept")
    renamed = KnownPair(replace(photos[0], identity="zoe"), photos[1], 0.81)
    with pytest.raises(CatalogueError, match="the photos"):
        a_job(replace(sample, pairs=(renamed, *sample.pairs[1:]))).run(tmp_path / "kept")
    photos[0].path.write_bytes(photos[5].path.read_bytes())
    with pytest.raises(CatalogueError, match="the photos"):
        a_job(sample).run(tmp_path / "kept")


def test_rows_without_what_they_are_of_are_refused(made, sample, folder):
    folder.mkdir()
    (folder / ROWS_NAME).write_text("")
    with pytest.raises(CatalogueError, match="Choose a new folder"):
        a_job(sample).run(folder)


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff\xfe", b"3"])
def test_a_damaged_description_is_refused(made, sample, folder, content):
    folder.mkdir()
    (folder / "evaluation.json").write_bytes(content)
    with pytest.raises(CatalogueError, match="cannot be kept there"):
        a_job(sample).run(folder)


def test_a_folder_that_cannot_be_made_says_so(made, sample, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogueError, match="cannot be kept there"):
        a_job(sample).run(tmp_path / "file" / "kept")


def test_a_photo_that_cannot_be_read_costs_its_pairs_only(made, photos, sample, tmp_path):
    photos[4].path.write_bytes(b"no picture")
    found = a_job(sample).run(tmp_path / "kept")
    assert {(one.query_id, one.candidate_id) for one in found.failures} == {("p1", "p4")} | {
        (one.query_id, one.candidate_id) for one in found.failures if one.method == "pairx@pairs"
    }
    assert all("p4" in one.message for one in found.failures)
    assert {row.key for row in found.rows} >= {("p0", "p1", "pairx"), ("p2", "p3", "nearest")}
    assert len(found.rows) + len(found.failures) == 16
    again = a_job(sample).run(tmp_path / "kept")
    assert again.failures == found.failures and again.resumed == len(found.rows)


@pytest.mark.parametrize("error", [ExplanationError("no rule"), PhotoError("no light")])
def test_a_pair_that_a_method_cannot_explain_is_listed(monkeypatch, sample, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(bench, "make_method", lambda name, *_: Scripted(fail if name == "pairx" else shown))
    found = a_job(sample, Plan(("pairx", "nearest"), faithful_pairs=0, steady_pairs=0)).run()
    assert [row.method for row in found.rows] == ["nearest"] * 4
    assert [(one.method, one.message) for one in found.failures] == [("pairx", str(error))] * 4


def test_a_bug_in_a_method_surfaces(monkeypatch, sample):
    monkeypatch.setattr(bench, "make_method", lambda *_: Scripted(lambda *_: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        a_job(sample).run()


@pytest.mark.parametrize(
    "plan", [{"methods": ("magic",)}, {"methods": ("pairx",), "controlled": ("magic:a",)}]
)
def test_an_unknown_method_is_named(plan):
    with pytest.raises(ExplanationError, match="no method “magic.*There are: pairx,"):
        Plan(**plan)


def test_a_plan_needs_a_method():
    with pytest.raises(ExplanationError, match="No method is named"):
        Plan(())


def test_the_same_seed_gives_the_same_rows_from_real_methods(photos):
    sample = sample_of(photos, COUPLES[:2])
    plan = Plan(("pairx", "nearest", "chance"), controlled=("pairx",), faithful_pairs=1, steady_pairs=1)
    one, other = a_job(sample, plan).run(), a_job(sample, plan).run()
    assert len(one.rows) == 2 * 5 and not one.failures
    assert without_time(one.rows) == without_time(other.rows)
    seeded = a_job(sample, replace(plan, seed=3)).run()
    changed = {a.method for a, b in zip(one.rows, seeded.rows, strict=True) if a.measures != b.measures}
    assert "pairx@weights" in changed


def test_rows_say_nothing_that_is_not_finite(made, sample, folder):
    found = a_job(sample).run(folder)
    assert all(np.isfinite(list(row.measures.values())).all() for row in found.rows)
    for line in (folder / ROWS_NAME).read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


from pairx_core.evaluate.plausibility import plausibility as _plausibility  # noqa: E402
