"""Photos as the browser gets them."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from PIL import Image

from pages.components import pictures
from pages.components.pictures import PREVIEW, Pictures
from pairx_core.catalogue import Box, Photo
from pairx_core.errors import PhotoError


@pytest.fixture
def make_photo(tmp_path):
    def make(size: tuple[int, int], name: str = "photo", box: Box | None = None) -> Photo:
        path = tmp_path / f"{name}.jpg"
        Image.new("RGB", size, (90, 120, 60)).save(path)
        return Photo(id=name, path=path, box=box)

    return make


def decoded(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


def test_a_small_photo_is_sent_as_it_is(make_photo):
    picture = Pictures().preview(make_photo((300, 200)))
    assert picture.is_full and picture.scale == 1
    assert decoded(picture.jpeg).size == picture.photo_size == (300, 200)


def test_a_panorama_is_reduced_at_first_and_sharper_on_demand(make_photo):
    photo = make_photo((12_000, 600))
    kept = Pictures()
    preview, sharp = kept.preview(photo), kept.sharp(photo)
    assert decoded(preview.jpeg).size == (PREVIEW, 80)
    assert not preview.is_full and preview.scale == pytest.approx(PREVIEW / 12_000)
    assert max(decoded(sharp.jpeg).size) == 8192
    assert preview.photo_size == sharp.photo_size == (12_000, 600)


def test_the_box_counts_as_the_photo_and_its_surroundings_are_there(make_photo):
    picture = Pictures().preview(make_photo((400, 300), box=Box(100, 100, 100, 50)))
    assert picture.photo_size == (100, 50)
    assert picture.extent == (-20, -20, 120, 70)
    assert decoded(picture.jpeg).size == (140, 90)


def test_what_was_made_is_kept_and_a_changed_file_made_again(make_photo, monkeypatch):
    made = []
    encoded = pictures._encoded
    monkeypatch.setattr(pictures, "_encoded", lambda *given: made.append(given) or encoded(*given))
    kept, photo = Pictures(), make_photo((60, 40))
    assert kept.made(photo) is None
    assert kept.preview(photo) is kept.preview(photo) is kept.made(photo)
    assert len(made) == 1
    make_photo((80, 40))
    assert kept.preview(photo).photo_size == (80, 40)


def test_no_more_bytes_are_kept_than_allowed(make_photo):
    one = len(Pictures().preview(make_photo((200, 200))).jpeg)
    kept = Pictures(limit=3 * one)
    photos = [make_photo((200, 200 + n), f"p{n}") for n in range(6)]
    for photo in photos:
        kept.preview(photo)
    assert sum(kept.made(photo) is not None for photo in photos) <= 3
    assert kept.made(photos[-1]) is not None


def test_several_threads_may_ask_at_once(tmp_path):
    random = np.random.default_rng(0)
    photos = []
    for number in range(4):
        path = tmp_path / f"{number}.jpg"
        Image.fromarray(random.integers(0, 255, (50, 60, 3), dtype=np.uint8)).save(path)
        photos.append(Photo(id=str(number), path=path))
    kept = Pictures()
    results: list[list[bytes]] = [[] for _ in range(6)]
    threads = [
        threading.Thread(target=lambda out=out: out.extend(kept.preview(p).jpeg for p in photos * 3))
        for out in results
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(result) for result in results}) == 1


def test_a_photo_that_cannot_be_read_is_an_error_each_time(tmp_path):
    kept = Pictures()
    for _ in range(2):
        with pytest.raises(PhotoError, match="does not exist"):
            kept.preview(Photo(id="gone", path=tmp_path / "gone.jpg"))
