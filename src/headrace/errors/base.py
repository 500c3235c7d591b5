"""The base of all errors and warnings, the errors of no one field, and the hint for a mistyped name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar
from uuid import UUID


class HeadraceError(Exception):
    """Base of all errors of headrace. Catch it to catch them all.

    Neither the message nor the hint ever contains a token or a signed URL.

    Args:
        message: One line that names the object at fault.
        hint: What to do about it. An argument of Python is written with an equals sign, such as ``api_token=``; the
            command line shows the matching option in its place.

    Attributes:
        code: A stable, machine-readable name of the kind of error.
        retryable: Whether the same call may succeed later without a change.
        request_id: The id of the call in the log of the server, if there is one.
        attempts: How often a request was sent before this error was raised.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    request_id: str | None = None
    attempts: int = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} ({self.hint})"


class HeadraceWarning(UserWarning):
    """Something that was asked for has no effect."""


class ConfigurationError(HeadraceError):
    """A setting or argument is missing, invalid or contradicts another one: correct it."""

    code = "configuration"


class MissingExtraError(ConfigurationError):
    """A feature needs an optional package: install what the hint names.

    Args:
        message: The feature and the package that it needs.
        install: What to install, as pip and uv take it: ``headrace[images]``.
    """

    code = "missing-extra"

    def __init__(self, message: str, *, install: str) -> None:
        super().__init__(message, hint=f"pip install '{install}', or: uv pip install '{install}'")


class UnsupportedError(HeadraceError):
    """Only headrace can do this, and the platform is another one: do what the hint says instead."""

    code = "unsupported"


class EventLoopError(ConfigurationError, RuntimeError):
    """No asyncio event loop is running, or the client belongs to another one: open a client in each. Also a ``RuntimeError``."""

    code = "event-loop"


class UnusableFileError(HeadraceError):
    """A file cannot be read as data: it is a pipe, a pointer of git-lfs, empty, or a link out of its folder."""

    code = "unusable-file"


class WorkerProcessError(HeadraceError):
    """A worker process ended before its work was done, for example killed by the system: run the call again."""

    code = "worker"
    retryable = True


def error_classes(kind: type[HeadraceError] = HeadraceError) -> Iterator[type[HeadraceError]]:
    """Yield the classes of headrace's own errors below ``kind``, each before those below it."""
    for each in kind.__subclasses__():
        if each.__module__ == "headrace.errors":
            yield each
            yield from error_classes(each)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the beginning of a hint, ``"did you mean 'push'? "``, for an unknown name; empty if none is near.

    Ids have no near one: those made in the same second differ in a few digits, and mean different things.
    """
    # Imported here, since most programs never make this mistake.
    from difflib import get_close_matches

    if _is_id(name):
        return ""
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def _is_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True
