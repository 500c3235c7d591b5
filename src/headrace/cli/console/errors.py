"""Errors as one line for people or one JSON object for programs, and the exit statuses."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from headrace.cli.console.arguments import with_options
from headrace.cli.console.excerpt import excerpt
from headrace.cli.console.terminal import one_line, printable
from headrace.errors import HeadraceError, ParseError, PartialTransferError

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

DEBUG = "HEADRACE_DEBUG"

# A newline of a name; the lines of a list of findings are indented.
_LONE_NEWLINE = re.compile(r"\n(?!  )")
_FULL = (errno.ENOSPC, errno.EDQUOT)

RUN_AGAIN = "run the same command to continue"


class Failure(Struct, kw_only=True):
    """What is printed for an error. ``word`` and ``place`` begin the line, ``status`` is the exit status."""

    code: str
    message: str
    hint: str | None = None
    retryable: bool = False
    status: int = FAILED
    word: str = "error"
    place: dict[str, str | int] = {}
    failures: list[dict[str, str]] = []
    excerpt: list[str] = []

    def line(self, *, emphasis: Callable[[str], str] = str) -> str:
        """Return one line for people: place, problem and cure; ``emphasis`` marks the cure.

        A list of findings has more lines, one for each finding and one for the cure; so has an error with an excerpt of
        the file that it is about.
        """
        where = str(self.place.get("path", ""))
        if where and "line" in self.place:
            where += f":{self.place['line']}"
            where += f":{self.place['column']}" if "column" in self.place else ""
        elif where and "offset" in self.place:
            where += f" at byte {self.place['offset']}"
        if where and "json_path" in self.place:
            where += f" ({self.place['json_path']})"
        problem = _LONE_NEWLINE.sub(r"\\n", printable(self.message))
        if where:
            problem = f"{one_line(where)}: {problem}"
        if self.excerpt:
            problem = "\n".join([problem, *self.excerpt])
        if not self.hint:
            return problem
        cure = emphasis(_sentence(one_line(self.hint)))
        if "\n" in problem:
            return f"{problem}\n{cure}"
        return f"{problem} {cure}" if problem.endswith("?") else f"{problem.rstrip('.')}. {cure}"

    def with_request(self) -> Failure:
        """Return the same with the id of the request in the line for people, if the server gave one."""
        request = self.place.get("request_id")
        if request is None:
            return self
        return replace(self, message=f"{self.message} (request {request})")

    def json(self) -> dict[str, object]:
        """Return the ``error`` object for programs."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            **self.place,
            **({"failures": self.failures} if self.failures else {}),
        }


class UsageError(Exception):
    """The command line is wrong."""

    def __init__(self, message: str, *, hint: str | None = None, code: str = "usage") -> None:
        super().__init__(message)
        self.failure = Failure(code=code, message=message, hint=hint, status=USAGE)


def explain(error: BaseException) -> Failure:
    """Return what to print for an error that ended a command.

    Messages and hints name options in place of arguments of Python.
    """
    error = _first(error)
    if isinstance(error, UsageError):
        return error.failure
    if isinstance(error, HeadraceError):
        places = {
            name: getattr(error, name, None)
            for name in ("path", "line", "column", "offset", "json_path", "request_id")
        }
        return Failure(
            code=error.code,
            message=with_options(error.message),
            hint=None if error.hint is None else with_options(error.hint),
            retryable=error.retryable,
            place={name: value for name, value in places.items() if value is not None},
            failures=_failures(error),
            excerpt=_excerpt(error),
        )
    if isinstance(error, OSError):
        return _explain_os(error)
    return Failure(
        code="internal",
        message=f"{type(error).__name__}: {error}",
        hint=f"this is a bug in headrace, please report it; {DEBUG}=1 prints the traceback",
    )


def _excerpt(error: HeadraceError) -> list[str]:
    """Return the piece of the file that an error is about."""
    if not isinstance(error, ParseError) or error.path is None:
        return []
    return excerpt(error.path, line=error.line, column=error.column, offset=error.offset)


def _failures(error: HeadraceError) -> list[dict[str, str]]:
    """Return the files of a transfer that failed, each with its code and message."""
    if not isinstance(error, PartialTransferError):
        return []
    return [
        {"name": each.name, "code": each.code, "message": with_options(each.message)}
        for each in error.report.failures
    ]


def _explain_os(error: OSError) -> Failure:
    what = (error.strerror or str(error) or type(error).__name__).lower()
    hint = None
    if error.errno in _FULL:
        hint = "free some space and " + RUN_AGAIN
    elif isinstance(error, FileNotFoundError):
        hint = "check the path"
    message = f"{one_line(str(error.filename))}: {what}" if error.filename else what
    return Failure(code="os", message=message, hint=hint, retryable=error.errno in _FULL)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _sentence(hint: str) -> str:
    """Return a hint as a sentence; a command is left as it is typed."""
    first, *rest = hint.split("? ")
    return "? ".join([_capitalised(first), *map(_capitalised, rest)])


def _capitalised(sentence: str) -> str:
    word = sentence.split(maxsplit=1)[0].rstrip(",:;")
    if not word.isalpha() or word == "headrace":
        return sentence
    return sentence[0].upper() + sentence[1:]
