"""Addresses of databases: which can be used, and what of them may be shown."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from pairx_core.errors import DecisionLogError

_SECRETS = ("password", "sslpassword")  # in the query part of an address


def is_at(url: str, location: str) -> bool:
    """Whether an address is that of the database at a location, which holds no password."""
    try:
        return without_secrets(usable_url(url)) == location
    except DecisionLogError:
        return False


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; None: the database is on a server.

    Raises:
        DecisionLogError: this is no address of a database.
    """
    found = usable_url(url)
    return Path(str(found.database)) if found.get_backend_name() == "sqlite" else None


def usable_url(url: str) -> URL:
    """An address as SQLAlchemy takes it.

    Raises:
        DecisionLogError: it is not one of a PostgreSQL or SQLite database.
    """
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        found = None
    backend = "" if found is None else found.get_backend_name()
    if found is not None and backend in ("postgresql", "postgres"):
        return found.set(drivername="postgresql+psycopg")
    if found is not None and backend == "sqlite" and found.database not in (None, "", ":memory:"):
        path = Path(str(found.database)).expanduser().absolute()
        return found.set(drivername="sqlite", database=str(path))
    raise DecisionLogError(
        "PAIRX_DECISIONS is not the address of a database that can be used. Write one such as "
        "postgresql://user:password@host/name or sqlite:////folder/decisions.db, or the path of a CSV file."
    )


def secrets_in(url: URL) -> list[str]:
    """What of an address nobody may read."""
    named = [url.password, *(url.query.get(name) for name in _SECRETS)]
    return [str(secret) for secret in named if secret]


def without_secrets(url: URL) -> str:
    """An address as it may be shown."""
    shown = url.set(drivername=url.get_backend_name()).difference_update_query(_SECRETS)
    return shown.render_as_string(hide_password=True)
