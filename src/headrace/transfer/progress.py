"""Progress of long jobs: one event type, passed to one callback, at most ten times a second."""

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
    """The progress of a job.

    Attributes:
        job: The job: ``push``, ``import``, ``export``, ``pull`` and the like.
        unit: What ``done`` and ``total`` count, as in ``files``.
        done: Number of units that are done.
        total: Number of units in all; None if not known yet.
        bytes: Bytes moved so far.
        seconds: Seconds since the job began.
        finished: True for the last event of a job, which is sent even if the job fails.
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
    """Counts the progress of one job and calls the callback. Use it as a context manager."""

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
        """Count more units and bytes, and call the callback if the last call was long enough ago."""
        self.done += done
        self.bytes += bytes
        if self._callback is not None and (now := self.seconds) >= self._next:
            self._next = now + INTERVAL
            self._notify(finished=False)

    def __enter__(self) -> Self:
        self.add(0)
        return self

    def __exit__(self, *_: object) -> None:
        self._notify(finished=True)

    def _notify(self, *, finished: bool) -> None:
        """Call the callback. An error of the callback is logged, and it is not called again; the job continues.

        Errors of headrace are raised: they say that the callback made a call that it must not make.
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
            # Units may be added during the job; done never exceeds total.
            total=None if self.total is None else max(self.total, self.done),
            bytes=self.bytes,
            seconds=self.seconds,
            finished=finished,
        )
