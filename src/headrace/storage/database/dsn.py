"""Addresses of PostgreSQL databases: which texts are one, and how they are shown without their password."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"postgres(?:ql)?://", re.IGNORECASE)
_USER = re.compile(r"[\w.~%+-]+")
_HOSTS = re.compile(r"[\w.,:~%\[\]-]*")


def is_dsn(text: str) -> bool:
    """Return whether a text is the address of a PostgreSQL database: ``postgresql://…`` or ``postgres://…``."""
    return _SCHEME.match(text) is not None


def shown_dsn(dsn: str) -> str:
    """Return an address without its password and its parameters: it may be logged and shown.

    Where it cannot be read with certainty, as with an unescaped ``/`` in the password, only the scheme is left.
    """
    found = _SCHEME.match(dsn)
    if found is None:
        return "postgresql://…"
    rest = dsn[found.end() :]
    user, at, place = rest.rpartition("@")
    if any(character in user for character in "/?#"):
        return "postgresql://…"
    hosts, slash, name = re.split(r"[?#]", place, maxsplit=1)[0].partition("/")
    if not _HOSTS.fullmatch(hosts):
        return "postgresql://…"
    user = user.partition(":")[0]
    shown = f"{user}@" if at and _USER.fullmatch(user) else ""
    return f"postgresql://{shown}{hosts}{slash}{name}"


def has_password(dsn: str) -> bool:
    """Return whether an address holds a password, which others could read where the address is an argument."""
    found = _SCHEME.match(dsn)
    if found is None:
        return False
    user, _, _ = dsn[found.end() :].rpartition("@")
    return ":" in user or re.search(r"[?&](?:ssl)?password=", dsn, re.IGNORECASE) is not None
