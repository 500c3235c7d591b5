"""Options that choose images by their names: globs, and lists of names."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter, Token

from headrace.cli.console.errors import DONE, FAILED, UsageError
from headrace.cli.console.streams import STREAM, read_input
from headrace.errors import ConfigurationError

if TYPE_CHECKING:
    from headrace.engine.name_filter import NameFilter
    from headrace.engine.threads import Stop

CHOICE_GROUP = Group("Choose images", sort_key=7)
_PIECE = 1 << 20


def _signed(_: Any, tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return the globs in the order of the command line, with ``+`` before those that include and ``-`` before others."""
    return tuple(f"{'+' if token.keyword == '--include' else '-'}{token.value}" for token in tokens)


@Parameter(name="*", group=CHOICE_GROUP)
@dataclass(frozen=True)
class Choice:
    """The options that choose images."""

    globs: Annotated[
        tuple[str, ...],
        Parameter(
            name=["--include", "--exclude"],
            converter=_signed,
            negative="",
            show_default=False,
        ),
    ] = ()
    """Take or leave names that match a glob, such as '*.jpg', 'train/' or '/a/**'. Repeatable; of several globs that match, the last one counts. With an --include, other names are left out."""

    files_from: Path | None = None
    """Take only the names in this file, one a line; - reads standard input."""

    null: Annotated[bool, Parameter(name=["-0", "--null"], negative="", show_default=False)] = False
    """The names of --files-from end with a NUL byte, as find -print0 writes them."""

    async def filter(self) -> NameFilter:
        """Return the filter; read the list of names.

        Raises:
            UsageError: A glob is not valid, or the list cannot be read.
        """
        if self.null and self.files_from is None:
            raise UsageError("-0 is for lists of names", hint="give the list with --files-from")
        from headrace.engine.threads import run_stoppable

        return await run_stoppable(self._filter)

    def _filter(self, stop: Stop) -> NameFilter:
        from headrace.engine.name_filter import NameFilter

        try:
            names = (
                None if self.files_from is None else ListedNames(self.files_from, self.null, stop)
            )
            rules = [(signed[0] == "+", signed[1:]) for signed in self.globs]
            return NameFilter(rules, names)
        except ConfigurationError as error:
            raise UsageError(error.message, hint=error.hint, code=error.code) from None
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise UsageError(
                f"--files-from {self.files_from}: {why}", hint="give a file with one name a line"
            ) from None


DEFAULT_CHOICE = Choice()


class ListedNames(Collection[str]):
    """The names in a file. Each loop reads the file again, so that no names are held in memory. Standard input is copied first.

    Args:
        path: The file, or ``-``.
        null: Names end with a NUL byte instead of a line break.
        stop: Stops reading standard input.
    """

    def __init__(self, path: Path, null: bool, stop: Stop) -> None:
        self._separator = b"\0" if null else b"\n"
        self._file: IO[bytes]
        if path == STREAM:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as this object
            read_input(self._file, stop.check)
        else:
            self._file = path.open("rb")
        self._count = sum(1 for _ in self)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: object) -> bool:
        return any(each == name for each in self)

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        rest = b""
        first = True
        while piece := self._file.read(_PIECE):
            if first:
                piece, first = piece.removeprefix(b"\xef\xbb\xbf"), False
            *whole, rest = (rest + piece).split(self._separator)
            yield from self._texts(whole)
        yield from self._texts([rest])

    def _texts(self, names: Sequence[bytes]) -> Iterator[str]:
        for name in names:
            text = (name if self._separator == b"\0" else name.removesuffix(b"\r")).decode(
                "utf-8", "surrogateescape"
            )
            if text:
                yield text


def not_found_lines(chosen: NameFilter) -> list[str]:
    """Return a line about the listed names that were not found."""
    note = chosen.note()
    return [] if note is None else [note]


def not_found_data(chosen: NameFilter) -> dict[str, Any]:
    """Return the number of listed names that were not found and some of them, if there is a list."""
    if chosen.names is None:
        return {}
    return {"names_not_found": {"count": chosen.not_found_count, "examples": chosen.not_found()}}


def status_of(chosen: NameFilter) -> int:
    """Return the exit status: a list with names that were not found fails."""
    return FAILED if chosen.not_found_count else DONE
