"""Open connections to a PostgreSQL database, with errors that name the cure and never the password."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from headrace.errors import LakeVersionError, MissingExtraError
from headrace.storage.database.dsn import shown_dsn
from headrace.storage.database.postgres.errors import quoted_name, translating, translating_opening

if TYPE_CHECKING:
    import asyncpg

OLDEST = 15
"""The oldest PostgreSQL that is supported."""

CONNECT_SECONDS = 5.0
LOST_SECONDS = 60
"""After so long without a sign of the other machine, a connection is lost. PostgreSQL may be busy and silent for longer."""

_PROBE_SECONDS = 15
_STATEMENTS = 512
# Pages cost nearly the same wherever they lie, else whole tables are read for some thousand rows. No statement asks for
# one key so often that remembering its row pays.
_PLANNING = {"jit": "off", "random_page_cost": "1.1", "enable_memoize": "off"}


async def connect(
    dsn: str, *, seconds: float = CONNECT_SECONDS, opening: bool = True, **settings: str
) -> asyncpg.Connection:
    """Open a connection.

    Args:
        dsn: The address; what it leaves out comes from PGPASSWORD, ``~/.pgpass`` and so on.
        seconds: How long it may take.
        opening: Whether this is the first connection, so that a wrong address is an error of the caller.
        **settings: Settings of the server for this connection.

    Raises:
        MissingExtraError: The driver is not installed.
        ConfigurationError: The address, the user, the password or the database is wrong.
        ConnectError: The server cannot be reached; ``UnavailableError`` if it is not the first connection.
        LakeVersionError: The server is too old.
    """
    shown = shown_dsn(dsn)
    package = driver()
    chosen = {"application_name": application_name(), **_PLANNING, **settings}
    with translating_opening(shown) if opening else translating(shown):
        try:
            connection: asyncpg.Connection = await package.connect(
                dsn,
                timeout=seconds,
                statement_cache_size=_STATEMENTS,
                max_cached_statement_lifetime=0,
                max_cacheable_statement_size=0,
                server_settings=chosen,
            )
        except package.UndefinedObjectError as error:
            # Only our own parameters tell the age; one that the address names is another error.
            if quoted_name(error) in chosen:
                raise _too_old(shown, f"older than {OLDEST}") from None
            raise
    _notice_loss(connection)
    if opening:
        try:
            check_server(connection.get_server_version().major, shown)
        except BaseException:
            connection.terminate()
            raise
    return connection


async def answers(dsn: str, seconds: float) -> bool:
    """Whether a server answers a new connection in time; a refusal is an answer."""
    try:
        connection: asyncpg.Connection = await driver().connect(
            dsn, timeout=seconds, server_settings={"application_name": application_name()}
        )
    except TimeoutError:
        return False
    except Exception:  # noqa: BLE001 - what it is, those will learn who open a connection to use it
        return True
    with suppress(Exception):
        await connection.close(timeout=seconds)
    return True


def _notice_loss(connection: asyncpg.Connection) -> None:
    """Have the system end a connection where the other machine or the network has gone without a word."""
    transport = connection._transport  # noqa: SLF001 - the driver has no public name for it
    found = transport.get_extra_info("socket")
    if found is None or found.family not in (socket.AF_INET, socket.AF_INET6):
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _PROBE_SECONDS),
        ("TCP_KEEPINTVL", _PROBE_SECONDS),
        ("TCP_KEEPCNT", LOST_SECONDS // _PROBE_SECONDS - 1),
        ("TCP_USER_TIMEOUT", LOST_SECONDS * 1000),
    ):
        if (option := getattr(socket, name, None)) is not None:
            found.setsockopt(socket.IPPROTO_TCP, option, value)


def application_name() -> str:
    """Return the name of this process's sessions in ``pg_stat_activity``: with several servers, it says whose they are."""
    return f"headrace {os.getpid()}"


def check_server(major: int, shown: str) -> None:
    """Raise an error for a PostgreSQL that is too old."""
    if major < OLDEST:
        raise _too_old(shown, str(major))


def _too_old(shown: str, version: str) -> LakeVersionError:
    return LakeVersionError(
        f"the server of {shown} is PostgreSQL {version}, and headrace needs {OLDEST} or newer",
        hint="upgrade PostgreSQL",
    )


def server_version(connection: asyncpg.Connection) -> str:
    """Return the version of the server, such as ``18.4``."""
    version = connection.get_server_version()
    return f"{version.major}.{version.micro or version.minor}"


def driver() -> Any:
    """Import asyncpg.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import asyncpg
    except ImportError:
        raise MissingExtraError(
            "a catalog in PostgreSQL needs asyncpg", install="headrace[postgres]"
        ) from None
    return asyncpg
