"""Translate errors of PostgreSQL and of its driver to those of headrace, each with a hint for the user.

A message never contains a bound value or a password. Errors of the driver may hold both, so they are not kept as causes.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from headrace.errors import (
    BadRequestError,
    ConfigurationError,
    ConnectError,
    CorruptionError,
    DatabaseError,
    DiskFullError,
    HeadraceError,
    LakeBusyError,
    LakeLostError,
    ReadOnlyLakeError,
    UnavailableError,
    UniqueViolationError,
    UnprocessableEntityError,
)

if TYPE_CHECKING:
    import asyncpg

_log = logging.getLogger("headrace.database")

BROKEN = (ConnectionError, OSError, TimeoutError, EOFError)
"""What a lost connection raises beside the driver's own errors."""

_LOST = ("08", "57P")
_ENDED = frozenset({"25P03", "25P04"})
"""The server ends the connection of a transaction that takes too long."""

_GENERATED_NAME = re.compile(r"_(?:pkey|key)\d*$")
_PARTITION = re.compile(r"_\d+$")
_COLUMNS = re.compile(r"^Key \(([^()=]*(?:\([^()]*\)[^()=]*)*)\)=")


class Translating:
    """A block in which errors of the driver are raised as those of headrace, without the driver's error as their cause."""

    __slots__ = ("_translate",)

    def __init__(self, translate: Callable[[Exception], HeadraceError | None]) -> None:
        self._translate = translate

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, HeadraceError):
            translated = self._translate(error)
            if translated is not None:
                raise translated from None


def is_lost(error: BaseException) -> bool:
    """Whether an error means that the connection, or the server, has gone."""
    import asyncpg

    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error) or "released" in str(error)
    if isinstance(error, asyncpg.InternalClientError):
        # The server has said that it ends the connection, and the connection's end has not arrived yet.
        return error.__cause__ is None
    if isinstance(error, asyncpg.PostgresError):
        return _state(error).startswith(_LOST) or _state(error) in _ENDED
    return isinstance(error, BROKEN)


def translate(
    error: BaseException, shown: str, statement: str = "", *, committing: bool = False
) -> HeadraceError | None:
    """Translate an error; None for one that is a bug.

    Args:
        error: What the driver raised.
        shown: The address of the database, without its password.
        statement: The name of the statement.
        committing: Whether the connection may have been lost when the change was complete already.
    """
    import asyncpg

    where = f" in {statement}" if statement else ""
    if is_lost(error):
        return unavailable(shown, committing=committing)
    match error:
        case asyncpg.PostgresError():
            if isinstance(error, asyncpg.DataError) and error.__cause__ is not None:
                return _value(error.__cause__, where)
            return _refused(error, shown, where)
        case UnicodeEncodeError() | OverflowError():
            return _value(error, where)
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            cause = error.__cause__
            if isinstance(cause, UnicodeEncodeError | OverflowError):
                return _value(cause, where)
            return DatabaseError(f"the driver refused a statement{where}: {type(error).__name__}")
    return None


def is_query_cancelled(error: BaseException) -> bool:
    """Whether the server ended a statement that took too long."""
    import asyncpg

    return isinstance(error, asyncpg.QueryCanceledError)


def too_slow(seconds: float) -> UnprocessableEntityError:
    """Return the error of a query that took too long."""
    return UnprocessableEntityError(
        f"the query took more than {seconds:g} s",
        hint="ask for less at once, or let the server take longer: headrace serve --query-seconds",
    )


def unavailable(shown: str, *, committing: bool = False) -> UnavailableError:
    """Return the error of a server that cannot be reached, or that ended the connection."""
    if committing:
        return UnavailableError(
            f"the connection to {shown} was lost while a change was committed: it is made whole or not at all",
            hint="look which, or repeat the call with the same Idempotency-Key",
        )
    return UnavailableError(f"the database {shown} cannot be reached", hint="try again in a moment")


def translating_opening(shown: str) -> Translating:
    """Return a block in which a catalog is opened: a wrong address is an error of the caller."""
    return Translating(lambda error: _translate_opening(error, shown))


def translating(shown: str) -> Translating:
    """Return a block that works with a catalog which was opened before."""
    return Translating(lambda error: translate(error, shown))


def _translate_opening(error: Exception, shown: str) -> HeadraceError | None:
    import asyncpg

    match error:
        case asyncpg.InvalidCatalogNameError():
            name = quoted_name(error)
            return ConfigurationError(
                f"the server of {shown} has no database {name}",
                hint=f"create it: createdb {name}, or correct the address",
            )
        case asyncpg.InvalidAuthorizationSpecificationError():
            return ConfigurationError(
                f"the server of {shown} refused the user or the password",
                hint="set PGPASSWORD, or write the password into ~/.pgpass",
            )
        case asyncpg.InsufficientPrivilegeError():
            return ConfigurationError(
                f"the user of {shown} may not use the database",
                hint="grant the user its rights, or use the owner of the database",
            )
        case asyncpg.TooManyConnectionsError():
            return ConnectError(
                f"the server of {shown} has no connection left", hint="raise its max_connections"
            )
        case asyncpg.CannotConnectNowError():
            return ConnectError(
                f"the server of {shown} is starting or stopping", hint="try again in a moment"
            )
        case asyncpg.UndefinedObjectError():
            return ConfigurationError(
                f"the address of {shown} has a parameter that PostgreSQL does not know: {quoted_name(error)}",
                hint="take it out of the address",
            )
    if (of_tls := _of_tls(error, shown)) is not None:
        return of_tls
    match error:
        case asyncpg.ClientConfigurationError() | ValueError() | UnicodeError():
            return ConfigurationError(
                f"{shown} is not the address of a database",
                hint="write it as postgresql://USER@HOST:PORT/DATABASE; special characters in a password are "
                "written as %XX",
            )
    if is_lost(error):
        return ConnectError(
            f"the database {shown} cannot be reached",
            hint="check the host and the port, and whether PostgreSQL runs"
            if shown.rstrip("/").count("/") > 1
            else "name a database in HEADRACE_DATABASE, or its host and name in PGHOST and PGDATABASE",
        )
    return translate(error, shown)


