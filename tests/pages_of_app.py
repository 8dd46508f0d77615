"""Which pages the app has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pages.components import navigation


def page_names() -> list[str]:
    """All pages, by the names of their files, as the app's navigation lists them."""
    listed: list[str] = []

    def navigate(pages: Any, **_: object) -> None:
        flat = [one for part in pages.values() for one in part] if isinstance(pages, dict) else pages
        listed.extend(flat)

    stand_in = SimpleNamespace(
        Page=lambda path, **_: path.removeprefix("pages/").removesuffix(".py"),
        navigation=navigate,
        query_params={},
        user={},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(navigation, "st", stand_in)
        navigation.page()
    return listed
