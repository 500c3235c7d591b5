"""Where a call comes from: the peer's address and program, or the person and the command on this machine."""

from __future__ import annotations

import os
from functools import cache

from msgspec import Struct

from headrace.client_name import client_name

MAX_CLIENT = 200
"""Maximum number of characters of a client's name that are kept."""


class Origin(Struct, frozen=True):
    """Where a call comes from, for the audit log.

    Attributes:
        address: The address of the peer; empty for a process that has the lake open itself.
        system_user: The user of the operating system who runs that process; empty for a call over HTTP.
        client: The name that the client gives itself, or the program or command that has the lake open.
    """

    address: str = ""
    system_user: str = ""
    client: str = ""


def this_process() -> Origin:
    """Return the origin of calls that this process makes itself."""
    return Origin(system_user=_system_user(), client=client_name())


@cache
def _system_user() -> str:
    # Environment variables could name anybody, and are not asked.
    try:
        import pwd
    except ImportError:  # Windows
        import getpass

        return getpass.getuser()
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
