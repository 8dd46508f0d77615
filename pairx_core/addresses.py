"""Addresses of databases."""

from __future__ import annotations

import re


def is_address(decisions: str) -> bool:
    """Whether a record of decisions is in a database, named by its address."""
    return "://" in decisions


def without_password(address: str) -> str:
    """A database's address as it may be shown."""
    return re.sub(
        r"(?<=://)([^/@:]*):[^@/]*@", r"\1:***@", re.sub(r"(?i)(password=)[^&]*", r"\1***", address)
    )
