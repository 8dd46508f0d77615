"""Whether the name under which somebody is logged in on this computer is a person's."""

from __future__ import annotations

import getpass

# of machines, roles and images of systems: decisions under them would be anybody's
_NOBODYS = frozenset(
    {
        "admin",
        "administrator",
        "azureuser",
        "centos",
        "codespace",
        "debian",
        "default",
        "docker",
        "ec2-user",
        "fedora",
        "guest",
        "home",
        "jovyan",
        "lab",
        "laptop",
        "me",
        "nobody",
        "opc",
        "owner",
        "pc",
        "pi",
        "public",
        "reviewer",
        "root",
        "runner",
        "runneradmin",
        "shared",
        "student",
        "ubuntu",
        "user",
        "user1",
        "users",
        "vagrant",
        "vscode",
    }
)


def of_person() -> str:
    """The login, where it may be a person's; empty where it says nothing, or there is none."""
    try:
        login = getpass.getuser().strip()
    except (OSError, KeyError, ImportError):
        return ""
    return "" if login.casefold() in _NOBODYS else login
