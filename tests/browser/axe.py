"""What axe-core finds on a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe

SEVERE = ("serious", "critical")


def violations(page, *rules: str) -> list[str]:
    """What is serious or critical, with the elements that it is about and what to do.

    Args:
        page: it is whole.
        rules: what to look for; without any, everything.
    """
    only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    found = Axe().run(page, options={"resultTypes": ["violations"], **only}).response["violations"]
    return [
        f"{one['id']} ({one['impact']}) {node['target']}: {one['help']}. {node['failureSummary']}"
        for one in found
        if one["impact"] in SEVERE
        for node in one["nodes"]
    ]
