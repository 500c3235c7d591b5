"""Errors of other packages' code, raised as errors that name the package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from headrace.errors import FormatPackageError, HeadraceError

Returned = TypeVar("Returned")


@contextmanager
def blamed(package: str, task: str) -> Iterator[None]:
    """Raise an unexpected error as the error of a package.

    Args:
        package: Name and version of the package; empty for headrace's own code, whose errors stay as they are.
        task: What its code was asked to do, as words after "failed to".

    Raises:
        FormatPackageError: Other code than headrace's raised something that no reader or writer may raise.
    """
    try:
        yield
    except (HeadraceError, OSError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        # Headrace's own exceptions may come through: a stopped job ends its reader with one.
        if not package or type(error).__module__.startswith("headrace."):
            raise
        raise FormatPackageError(
            f"{package} failed to {task}: {type(error).__name__}: {error}",
            hint="report it to the authors of that package; HEADRACE_DEBUG=1 prints the traceback",
        ) from error


def returned(value: object, kind: type[Returned], reference: str) -> Returned:
    """Return what code of a package returned. Raises TypeError if it is of another kind than agreed.

    Args:
        value: The value.
        kind: What it must be.
        reference: What returned it, as ``module:name``.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{reference} must return {kind.__name__}, not {type(value).__name__}")
    return value
