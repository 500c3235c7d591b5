"""How long jobs tell how far they are: one event type, sent to one callback, never more than ten a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Self

from msgspec import Struct

from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.transfer")
INTERVAL = 0.1


class ProgressEvent(Struct, frozen=True, kw_only=True):
    """How far a job is.

    ``job`` is what runs (``push``, ``import``, ``export``, ``pull``), ``unit`` what ``done`` and ``total`` count;
    ``total`` is None where nobody knows yet. ``bytes`` were moved so far, ``seconds`` have gone by. The last event of
    a job, ``finished``, comes even where the job fails.
    """

    job: str
    unit: str
    done: int
    total: int | None = None
    bytes: int = 0
    seconds: float = 0.0
    finished: bool = False


OnProgress = Callable[[ProgressEvent], None]


class Progress:
    """Counts for one job and tells the callback now and then; use it as a context manager."""

    __slots__ = ("_callback", "_job", "_next", "_started", "_unit", "bytes", "done", "total")

    def __init__(
        self, job: str, unit: str, callback: OnProgress | None, *, total: int | None = None
    ) -> None:
        self._job = job
        self._unit = unit
        self._callback = callback
        self._started = time.monotonic()
        self._next = 0.0
        self.total = total
        self.done = 0
        self.bytes = 0

    @property
    def seconds(self) -> float:
        """Seconds since the job began."""
        return time.monotonic() - self._started

    def add(self, done: int = 1, *, bytes: int = 0) -> None:
        """Count more; the callback hears of it if it has not been told for a while."""
        self.done += done
        self.bytes += bytes
        if self._callback is not None and (now := self.seconds) >= self._next:
            self._next = now + INTERVAL
            self._tell(finished=False)

    def __enter__(self) -> Self:
        self.add(0)
        return self

    def __exit__(self, *_: object) -> None:
        self._tell(finished=True)

    def _tell(self, *, finished: bool) -> None:
        """A callback that fails is told of once and never called again: the job itself is well.

        What headrace itself says to a callback (that it must not call back) is raised.
        """
        if self._callback is None:
            return
        try:
            self._callback(self._event(finished=finished))
        except HeadraceError:
            raise
        except Exception:  # noqa: BLE001  it is the user's code
            self._callback = None
            _log.exception("the progress callback of %s failed; it is not called again", self._job)

    def _event(self, *, finished: bool) -> ProgressEvent:
        return ProgressEvent(
            job=self._job,
            unit=self._unit,
            done=self.done,
            # Things may be added while they are counted: never more than all of them.
            total=None if self.total is None else max(self.total, self.done),
            bytes=self.bytes,
            seconds=self.seconds,
            finished=finished,
        )
