from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pairx_core.frames import PhotoFrame
from pairx_core.models import Preprocessing


def test_the_whole_photo_is_stretched_to_the_input_and_normalised():
    image = Image.new("RGB", (50, 20), (255, 0, 51))
    tensor = Preprocessing((32, 16), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))(image)
    assert tensor.shape == (3, 16, 32)
    np.testing.assert_allclose(tensor[:, 3, 7].numpy(), [1.0, -1.0, -0.6], atol=1e-6)


def test_preprocessing_says_what_it_does():
    words = str(Preprocessing((440, 440), interpolation="bilinear"))
    assert (
        words == "stretched to 440×440 (Pillow bilinear), mean 0.485, 0.456, 0.406, std 0.229, 0.224, 0.225"
    )


def test_cells_inputs_and_photos_map_onto_each_other():
    frame = PhotoFrame(photo_size=(800, 400), input_size=(200, 200))
    np.testing.assert_allclose(frame.cells_to_input([[0, 0], [9, 4]], (10, 5)), [[10, 20], [190, 180]])
    np.testing.assert_allclose(frame.cells_to_photo([[0, 0], [9, 4]], (10, 5)), [[40, 40], [760, 360]])
    points = np.array([[3.0, 5.0], [700.0, 111.0]])
    np.testing.assert_allclose(frame.input_to_photo(frame.photo_to_input(points)), points, rtol=1e-6)


@pytest.mark.parametrize("place", [(0, 0), (7, 3), (31, 15)])
def test_a_bright_spot_in_the_photo_lands_where_the_frame_says(place):
    pixels = np.zeros((64, 128, 3), np.uint8)
    column, row = place
    pixels[row * 4 : row * 4 + 4, column * 4 : column * 4 + 4] = 255
    tensor = Preprocessing((32, 16), (0.0,) * 3, (1.0,) * 3, "bilinear")(Image.fromarray(pixels))
    y, x = np.unravel_index(int(tensor[0].argmax()), tensor.shape[1:])
    frame = PhotoFrame((128, 64), (32, 16))
    assert frame.photo_to_input([[column * 4 + 2, row * 4 + 2]])[0] == pytest.approx((x + 0.5, y + 0.5))
