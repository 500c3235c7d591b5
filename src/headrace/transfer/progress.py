"""Progress of long jobs: one event type, passed to one callback, at most ten times a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import Token
from types import TracebackType
from typing import Literal, Self

from headrace.errors import HeadraceError
from headrace.net.retry import COUNTER, RetryCounter
from headrace.tracing import Span, span
from headrace.transfer.progress_event import ProgressEvent, line_of, terminal_line

_log = logging.getLogger("headrace.transfer")
INTERVAL = 0.1


Callback = Callable[[ProgressEvent], None]
OnProgress = Callback | Literal["auto", "none"]
"""A callback; or ``"auto"``, which shows a line on a terminal or in a notebook, and nothing elsewhere; or ``"none"``."""


class Progress:
    """Counts the progress of one job and calls the callback. Use it as a context manager."""

    __slots__ = (
        *("_callback", "_counter", "_job", "_next", "_phase", "_started", "_token", "_unit"),
        *("_span", "bytes", "done", "failed", "listing", "total"),
    )

    def __init__(
        self,
        job: str,
        unit: str,
        callback: OnProgress | None,
        *,
        total: int | None = None,
        phase: str = "",
    ) -> None:
        self._job = job
        self._unit = unit
        self._callback = _callback(callback)
        self._started = time.monotonic()
        self._next = 0.0
        self._phase = phase
        self._counter = RetryCounter()
        self._token: Token[RetryCounter | None] | None = None
        self._span: Span | None = None
        self.total = total
        self.listing = False
        self.done = 0
        self.bytes = 0
        self.failed = 0

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

    def expect(self, number: int) -> None:
        """Count units that a listing has found; the total is final when :meth:`listed` is called."""
        self.listing = True
        self.total = (self.total or 0) + number

    def listed(self) -> None:
        """Note that the listing has ended, so that the total is final."""
        self.listing = False

    def fail(self, number: int = 1) -> None:
        """Count units that failed. They are done, too."""
        self.failed += number
        self.add(number)

    def enter(self, phase: str) -> None:
        """Begin a phase of the job, and call the callback at once."""
        if phase != self._phase:
            self._phase = phase
            _log.debug("%s: %s", self._job, phase)
            self._notify(finished=False)

    def __enter__(self) -> Self:
        self._token = COUNTER.set(self._counter)
        self._span = span(self._job).__enter__()
        self.add(0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._span is not None:
            self._span.set(
                done=self.done,
                bytes=self.bytes,
                failed=self.failed,
                retries=self._counter.retries,
            )
            self._span.__exit__(kind, error, traceback)
        if self._token is not None:
            COUNTER.reset(self._token)
        _log.info("%s", line_of(self._event(finished=True)))
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
            phase=self._phase,
            failed=self.failed,
            retries=self._counter.retries,
            listing=self.listing and not finished,
        )


def _callback(wanted: OnProgress | None) -> Callback | None:
    if wanted == "auto":
        return terminal_line()
    return None if wanted == "none" else wanted
