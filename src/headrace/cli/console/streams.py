"""``-`` on the command line: standard input and standard output."""

from __future__ import annotations

import os
import select
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from msgspec import structs

from headrace.cli.console.errors import UsageError
from headrace.errors import HeadraceError, UnknownFormatError

if TYPE_CHECKING:
    from headrace.engine.threads import Stop
    from headrace.formats.findings.finding import Finding, Place

STREAM: Final = Path("-")
"""A path that stands for standard input or standard output."""

_SHOWN = "standard input"
_PIECE = 1 << 20
_POLL_SECONDS = 0.1


def with_streams(arguments: Sequence[str]) -> list[str]:
    """Return a command line in which ``-`` is a path, since the parser takes it for an option.

    The value of ``--token`` is left alone.
    """
    return [
        "./-" if text == "-" and (not place or arguments[place - 1] != "--token") else text
        for place, text in enumerate(arguments)
    ]


class InputFile:
    """A file that is read: one that was named, or a copy of standard input.

    Attributes:
        path: The file.
        is_stream: Whether it is the copy, whose path nobody knows.
    """

    def __init__(self, path: Path, *, is_stream: bool) -> None:
        self.path = path
        self.is_stream = is_stream

    def shown(self, text: str) -> str:
        """Return a text that may name the file, as people know it."""
        return text.replace(str(self.path), _SHOWN) if self.is_stream else text

    def findings(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return findings in such words."""
        if not self.is_stream:
            return [*findings]
        return [
            structs.replace(each, examples=[self._place(place) for place in each.examples])
            for each in findings
        ]

    def _place(self, place: Place) -> Place:
        return structs.replace(place, path=None if place.path is None else self.shown(place.path))


def check_one_stream(*paths: Path | None) -> None:
    """Raise UsageError if standard input is wanted for several things."""
    if paths.count(STREAM) > 1:
        raise UsageError(
            "standard input can be read only once", hint="give - once, and files for the others"
        )


@asynccontextmanager
async def input_file(path: Path, format: str | None) -> AsyncIterator[InputFile]:
    """Yield the file at ``path``; for ``-`` a temporary copy of standard input, since readers read it twice.

    Raises:
        UsageError: A stream cannot hold data sets of this format, which are folders.
        OSError: There is no room for the copy.
    """
    if path != STREAM:
        yield InputFile(path, is_stream=False)
        return
    from headrace.engine.threads import run_stoppable

    suffix = None if format is None else _suffix(format)
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        copy = Path(folder) / "stdin"
        from headrace.engine.threads import run_stoppable

        await run_stoppable(lambda stop: _copy_input(copy, stop))
        named = copy.with_suffix(suffix or _guessed_suffix(copy))
        copy.rename(named)
        given = InputFile(named, is_stream=True)
        try:
            yield given
        except UnknownFormatError:
            raise UsageError(
                "the format of standard input is not clear", hint="name it with --from"
            ) from None
        except HeadraceError as error:
            _show(error, given)
            raise


def _show(error: HeadraceError, given: InputFile) -> None:
    error.message = given.shown(error.message)
    if getattr(error, "path", None) is not None:
        error.path = given.shown(str(error.path))  # type: ignore[attr-defined]


@asynccontextmanager
async def output_file(path: Path, format: str) -> AsyncIterator[Path]:
    """Yield ``path``; for ``-`` a temporary file, which is copied to standard output at the end if it was written.

    What commands print goes to standard error then, also as JSON.

    Raises:
        UsageError: A stream cannot hold data sets of this format, which are folders.
    """
    if path != STREAM:
        yield path
        return
    from headrace.engine.threads import run_stoppable

    suffix = _suffix(format)
    out = sys.stdout.buffer
    sys.stdout = sys.stderr
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        written = Path(folder) / f"stdout{suffix}"
        yield written
        if written.exists():
            from headrace.engine.threads import run_stoppable

            await run_stoppable(lambda stop: _copy_output(written, out, stop))


def _suffix(format: str) -> str:
    """Return the suffix of a format's files."""
    from headrace.formats.registry import get

    info = get(format).info
    if info.layout == "folder" and info.name != "voc":
        raise UsageError(
            f"{info.name} is a folder, which a stream cannot hold",
            hint="give a folder instead of -",
        )
    return info.suffixes[0]


def _guessed_suffix(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(b"\x1f\x8b"):
        return ".json.gz"
    first = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return {b"<": ".xml", b"{": ".json", b"[": ".json"}.get(first, "")


def _copy_input(path: Path, stop: Stop) -> None:
    try:
        with path.open("xb") as copy:
            read_input(copy, stop.check)
    except OSError as error:
        # Without a name the message would not say which disk is full.
        error.filename = error.filename or str(path.parent)
        raise


def read_input(copy: IO[bytes], check: Callable[[], None]) -> None:
    """Copy standard input into a file; ``check`` is called from time to time, and may raise to stop it."""
    while True:
        check()
        # Without waiting for ever: a terminal may never say anything.
        with suppress(ValueError):
            if not select.select([0], [], [], _POLL_SECONDS)[0]:
                continue
        piece = os.read(0, _PIECE)
        if not piece:
            return
        copy.write(piece)


def _copy_output(path: Path, out: IO[bytes], stop: Stop) -> None:
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                stop.check()
                out.write(piece)
        out.flush()
    except BrokenPipeError:
        # What is still buffered is written at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise
