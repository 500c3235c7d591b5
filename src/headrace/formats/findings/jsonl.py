"""Every single finding of a job as JSON lines, in a file that appears complete, or not at all."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from os.path import realpath
from pathlib import Path
from typing import IO, Final

from msgspec import Struct, structs
from msgspec.json import Encoder

from headrace.errors import (
    ConfigurationError,
    FormatError,
    LossyWriteError,
    ParseError,
    SourceNotFoundError,
)
from headrace.formats.findings.collect import Findings, Occurrence, Place, Severity
from headrace.formats.io.atomic import AtomicTarget

_BUFFER: Final = 256 * 1024


class FindingRecord(Struct, omit_defaults=True, gc=False):
    """A line of the file; what is not known, and what is as usual, is left out."""

    code: str
    severity: str
    message: str
    path: str | None = None
    line: int | None = None
    offset: int | None = None
    detail: str | None = None
    count: int = 1
    dropped_images: int = 0
    dropped_shapes: int = 0


class FindingsFile:
    """Writes findings as they are heard, in flat memory; what was there before stays until :meth:`publish`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._atomic = AtomicTarget(path, overwrite=True)
        self._encoder = Encoder()
        self._file: IO[bytes] | None = None

    def begin(self) -> None:
        """Take the file for this process.

        Raises :class:`~headrace.errors.FormatError` where its folder is missing, where something else than a file
        is there, which nothing may replace, or where another process is writing it.
        """
        if not _replaceable(self.path):
            raise FormatError(f"{self.path} is no plain file", hint="name another for the report")
        self._file = self._atomic.begin().open("xb", buffering=_BUFFER)

    def add(self, one: Occurrence) -> None:
        """Write a finding. Raises OSError that names the file."""
        place = one.place
        line = FindingRecord(
            one.code,
            _NAMES[one.severity],
            one.message,
            place.path,
            place.line,
            place.offset,
            place.detail,
            one.count,
            one.dropped_images,
            one.dropped_shapes,
        )
        assert self._file is not None
        try:
            self._file.write(self._encoder.encode(line) + b"\n")
        except UnicodeEncodeError:
            # File names that are no text have half characters in Python, and none in JSON.
            self._file.write(self._encoder.encode(_readable(line)) + b"\n")
        except OSError as error:
            raise self._named(error) from None

    def publish(self) -> None:
        """Make the file visible and durable; harmless when it is so already. Raises OSError that names the file."""
        if self._file is None or self._file.closed:
            return
        try:
            self._file.close()
            self._atomic.publish()
        except OSError as error:
            raise self._named(error) from None

    def discard(self) -> None:
        """Remove what was begun; harmless after :meth:`publish`."""
        if self._file is not None:
            # What does not fit on the disk would be tried once more.
            with suppress(OSError):
                self._file.close()
        self._atomic.discard()

    def _named(self, error: OSError) -> OSError:
        error.filename = str(self.path)
        return error


@contextmanager
def findings_file(path: Path | None, findings: Findings) -> Iterator[Callable[[], None]]:
    """Write a job's findings to a file of JSON lines, beside telling its listener; yields what publishes the file.

    A job that ends because of its records has the file published as well, with the record that ended it last; one
    that ends for any other reason leaves what was there before. Without a path nothing is done.
    """
    if path is None:
        yield _nothing
        return
    file, other = FindingsFile(path), findings.on_finding

    def hear(one: Occurrence) -> None:
        file.add(one)
        if other is not None:
            other(one)

    try:
        file.begin()
        findings.on_finding = file.add if other is None else hear
        yield file.publish
    except SourceNotFoundError:
        raise
    except (ParseError, LossyWriteError) as error:
        if error is not findings.ended_by:
            file.add(_last(error))
        file.publish()
        raise
    finally:
        file.discard()


def check_apart(path: Path, source: Path, target: Path) -> None:
    """Raise :class:`~headrace.errors.ConfigurationError` where a report would lie in the target or replace the source."""
    place = Path(realpath(path))
    if place.is_relative_to(realpath(target)):
        raise ConfigurationError(
            f"the report {path} would lie in the target {target}", hint="name a file beside it"
        )
    if place == Path(realpath(source)):
        raise ConfigurationError(f"the report {path} is the source", hint="name another file")


def _last(error: ParseError | LossyWriteError) -> Occurrence:
    """An error that no policy lets pass, so that it was raised and not found."""
    if isinstance(error, ParseError):
        place = Place(error.path, error.line, error.offset)
        return Occurrence(error.finding or error.code, Severity.ERROR, error.message, place)
    return Occurrence(error.code, Severity.LOSS, error.message, Place())


def _replaceable(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True


def _readable(line: FindingRecord) -> FindingRecord:
    texts = {
        name: value.encode("utf-8", "backslashreplace").decode()
        for name, value in structs.asdict(line).items()
        if isinstance(value, str)
    }
    return structs.replace(line, **texts)


def _nothing() -> None:
    """There is no file."""


_NAMES: Final = {severity: severity.name.lower() for severity in Severity}
