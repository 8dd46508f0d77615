from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairx_core import (
    CandidateFilters,
    CatalogueError,
    PairExplainer,
    build_index,
    load_model,
    read_catalogue,
)
from pairx_core.evaluate import BodyMap, line_accuracy, read_truth, retrieval_accuracy, right_lines
from pairx_core.retrieval import Candidate


class RankedByHand:
    """An index that ranks as it is told."""

    def __init__(self, catalogue, ranking: dict[str, str]):
        self.photos = catalogue.photos
        self._catalogue = catalogue
        self._ranking = ranking

    def __len__(self):
        return len(self.photos)

    def candidates(self, query, k, filters):
        return [
            Candidate(self._catalogue.photo(photo), 1.0 / rank, rank)
            for rank, photo in enumerate(self._ranking[query.id].split(), start=1)
        ][:k]


def test_rank_1_and_top_5_count_only_queries_with_a_right_answer(small_catalogue):
    ranking = {
        "a1": "u1 a3 b1 c1",  # right at rank 1: unknown photos do not count
        "a2": "b1 c1 a3",  # right at rank 3
        "a3": "b1 b2 c1 a4 b1 a1",  # right at rank 4
        "a4": "c1 b1 b2 c1 b1 a1",  # right at rank 6
        "b1": "a1 a2 c1",  # no right answer
        "b2": "b1",
        "c1": "a1",  # no right answer
    }
    result = retrieval_accuracy(RankedByHand(read_catalogue(small_catalogue), ranking))
    assert (result.queries, result.rank_1, result.top_5, result.without_answer) == (5, 2, 4, 2)


def test_a_catalogue_of_singletons_cannot_be_measured(small_catalogue):
    ranking = dict.fromkeys(["a1", "a2", "a3", "a4", "b1", "b2", "c1"], "u1")
    with pytest.raises(CatalogueError, match="two photos"):
        retrieval_accuracy(RankedByHand(read_catalogue(small_catalogue), ranking))


def write_truth(folder: Path, photo_id: str, size: tuple[int, int], shift: int = 0) -> None:
    width, height = size
    truth = np.zeros((height, width, 3), np.uint8)
    truth[..., 0] = np.clip(np.arange(width) + shift, 0, 255)
    truth[..., 1] = np.arange(height)[:, None]
    truth[..., 2] = 85
    Image.fromarray(truth).save(folder / f"{photo_id}.png")


class Lines:
    """As much of an explanation as scoring needs."""

    def __init__(self, query_xy, candidate_xy):
        self.matches = self
        self.query_xy = np.float32(query_xy)
        self.candidate_xy = np.float32(candidate_xy)
        self.line_count = len(query_xy)


def body(surface: int = 85) -> BodyMap:
    rows, columns = np.mgrid[0:100, 0:100]
    position = np.stack([columns, rows], axis=-1).astype(np.float32) / 100
    sides = np.full((100, 100), surface, np.uint8)
    sides[:, 90:] = 0
    return BodyMap(sides, position)


def test_a_line_is_right_within_5_percent_of_the_body_on_the_same_side():
    lines = Lines(
        [[10.5, 10.5]] * 4 + [[95, 50]], [[10.5, 10.5], [14.5, 12.5], [16.5, 10.5], [99, 99], [95, 50]]
    )
    assert right_lines(lines, body(), body()).tolist() == [True, True, False, False, False]
    assert not right_lines(lines, body(85), body(170)).any()


def test_truth_is_cropped_as_its_photo_is(small_catalogue, tmp_path):
    text = small_catalogue.read_text().replace("species\n", "species,bbox\n")
    small_catalogue.write_text(text.replace("spring,bushbuck\n", 'spring,bushbuck,"[10, 4, 40, 30]"\n', 1))
    photo = read_catalogue(small_catalogue).photo("a1")
    write_truth(tmp_path, "a1", (96, 64))
    surface, position = read_truth(photo, tmp_path).at(np.float32([[0.5, 0.5], [39.5, 29.5]]))
    assert surface.tolist() == [85, 85]
    np.testing.assert_allclose(position * 255, [[10, 4], [49, 33]], atol=1e-3)


def test_lines_are_scored_apart_for_true_pairs_and_wrong_candidates(
    small_catalogue, tiny_checkpoint, tmp_path
):
    catalogue = read_catalogue(small_catalogue)
    for photo in catalogue.photos:
        write_truth(tmp_path, photo.id, (96, 64), shift=0 if photo.identity == "ann" else 120)
    model = load_model(str(tiny_checkpoint))
    right, wrong = line_accuracy(
        build_index(catalogue, model), PairExplainer(model), tmp_path, filters=CandidateFilters(), k_lines=5
    )
    assert (right.pairs, right.lines) == (3, 15)  # a1-a3, a2-a3, a3-a1: no other has a right answer
    assert (wrong.pairs == 7 and wrong.right == 0) or wrong.share < 1
    assert 0 <= right.share <= 1


def test_a_missing_truth_folder_is_refused_by_name(small_catalogue, tiny_checkpoint, tmp_path):
    catalogue = read_catalogue(small_catalogue)
    model = load_model(str(tiny_checkpoint))
    with pytest.raises(CatalogueError, match="nowhere"):
        line_accuracy(build_index(catalogue, model), PairExplainer(model), tmp_path / "nowhere")
