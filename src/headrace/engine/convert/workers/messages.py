"""What a conversion and its workers say to each other. A job is sent first; every message is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:  # a worker that needs no formats, nor msgspec, starts sooner without them
    from headrace.formats.findings.collect import PassDelta


class Doing(Protocol):
    """A job that a worker has begun."""

    def do(self, message: Any) -> Any:
        """Do what a message asks for; returns the answer's ``made``."""

    def noted(self) -> PassDelta | None:
        """What was found since this was last asked."""


class Job(Protocol):
    """What a worker is to do; it can be pickled."""

    def begin(self) -> Doing:
        """Make ready for messages, in the worker."""


class Answer(NamedTuple):
    """What came of a message: what was made, what was found on the way, and the error that ended it."""

    made: Any = None
    noted: PassDelta | None = None
    error: Exception | None = None
