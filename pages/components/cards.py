"""The small pictures on cards."""

from __future__ import annotations

from pages.components import resources
from pairx_core.catalogue import Photo
from pairx_core.errors import PairxError


def picture(photo: Photo) -> str:
    """A photo's thumbnail as HTML, or that it cannot be read."""
    try:
        return f'<img src="{resources.thumbnail(photo)}" alt="">'
    except PairxError:
        return '<div class="px-nophoto">photo cannot be read</div>'
