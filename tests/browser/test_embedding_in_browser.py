"""A long job, as one who waits for it sees it: it goes on when the page is loaded again, and can be stopped."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from pairx_core.settings import SAMPLE_CATALOGUE
from tests.browser.conftest import serving

pytestmark = pytest.mark.browser
_DONE = re.compile(r"Looking at the photos with the model: ([\d,]+) of ([\d,]+)")


@pytest.fixture
def many_crops(tmp_path):
    """A thousand boxes in one photograph: seconds to read, the better part of a minute to embed."""
    folder = tmp_path / "crops"
    folder.mkdir()
    source = next((SAMPLE_CATALOGUE.parent / "photos").glob("*.jpg"))
    with Image.open(source) as picture:
        picture.convert("RGB").resize((900, 700)).save(folder / "one.jpg", quality=90)
    rows = [
        f'p{number},unknown,one.jpg,"[{number % 40}, {number // 40}, 500, 400]"' for number in range(1000)
    ]
    (folder / "metadata.csv").write_text("image_id,identity,path,bbox\n" + "\n".join(rows) + "\n")
    return folder / "metadata.csv"


def test_embedding_goes_on_after_a_reload_and_stops_and_goes_on_when_told(many_crops, tmp_path, page):
    with serving(many_crops, None, tmp_path, PAIRX_MODEL="demo") as server:
        page.goto(server.address)
        first = _done(page, 1)
        page.reload()
        assert _done(page, 1) >= first  # not begun anew: the very first that is shown
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("this was stopped").wait_for()
        kept = int(re.search(r"stopped\. ([\d,]+) of", page.content())[1].replace(",", ""))
        assert kept >= first
        page.reload()
        page.get_by_text("this was stopped").wait_for()  # and nothing has begun by itself
        page.get_by_role("button", name="Go on").click()
        assert _done(page, kept) >= kept


def _done(page, least: int) -> int:
    """How many photos the progress says are embedded, once they are so many."""
    page.wait_for_function(
        """least => {
            const said = /Looking at the photos with the model: ([\\d,]+) of/.exec(document.body.innerText);
            return said !== null && Number(said[1].replaceAll(",", "")) >= least;
        }""",
        arg=least,
    )
    return int(_DONE.search(page.locator("body").inner_text())[1].replace(",", ""))
