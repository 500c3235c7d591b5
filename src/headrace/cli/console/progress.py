"""Progress on stderr: one line that is redrawn on a terminal, a plain line from time to time elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from headrace.cli.console.wording import duration, size

if TYPE_CHECKING:
    from headrace.transfer.progress import ProgressEvent

MARK = "▸"
_EVERY_SECONDS = 30.0
_EVERY_SHARE = 0.1


class Reporter:
    """Show the progress events of a command. Silent unless ``show``; ``last`` is the latest event."""

    def __init__(self, *, show: bool) -> None:
        self.last: ProgressEvent | None = None
        self._show = show
        self._redraw = show and sys.stderr.isatty()
        self._drawn = False
        self._last_said: tuple[float, float] | None = None

    def __call__(self, event: ProgressEvent) -> None:
        """Take an event; the SDK calls this at most ten times a second."""
        self.last = event
        if not self._show:
            return
        if event.finished:
            self._last_said = None
            self.say(line_of(event))
        elif self._redraw:
            self._draw(line_of(event))
        elif self._is_due(event):
            self.say(line_of(event))

    def say(self, text: str) -> None:
        """Write a permanent line in place of the redrawn one."""
        self.clear()
        self._write(f"{MARK} {text}\n")

    def clear(self) -> None:
        """Erase the redrawn line."""
        if self._drawn:
            self._drawn = False
            self._write("\r\x1b[2K")

    def _draw(self, text: str) -> None:
        import shutil

        width = shutil.get_terminal_size().columns - 1
        self._write(f"\r\x1b[2K{f'{MARK} {text}'[:width]}")
        self._drawn = True

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            # stderr is closed; the command itself continues.
            self._show = self._redraw = False

    def _is_due(self, event: ProgressEvent) -> bool:
        """Whether to write a line: at the start of a job, then every 30 s or 10 %."""
        share = event.done / event.total if event.total else 0.0
        if self._last_said is not None:
            seconds, said_share = self._last_said
            if event.seconds - seconds < _EVERY_SECONDS and share - said_share < _EVERY_SHARE:
                return False
        self._last_said = event.seconds, share
        return True


def line_of(event: ProgressEvent) -> str:
    """Return an event as text: ``push  41,902/118,287 files  6.8 GB  212 MB/s  0:59 left``."""
    of = f"/{event.total:,}" if event.total is not None else ""
    parts = [event.job, f"{event.done:,}{of} {event.unit}"]
    if event.bytes:
        parts.append(size(event.bytes))
        if event.seconds > 0.1:
            parts.append(f"{size(event.bytes / event.seconds)}/s")
    if event.finished:
        parts.append(
            f"{'done in' if _is_complete(event) else 'ended after'} {duration(event.seconds)}"
        )
    elif event.total and 0 < event.done < event.total and event.seconds > 1:
        left = round(event.seconds / event.done * (event.total - event.done))
        parts.append(f"{left // 60}:{left % 60:02d} left")
    return "  ".join(parts)


def _is_complete(event: ProgressEvent) -> bool:
    return event.total is None or event.done >= event.total
