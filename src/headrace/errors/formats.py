"""Errors of annotation files and of the formats that read and write them."""

from __future__ import annotations

from pathlib import Path

from headrace.errors.base import HeadraceError, HeadraceWarning


class FormatError(HeadraceError):
    """An annotation file cannot be read or written as requested. Base of the errors of formats."""

    code = "format"


class UnknownFormatError(FormatError):
    """There is no format of that name, or the format cannot be detected: name it with ``format=``."""

    code = "unknown-format"


class FormatPackageError(FormatError):
    """A format of another package cannot be used: the package is broken, or its name for the format is taken.

    Headrace's own formats are not affected. Update or uninstall the package that the message names.
    """

    code = "format-package"


class FormatPackageWarning(HeadraceWarning):
    """A format of another package was left out of a listing or a detection, because the package is broken."""


class ParseError(FormatError, ValueError):
    """A file violates its format: correct the file, or pass ``on_error="skip"`` to leave bad records out.

    Args:
        message: What is wrong.
        path: The file.
        line: The line, from 1, if known.
        column: The character in the line, from 1, if known.
        offset: The position in bytes, from 0, if known.
        json_path: The value in a JSON file, such as ``$.annotations[12]``, if known.
        finding: The code of the rule that is violated.
        hint: What to do about it.
    """

    code = "parse"

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        column: int | None = None,
        offset: int | None = None,
        json_path: str | None = None,
        finding: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.path = None if path is None else str(path)
        self.line = line
        self.column = column
        self.offset = offset
        self.json_path = json_path
        self.finding = finding

    def __str__(self) -> str:
        where = self.path or ""
        if self.line is not None:
            where += f":{self.line}" if self.column is None else f":{self.line}:{self.column}"
        elif self.offset is not None:
            where += f" at byte {self.offset}"
        if self.json_path is not None:
            where += f" ({self.json_path})"
        text = f"{where}: {self.message}" if where else self.message
        return text if self.hint is None else f"{text} ({self.hint})"


class SourceNotFoundError(ParseError, FileNotFoundError):
    """There is no annotation file or folder at the path: check the path. Also a ``FileNotFoundError``."""

    code = "source-not-found"

    def __str__(self) -> str:
        return ParseError.__str__(self)


class LossyWriteError(FormatError):
    """The target format cannot represent an annotation, and ``strict`` was requested: use another format."""

    code = "lossy-write"


class ConservationError(FormatError):
    """The counts of input, output and findings disagree, so nothing was written. This is a bug: please report it."""

    code = "conservation"
