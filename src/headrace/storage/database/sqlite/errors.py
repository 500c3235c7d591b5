"""Translate SQLite's errors to those of headrace, each with a hint for the user."""

from __future__ import annotations

from pathlib import Path

import apsw

from headrace.errors import (
    BadRequestError,
    CorruptionError,
    DatabaseError,
    DiskFullError,
    HeadraceError,
    LakeBusyError,
    NotALakeError,
    StorageError,
    UniqueViolationError,
)

_UNIQUE = {
    apsw.SQLITE_CONSTRAINT_UNIQUE,
    apsw.SQLITE_CONSTRAINT_PRIMARYKEY,
    apsw.SQLITE_CONSTRAINT_ROWID,
}
_FULL = (apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_SHMSIZE, apsw.SQLITE_IOERR_TRUNCATE)
# A page whose checksum does not match, a file that is too short, and a disk that says so itself.
_DAMAGED = (apsw.SQLITE_IOERR_DATA, apsw.SQLITE_IOERR_SHORT_READ, apsw.SQLITE_IOERR_CORRUPTFS)


def translate(
    error: Exception, path: Path, connection: apsw.Connection | None, statement: str = ""
) -> HeadraceError | None:
    """Translate an error of apsw; None for an error that is a bug.

    The message never contains a bound value, which may be secret.
    """
    where = f" in {statement}" if statement else ""
    match error:
        case UnicodeEncodeError():
            return BadRequestError(
                f"a text{where} contains half of a surrogate pair", hint="send valid Unicode"
            )
        case OverflowError():
            return BadRequestError(f"a number{where} does not fit into 64 bits")
        case apsw.ConstraintError():
            return _constraint(error, connection, where)
        case apsw.BusyError() | apsw.LockedError():
            return LakeBusyError(
                f"another process keeps {path} busy", hint="try again when it has finished"
            )
        case apsw.FullError():
            return _full(path)
        case apsw.IOError() if _extended(error) in _FULL:
            return _full(path)
        case apsw.NotADBError():
            return NotALakeError(
                f"{path} is not a database", hint="make a lake with: headrace init PATH"
            )
        case apsw.CorruptError():
            return _damaged(path, where)
        case apsw.IOError() if _extended(error) in _DAMAGED:
            return _damaged(path, where)
        case apsw.ReadOnlyError() | apsw.PermissionsError() | apsw.CantOpenError():
            return StorageError(
                f"cannot write to the database {path}",
                hint=f"check who owns {path.parent} and that its disk is writable",
            )
        case apsw.IOError():
            return StorageError(f"cannot read or write {path}: {error}")
        case apsw.Error():
            return DatabaseError(f"the database refused a statement{where}: {error}")
    return None


def _extended(error: apsw.Error) -> int:
    return int(getattr(error, "extendedresult", 0))


def _damaged(path: Path, where: str) -> CorruptionError:
    return CorruptionError(
        f"the database {path} is damaged; found{where or ' when it was read'}",
        hint=f"find out what is hit: headrace check {path.parent}",
    )


def _full(path: Path) -> DiskFullError:
    return DiskFullError(
        f"no space left for {path}",
        hint=f"free space on the disk of {path.parent} and run it again",
    )


def _constraint(
    error: apsw.ConstraintError, connection: apsw.Connection | None, where: str
) -> DatabaseError:
    if _extended(error) not in _UNIQUE:
        return DatabaseError(f"a constraint of the database failed{where}: {error}")
    columns = str(error).partition("failed: ")[2]
    constraint = _index_of(connection, columns) if connection is not None else columns
    return UniqueViolationError(
        f"a row with this key exists{where}: {constraint}", constraint=constraint
    )


def _index_of(connection: apsw.Connection, columns: str) -> str:
    """Find the name of the index over ``table.a, table.b``; without a named index, return the columns."""
    table = columns.partition(".")[0]
    wanted = [column.strip().partition(".")[2] for column in columns.split(",")]
    for (name,) in connection.execute(
        "select name from pragma_index_list(?) where \"unique\" and origin = 'c'", (table,)
    ).fetchall():
        rows = connection.execute("select name from pragma_index_info(?) order by seqno", (name,))
        if [column for (column,) in rows] == wanted:
            return str(name)
    return columns