def _of_tls(error: Exception, shown: str) -> ConfigurationError | None:
    """Translate an error of TLS; None for any other."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigurationError(
            f"the certificate of the server of {shown} is not accepted: {error.verify_message}",
            hint="name the certificate of its authority by the variable PGSSLROOTCERT",
        )
    if isinstance(error, ssl.SSLError):
        return ConfigurationError(
            f"the server of {shown} offers no TLS that can be used: {error.reason or 'it failed'}",
            hint="correct its TLS, or the sslmode of the address",
        )
    text = str(error)
    if "root certificate" in text or "root.crt" in text:
        return ConfigurationError(
            f"the address of {shown} asks for a certificate that is checked, and no authority is known",
            hint="write its certificate to ~/.postgresql/root.crt, or name the file by sslrootcert= in the address",
        )
    if "rejected SSL upgrade" in text:
        return ConfigurationError(
            f"the server of {shown} offers no TLS, and the address asks for it",
            hint="turn on ssl in PostgreSQL, or connect without it: sslmode=disable",
        )
    return None


def quoted_name(error: Exception) -> str:
    """Return the name that a message of the server quotes."""
    found = re.search(r'"([^"\n]*)"', str(error))
    return "of that name" if found is None else found[1]


def _value(cause: BaseException, where: str) -> HeadraceError:
    match cause:
        case UnicodeEncodeError():
            return BadRequestError(
                f"a text{where} contains half of a surrogate pair", hint="send valid Unicode"
            )
        case OverflowError():
            return BadRequestError(f"a number{where} does not fit into 64 bits")
    return DatabaseError(f"a value{where} has the wrong type")


def _refused(error: asyncpg.PostgresError, shown: str, where: str) -> HeadraceError:
    """Translate what the server said, by its code."""
    match _state(error):
        case "23505":
            constraint = _constraint(error)
            return UniqueViolationError(
                f"a row with this key exists{where}: {constraint}", constraint=constraint
            )
        case "23502" | "23503" | "23514":
            return DatabaseError(
                f"a constraint of the database failed{where}: {error.constraint_name or error.column_name}"
            )
        case "40P01" | "40001" as state:
            kind = "deadlock" if state == "40P01" else "serialization failure"
            _log.warning("%s%s: %s", kind, where, " ".join((error.detail or "").split()))
            return _busy(shown)
        case "57014":
            return UnavailableError(
                f"a statement took longer than the database {shown} allows",
                hint="try again, or let the server set a longer statement_timeout",
            )
        case "28000" | "28P01" | "3D000":
            # What was opened before has another password now, or was renamed.
            return UnavailableError(
                f"the database {shown} no longer lets this server in",
                hint="check the name of the database, the user and the password",
            )
        case "55P03":
            return _busy(shown)
        case "25006":
            return read_only(shown)
        case "53100":
            return DiskFullError(
                f"no space left for the database {shown}",
                hint="free space on the disk of PostgreSQL and run it again",
            )
        case "53000" | "53200" | "53300" | "53400":
            return UnavailableError(
                f"the database {shown} lacks connections or memory", hint="try again in a moment"
            )
        case "XX001" | "XX002":
            return CorruptionError(
                f"the database {shown} is damaged; found{where or ' when it was read'}",
                hint="restore it from a backup of PostgreSQL",
            )
        case "3F000" | "42P01" if "schema_version" in str(error):
            return lost(shown)
        case "22021":
            return BadRequestError(f"a text{where} contains a NUL character", hint="leave it out")
        case "22003":
            return BadRequestError(f"a number{where} is too large")
        case "25P02":
            return DatabaseError("the transaction was rolled back already")
        case "42501":
            return DatabaseError(
                f"the user of {shown} has no right to do this{where}",
                hint="grant the user its rights, or use the owner of the database",
            )
        case "22P05":
            return BadRequestError(f"a text{where} contains a NUL character", hint="leave it out")
    # The text of an error of syntax or of names quotes the statement; one of class 22 quotes values.
    said = "" if _state(error).startswith("22") else f": {str(error).splitlines()[0]}"
    return DatabaseError(f"the database refused a statement{where}{said}")


def read_only(shown: str) -> ReadOnlyLakeError:
    """Return the error of a change to a database that only answers reads."""
    return ReadOnlyLakeError(
        f"the database {shown} cannot be written",
        passing=True,
        hint="use the primary server, and check default_transaction_read_only",
    )


def lost(shown: str) -> LakeLostError:
    """Return the error of a database whose catalog is no longer the one that was opened."""
    return LakeLostError(
        f"the catalog in {shown} was deleted or replaced since it was opened",
        hint="restore it, then restart",
    )


def _busy(shown: str) -> LakeBusyError:
    return LakeBusyError(
        f"other changes keep the database {shown} busy", hint="try again in a moment"
    )


def _constraint(error: asyncpg.PostgresError) -> str:
    """Return the index that a row violates by its name, or by ``table.a, table.b`` where PostgreSQL made the name."""
    name = str(error.constraint_name or "")
    table = _PARTITION.sub("", str(error.table_name or ""))
    found = _COLUMNS.match(error.detail or "")
    if found is not None and _GENERATED_NAME.search(name):
        return ", ".join(f"{table}.{column.strip()}" for column in found[1].split(","))
    return name


def _state(error: asyncpg.PostgresError) -> str:
    return str(error.sqlstate or "")
