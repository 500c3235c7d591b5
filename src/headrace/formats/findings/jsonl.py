"""All findings of a job as JSON lines, in a file that appears complete or not at all."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from os.path import realpath
from pathlib import Path
from typing import IO, Final

from msgspec import DecodeError, Struct, ValidationError, structs
from msgspec.json import Encoder, decode

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
_LONGEST: Final = 1 << 20


class FindingRecord(Struct, omit_defaults=True, gc=False):
    """One line of the file; unknown values and defaults are omitted."""

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
    column: int | None = None
    json_path: str | None = None


class FindingsFile:
    """Writes findings as they arrive, in constant memory; an existing file stays until :meth:`publish`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._atomic = AtomicTarget(path, overwrite=True)
        self._encoder = Encoder()
        self._file: IO[bytes] | None = None

    def begin(self) -> None:
        """Lock the file for this process.

        Raises:
            FormatError: The folder is missing, the path is neither free nor a report, or another process is writing it.
            LakeError: The path is in a lake.
        """
        if not _replaceable(self.path):
            raise FormatError(
                f"{self.path} exists and is not a report", hint="choose another path for report="
            )
        self._file = self._atomic.begin(folder=False).open("xb", buffering=_BUFFER)

    def add(self, one: Occurrence) -> None:
        """Write a finding; raises OSError with the file's path."""
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
            place.column,
            place.json_path,
        )
        assert self._file is not None
        try:
            self._file.write(self._encoder.encode(line) + b"\n")
        except UnicodeEncodeError:
            # File names that are not UTF-8 have lone surrogates in Python, which JSON cannot hold.
            self._file.write(self._encoder.encode(_readable(line)) + b"\n")
        except OSError as error:
            raise self._named(error) from None

    def publish(self) -> None:
        """Make the file visible and durable; raises OSError with its path. Idempotent."""
        if self._file is None or self._file.closed:
            return
        try:
            self._file.close()
            self._atomic.publish()
        except OSError as error:
            raise self._named(error) from None

    def discard(self) -> None:
        """Delete an unpublished file. Does nothing after :meth:`publish`."""
        if self._file is not None:
            # Closing flushes again, which fails again on a full disk.
            with suppress(OSError):
                self._file.close()
        self._atomic.discard()

    def _named(self, error: OSError) -> OSError:
        error.filename = str(self.path)
        return error


@contextmanager
def findings_file(path: Path | None, findings: Findings) -> Iterator[Callable[[], None]]:
    """Write a job's findings to a file of JSON lines, in addition to its listener; yields a function that publishes it.

    The file is also published where a record ends the job; this record comes last. After any other error an existing
    file stays unchanged. Does nothing without a path.
    """
    if path is None:
        yield _nothing
        return
    file, other = FindingsFile(path), findings.on_finding

    def report(occurrence: Occurrence) -> None:
        file.add(occurrence)
        if other is not None:
            other(occurrence)

    try:
        file.begin()
        findings.on_finding = file.add if other is None else report
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


def check_apart(path: Path, source: Path, target: Path | None = None) -> None:
    """Check that a report is neither inside the target, if there is one, nor the source; raises ConfigurationError."""
    place = Path(realpath(path))
    if target is not None and place.is_relative_to(realpath(target)):
        raise ConfigurationError(
            f"the report {path} would be inside the target {target}",
            hint="choose another path for report=",
        )
    if place == Path(realpath(source)):
        raise ConfigurationError(
            f"the report {path} is the source", hint="choose another path for report="
        )


def _last(error: ParseError | LossyWriteError) -> Occurrence:
    """Return an error that was raised without being a finding."""
    if isinstance(error, ParseError):
        place = Place(
            error.path,
            error.line,
            error.offset,
            column=error.column,
            json_path=error.json_path,
        )
        return Occurrence(error.finding or error.code, Severity.ERROR, error.message, place)
    return Occurrence(error.code, Severity.LOSS, error.message, Place())


def _replaceable(path: Path) -> bool:
    """Return whether a path is free, or a report of an earlier run: an empty file is one without findings."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with path.open("rb") as file:
            first = file.readline(_LONGEST)
    except (FileNotFoundError, NotADirectoryError):
        return True
    try:
        return not first or bool(decode(first, type=FindingRecord))
    except (ValidationError, DecodeError):
        return False


def _readable(line: FindingRecord) -> FindingRecord:
    texts = {
        name: value.encode("utf-8", "backslashreplace").decode()
        for name, value in structs.asdict(line).items()
        if isinstance(value, str)
    }
    return structs.replace(line, **texts)


def _nothing() -> None:
    """Do nothing: there is no file."""


_NAMES: Final = {severity: severity.name.lower() for severity in Severity}
