"""The names of objects, which tell whose they are.

A name is ``<digit>/<organization>/<connector>/<uuid>.<extension>``. The digit gives sixteen prefixes, because object
storages split their load by prefix; the UUIDs are ordered by time, because random keys slow a database down.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from uuid import UUID

from headrace.model.names import safe_extension

_NAME = re.compile(r"[0-9a-f]/(0|[1-9][0-9]{0,17})/[^/]*/.+", re.ASCII | re.DOTALL)


def new_name(organization: int, connector: int, filename: str, folder: str = "") -> str:
    """Generate a unique object name."""
    (name,) = new_names(organization, connector, [filename], folder)
    return name


def new_names(
    organization: int, connector: int, filenames: Sequence[str], folder: str = ""
) -> list[str]:
    """Generate unique object names with the same digit, so that one listing finds the objects of a call together."""
    prefix = f"{folder}/" if folder else ""
    start = f"{secrets.randbits(4):x}/{organization}/{connector}/{prefix}"
    return [f"{start}{_uuid7()}{safe_extension(filename)}" for filename in filenames]


def organization_of(object_name: str) -> int | None:
    """Return the organization to which an object belongs; None for a name that no data can have.

    The server generates all names, so the name tells.
    """
    found = _NAME.fullmatch(object_name)
    return None if found is None else int(found[1])


def belongs(object_name: str, organization: int) -> bool:
    """Whether an object belongs to an organization."""
    return organization_of(object_name) == organization


def _uuid7() -> UUID:
    """Generate a UUID v7 with the fraction of the millisecond in its next 12 bits, so that it sorts within one too."""
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    value = milliseconds << 80 | 7 << 76 | (rest * 4096 // 1_000_000) << 64
    return UUID(int=value | 0b10 << 62 | secrets.randbits(62))
