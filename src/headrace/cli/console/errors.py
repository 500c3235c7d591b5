"""Errors as people and programs see them: one line, or one JSON object; and the exit status."""

from __future__ import annotations

import errno

from msgspec import Struct

from headrace.errors import HeadraceError

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

DEBUG = "HEADRACE_DEBUG"

_FULL = (errno.ENOSPC, errno.EDQUOT)

RUN_AGAIN = "run the same command to continue"


class Failure(Struct, kw_only=True):
    """What is told of an error: ``word`` and ``place`` lead the line, ``status`` is the exit status."""

    code: str
    message: str
    hint: str | None = None
    retryable: bool = False
    status: int = FAILED
    word: str = "error"
    place: dict[str, str | int] = {}

    def line(self) -> str:
        """One line for people: where, what, and the cure."""
        where = str(self.place.get("path", ""))
        if where and "line" in self.place:
            where += f":{self.place['line']}"
        elif where and "offset" in self.place:
            where += f" at byte {self.place['offset']}"
        text = f"{where}: {self.message}" if where else self.message
        if not self.hint:
            return text
        return f"{text if text.endswith('?') else text.rstrip('.') + '.'} {_sentence(self.hint)}"

    def json(self) -> dict[str, object]:
        """The ``error`` object for programs."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            **self.place,
        }


class UsageError(Exception):
    """The command line itself is at fault."""

    def __init__(self, message: str, *, hint: str | None = None, code: str = "usage") -> None:
        super().__init__(message)
        self.failure = Failure(code=code, message=message, hint=hint, status=USAGE)


def explain(error: BaseException) -> Failure:
    """What to tell of any error that ends a command."""
    error = _first(error)
    if isinstance(error, UsageError):
        return error.failure
    if isinstance(error, HeadraceError):
        places = {
            name: getattr(error, name, None) for name in ("path", "line", "offset", "request_id")
        }
        return Failure(
            code=error.code,
            message=error.message,
            hint=error.hint,
            retryable=error.retryable,
            place={name: value for name, value in places.items() if value is not None},
        )
    if isinstance(error, OSError):
        return _explain_os(error)
    return Failure(
        code="internal",
        message=f"{type(error).__name__}: {error}",
        hint=f"this is a fault of headrace, please report it; {DEBUG}=1 shows where it is",
    )


def _explain_os(error: OSError) -> Failure:
    what = (error.strerror or str(error) or type(error).__name__).lower()
    hint = None
    if error.errno in _FULL:
        hint = "free some space and " + RUN_AGAIN
    elif isinstance(error, FileNotFoundError):
        hint = "check the path"
    message = f"{error.filename}: {what}" if error.filename else what
    return Failure(code="os", message=message, hint=hint, retryable=error.errno in _FULL)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _sentence(hint: str) -> str:
    """A hint as a sentence of its own; a command stays as it is typed."""
    first, *rest = hint.split("? ")
    return "? ".join([_capitalised(first), *map(_capitalised, rest)])


def _capitalised(sentence: str) -> str:
    word = sentence.split(maxsplit=1)[0].rstrip(",:;")
    if not word.isalpha() or word == "headrace":
        return sentence
    return sentence[0].upper() + sentence[1:]
