"""The event of progress, its line of text, and what ``progress="auto"`` shows on a terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable

from msgspec import Struct

VARIABLE = "HEADRACE_PROGRESS"
"""``0`` keeps every ``auto`` silent."""

MARK = "▸"
CLEAR = "\r\x1b[2K"
QUIET_SECONDS = 1.0
"""A job that ends sooner shows no line."""


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
        phase: What the job is doing: ``list``, ``plan``, ``read``, ``move``, ``write``, ``register``.
        failed: Number of units that failed.
        retries: Number of calls that were sent again.
        listing: ``total`` counts what has been listed so far; there may be more.
    """

    job: str
    unit: str
    done: int
    total: int | None = None
    bytes: int = 0
    seconds: float = 0.0
    finished: bool = False
    phase: str = ""
    failed: int = 0
    retries: int = 0
    listing: bool = False


def size(count: float) -> str:
    """Return a number of bytes with a decimal prefix: ``7.6 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.5 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """Return a duration: ``0.4 s``, ``59 s``, ``1 min 1 s``, ``2 h 5 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def line_of(event: ProgressEvent) -> str:
    """Return an event as text: ``pull move  41,902/118,287 files  6.8 GB  212 MB/s  0:59 left  3 retried``."""
    least = "≥ " if event.listing else ""
    of = f"/{least}{event.total:,}" if event.total is not None else ""
    phase = f" {event.phase}" if event.phase and not event.finished else ""
    parts = [f"{event.job}{phase}"]
    if event.done or event.total is not None or event.finished:
        parts.append(f"{event.done:,}{of} {event.unit}")
    if event.bytes:
        parts.append(size(event.bytes))
        if event.seconds > 0.1:
            parts.append(f"{size(event.bytes / event.seconds)}/s")
    if event.finished:
        ended = "done in" if is_complete(event) else "ended after"
        parts.append(f"{ended} {duration(event.seconds)}")
    elif event.total and not event.listing and 0 < event.done < event.total and event.seconds > 1:
        left = round(event.seconds / event.done * (event.total - event.done))
        parts.append(f"{left // 60}:{left % 60:02d} left")
    if event.retries:
        parts.append(f"{event.retries:,} retried")
    if event.failed:
        parts.append(f"{event.failed:,} failed")
    return "  ".join(parts)


def is_complete(event: ProgressEvent) -> bool:
    """Whether all units of a job are done, as far as their number is known."""
    return event.total is None or event.done >= event.total


def silenced() -> bool:
    """Whether the environment variable keeps ``auto`` silent."""
    return os.environ.get(VARIABLE, "").strip().lower() in ("0", "false", "no", "none")


def drawn(text: str) -> str:
    """Return the characters that draw a line in place of the one before, cut at the width of the terminal."""
    width = shutil.get_terminal_size().columns - 1
    return f"{CLEAR}{f'{MARK} {text}'[:width]}"


def terminal_line() -> Callable[[ProgressEvent], None] | None:
    """Return a callback that shows one line on stderr after a second; None where nobody would see it."""
    if silenced() or not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        return None
    return _draw


def _draw(event: ProgressEvent) -> None:
    if event.seconds < QUIET_SECONDS:
        return
    end = "\n" if event.finished else ""
    sys.stderr.write(drawn(line_of(event)) + end)
    sys.stderr.flush()
