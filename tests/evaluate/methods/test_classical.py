from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from PIL import Image

from pairx_core import ExplanationError
from pairx_core.evaluate.evidence import View
from pairx_core.evaluate.methods.classical import SiftRansac
from tests.evaluate.methods.making import texture

pytest.importorskip("cv2")


def seen(image: Image.Image) -> View:
    return View(image, torch.zeros(1, 3, 32, 32))


def shifted(scale: float = 1.0) -> tuple[View, View]:
    """Two cuts of one picture, the second 20 pixels further right and 12 further down, both resized."""
    whole = texture(3, (300, 260))
    cuts = [whole.crop((x, y, x + 240, y + 200)) for x, y in ((0, 0), (20, 12))]
    size = round(240 * scale), round(200 * scale)
    first, second = (seen(cut.resize(size, Image.Resampling.BICUBIC)) for cut in cuts)
    return first, second


@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_a_shifted_copy_gives_lines_with_that_shift(scale):
    evidence = SiftRansac().evidence(*shifted(scale))
    assert len(evidence.weight) >= 20
    shift = evidence.query_xy - evidence.candidate_xy
    np.testing.assert_allclose(np.median(shift, axis=0), [20 * scale, 12 * scale], atol=0.3 * scale)
    assert np.abs(shift - np.array([20, 12]) * scale).max() < 7 * scale
    assert (np.diff(evidence.weight) <= 0).all() and evidence.weight.min() > 0.25
    assert evidence.query_map is None


def test_a_point_in_the_middle_of_a_picture_has_half_its_size_as_coordinates():
    rows, columns = np.mgrid[0:101, 0:101]
    dot = 255 * np.exp(-((columns - 50) ** 2 + (rows - 50) ** 2) / (2 * 6.0**2))
    image = Image.fromarray(dot.astype(np.uint8)).convert("RGB")
    features = SiftRansac().features(image)
    assert np.abs(features.photo_xy - 50.5).sum(1).min() < 0.01


def test_the_same_pair_gives_the_same_bytes_again():
    first, second = (SiftRansac(seed=4).evidence(*shifted()) for _ in range(2))
    np.testing.assert_array_equal(first.query_xy, second.query_xy)
    np.testing.assert_array_equal(first.weight, second.weight)


def test_what_does_not_fit_together_gives_few_lines_or_none():
    evidence = SiftRansac().evidence(seen(texture(5, (200, 200))), seen(texture(6, (200, 200))))
    assert len(evidence.weight) < 8


@pytest.mark.parametrize(("first", "second"), [("grey", "rich"), ("rich", "grey"), ("grey", "grey")])
def test_pictures_without_detail_give_no_lines(first, second):
    pictures = {"grey": seen(Image.new("RGB", (90, 60), "grey")), "rich": seen(texture(1))}
    evidence = SiftRansac().evidence(pictures[first], pictures[second])
    assert not evidence.has_lines and evidence.query_xy.shape == (0, 2)


def test_without_opencv_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ExplanationError, match=r"needs cv2: pip install -r requirements-evaluate\.txt"):
        SiftRansac()
