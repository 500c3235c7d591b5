"""Named statements: ``sql/<folder>/<file>.sql``, each statement under a line ``-- name: <statement>``.

``sql/common`` has those that mean the same in SQLite and PostgreSQL, ``sql/sqlite`` and ``sql/postgres`` the others, each
written for its database.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from headrace.errors import ConfigurationError

FILTERS = "/*filters*/"

_COMMON = "common"
_NAME_LINE = re.compile(r"^--\s*name:\s*(\w+)\s*$", re.MULTILINE)
_MIGRATION = re.compile(r"^(\d{4})_(\w+)\.sql$")


class Queries:
    """The statements of one dialect, called ``file.statement``."""

    def __init__(self, dialect: str) -> None:
        self._folders = [_folder(_COMMON), _folder(dialect)]
        self._dialect = dialect
        self._texts: dict[str, str] = {}
        self._read: set[str] = set()

    def text(self, statement: str, filters: str = "") -> str:
        """Return the SQL of a statement, with ``filters`` in place of its ``/*filters*/`` mark.

        Raises:
            ConfigurationError: The statement is unknown, or has no mark for the filters.
        """
        text = self._texts.get(statement) or self._load(statement)
        if not filters:
            return text
        if FILTERS not in text:
            raise ConfigurationError(f"statement {statement} takes no filters")
        return text.replace(FILTERS, filters)

    def names(self) -> list[str]:
        """Return the names of all statements."""
        for folder in self._folders:
            for entry in folder.iterdir():
                if entry.name.endswith(".sql"):
                    self._read_group(entry.name.removesuffix(".sql"))
        return sorted(self._texts)

    def _load(self, statement: str) -> str:
        self._read_group(statement.partition(".")[0])
        try:
            return self._texts[statement]
        except KeyError:
            raise ConfigurationError(
                f"no statement {statement!r} for {self._dialect}",
                hint="see the files in storage/database/sql for its name",
            ) from None

    def _read_group(self, group: str) -> None:
        if group in self._read:
            return
        self._read.add(group)
        for folder in self._folders:
            source = folder / f"{group}.sql"
            for name, text in _split(source) if source.is_file() else ():
                if f"{group}.{name}" in self._texts:
                    raise ConfigurationError(f"statement {group}.{name} is defined twice")
                self._texts[f"{group}.{name}"] = text


@cache
def migrations(dialect: str) -> tuple[tuple[int, str], ...]:
    """Read all migrations of a dialect as ``(number, script)``, numbered from 1 without a gap."""
    found = []
    for entry in (_folder(dialect) / "migrations").iterdir():
        match = _MIGRATION.match(entry.name)
        if match:
            found.append((int(match[1]), entry.read_text(encoding="utf-8")))
    found.sort()
    if [number for number, _ in found] != list(range(1, len(found) + 1)):
        raise ConfigurationError(f"the migrations of {dialect} are not numbered 1, 2, 3 …")
    return tuple(found)


def _folder(name: str) -> Traversable:
    return files("headrace.storage.database") / "sql" / name


def _split(source: Traversable) -> list[tuple[str, str]]:
    parts = _NAME_LINE.split(source.read_text(encoding="utf-8"))
    return [
        (name, text.strip().rstrip(";"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    ]
