"""Explanations of hardly changed photos, of another candidate, and of a model that knows nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from pairx_core.evaluate.evidence import Evidence, no_lines, view_of_image
from pairx_core.evaluate.steadiness import dependence_on_other, steadiness, with_random_weights
from tests.evaluate.making import Scripted, lines, tiny_model
from tests.evaluate.methods.making import texture

SIZE = (200, 100)
SPOTS = [(40, 30), (60, 70), (100, 50), (150, 20), (170, 80)]


def spotted(spots=SPOTS, size=SIZE):
    """A picture with white spots."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    for x, y in spots:
        pixels[y - 2 : y + 3, x - 2 : x + 3] = 255
    return Image.fromarray(pixels)


def seen(view):
    """What is bright, as a map, and the centres of the bright spots, left to right."""
    bright = np.asarray(view.image.convert("L"), np.float64)
    at_x = np.flatnonzero(bright.any(axis=0))
    runs = np.split(at_x, np.flatnonzero(np.diff(at_x) > 1) + 1)
    xy = [(run.mean() + 0.5, np.flatnonzero(bright[:, run].any(axis=1)).mean() + 0.5) for run in runs]
    return bright, xy


def finder(query, candidate):
    """Draws lines between the spots, wherever they are."""
    (first, xy), (second, other) = seen(query), seen(candidate)
    return lines(xy, other, query_map=first, candidate_map=second)


def noise(seed=0):
    random = np.random.default_rng(seed)

    def show(query, candidate):
        ends = (random.random((20, 2)) * view.image.size for view in (query, candidate))
        return lines(*ends, query_map=random.random((12, 12)), candidate_map=random.random((12, 12)))

    return show


def measured(show, image=None, k_lines=20):
    model = tiny_model()
    views = [view_of_image(image or spotted(), model) for _ in range(2)]
    method = Scripted(show)
    return steadiness(method, model, *views, show(*views), k_lines), method


def test_what_marks_an_object_in_the_picture_finds_it_again():
    found, _ = measured(finder)
    assert found.lines == 1 and found.maps > 0.85


def test_maps_are_compared_where_both_pictures_show_the_same():
    """A map that is the picture itself moves with the animal as the edges are cut off."""

    def bright(query, candidate):
        return Evidence(*no_lines(), seen_map(query), seen_map(candidate))

    def seen_map(view):
        return np.asarray(view.image.convert("L"), np.float64)

    found, _ = measured(bright, texture(3, SIZE))
    assert found.maps > 0.99


def test_noise_is_not_steady():
    found, _ = measured(noise())
    assert found.lines < 0.2 and abs(found.maps) < 0.1


@pytest.mark.parametrize(("share", "found_again"), [(0.02, 1), (0.12, 0.5), (0.0532, 1), (0.3, 0.5)])
def test_places_on_the_cropped_picture_are_mapped_back(share, found_again):
    """8 % from the edge is 5.3 % once 3 % are cut off; a line may lie 5 % away. The darkened picture has the same."""
    model = tiny_model()
    views = [view_of_image(spotted(), model) for _ in range(2)]

    def show(query, _):
        at = 0.08 if query.image.size == SIZE else share
        return lines(*[np.array([(at, 0.5), (1 - at, 0.5)]) * query.image.size] * 2)

    assert steadiness(Scripted(show), model, *views, show(*views), 20).lines == found_again


def test_both_photos_are_cropped_and_darkened():
    _, method = measured(finder)
    cropped, darkened = method.asked[0], method.asked[1]
    assert [view.image.size for view in cropped] == [(188, 94)] * 2
    assert [view.image.size for view in darkened] == [SIZE] * 2
    assert np.asarray(darkened[0].image).max() == round(255 * 0.85 - 0.25)
    assert cropped[0].inputs.shape == darkened[1].inputs.shape == (1, 3, 40, 40)


def test_only_the_first_lines_count():
    def show(query, candidate):
        found = finder(query, candidate)
        late = np.random.default_rng(query.image.size[0]).random((15, 2)) * query.image.size
        ends = np.concatenate([found.query_xy, late])
        return lines(ends, ends, query_map=found.query_map, candidate_map=found.candidate_map)

    assert measured(show, k_lines=5)[0].lines == 1
    assert measured(show, k_lines=20)[0].lines < 1


def test_a_method_without_lines_has_no_steadiness_of_lines():
    def maps_only(query, candidate):
        return Evidence(*no_lines(), seen(query)[0], seen(candidate)[0])

    found, _ = measured(maps_only)
    assert math.isnan(found.lines) and found.maps > 0.85


def test_lines_that_vanish_are_not_found_again():
    model = tiny_model()
    views = [view_of_image(spotted(), model) for _ in range(2)]
    gone = Scripted(lambda *_: Evidence(*no_lines()))
    assert steadiness(gone, model, *views, finder(*views), 20).lines == 0


def test_a_method_that_ignores_the_other_photo_does_not_depend_on_it():
    view = view_of_image(spotted(), tiny_model())
    one, other = np.random.default_rng(0).random((2, 20, 20))
    here, elsewhere = (Evidence(*no_lines(), one, other * number) for number in (1, 2))
    assert dependence_on_other(here, elsewhere, view) == pytest.approx(0)
    assert dependence_on_other(here, Evidence(*no_lines(), other, one), view) == pytest.approx(1, abs=0.2)
    assert dependence_on_other(here, Evidence(*no_lines(), one.max() - one, one), view) == pytest.approx(2)


def test_what_shows_nothing_has_no_dependence():
    view = view_of_image(spotted(), tiny_model())
    assert math.isnan(dependence_on_other(Evidence(*no_lines()), Evidence(*no_lines()), view))


def test_random_weights_are_the_same_ones_in_another_order():
    model = tiny_model()
    before = {name: tensor.clone() for name, tensor in model.module.state_dict().items()}
    shuffled = with_random_weights(model, 0)
    for name, tensor in shuffled.module.state_dict().items():
        assert torch.equal(tensor.flatten().sort().values, before[name].flatten().sort().values)
        assert torch.equal(tensor, before[name]) == (tensor.ndim == 1), name
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.module.state_dict().items())
    assert str(shuffled.module) == str(model.module) and shuffled.preprocessing == model.preprocessing
    assert shuffled.recommended_layer == model.recommended_layer and not shuffled.module.training


def test_random_weights_see_something_else():
    model = tiny_model()
    inputs = [torch.randn(1, 3, 40, 40)]
    seeds = [with_random_weights(model, seed).embed_inputs(inputs) for seed in (0, 0, 1)]
    assert (seeds[0] == seeds[1]).all() and not np.allclose(seeds[0], seeds[2])
    assert not np.allclose(seeds[0], model.embed_inputs(inputs), rtol=0.05)
    assert with_random_weights(model, 0).fingerprint != model.fingerprint
