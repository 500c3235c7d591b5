"""Progress on stderr: a line that redraws itself, plain lines from time to time, or events as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Literal

from headrace.cli.console.errors import UsageError
from headrace.transfer.progress_event import (
    CLEAR,
    MARK,
    VARIABLE,
    drawn,
    duration,
    line_of,
    silenced,
)

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.cli.console.errors import Failure
    from headrace.cli.console.result import Result
    from headrace.transfer.progress_event import ProgressEvent

Mode = Literal["auto", "bar", "plain", "json", "none"]
MODES: tuple[Mode, ...] = ("auto", "bar", "plain", "json", "none")
SCHEMA_VERSION = 1
TICK_SECONDS = 1.0
_EVERY_SECONDS = 30.0
_EVERY_SHARE = 0.1
_QUIET_SECONDS = 5.0
"""Without a terminal, a job that ends sooner says nothing unless ``--progress`` asks for it."""


class Reporter:
    """Shows the progress events of a command. ``last`` is the latest event.

    Args:
        mode: How to show them. ``auto`` is a line on a terminal, and elsewhere a plain line every 30 seconds or 10 %.
        file: Write the events to this file too, as JSON lines.
    """

    def __init__(self, mode: Mode = "auto", file: Path | None = None) -> None:
        self.last: ProgressEvent | None = None
        self._mode = _resolved(mode)
        self._patient = mode == "auto"
        self._path = file
        self._command = ""
        self._started = time.monotonic()
        self._received = 0.0
        self._drawn = False
        self._ready = False
        self._last_said: tuple[float, float] | None = None

    @property
    def owns_stderr(self) -> bool:
        """Whether stderr holds JSON events and nothing else."""
        return self._mode == "json" and self._path is None

    def start(self, command: str) -> None:
        """Note which command begins. Raises UsageError if the file of events cannot be written."""
        self._command = command
        self._started = time.monotonic()
        if self._path is not None:
            try:
                self._path.open("a").close()
            except OSError as error:
                path, self._path = self._path, None
                why = (error.strerror or str(error)).lower()
                raise UsageError(f"--progress-file {path}: {why}") from None
        self._emit("start", f"{command} started", command=command)

    def __call__(self, event: ProgressEvent) -> None:
        """Take an event; the SDK calls this at most ten times a second."""
        self.last = event
        self._received = time.monotonic() - self._started
        text = line_of(event)
        empty = event.finished and not event.done and event.total is None
        if not empty:
            self._emit("progress", text, **_fields(event))
        if self._mode == "bar":
            if event.finished and not empty:
                self.say(text)
            elif not event.finished:
                self._draw(text)
        elif self._mode == "plain":
            self._say_sometimes(event, text, empty=empty)

    def tick(self) -> None:
        """Show that the command is alive although no event came; called once a second."""
        event = self.last
        if self._ready or (event is not None and event.finished):
            return
        seconds = time.monotonic() - self._started
        if event is not None and seconds - self._received < TICK_SECONDS:
            return
        shown = line_of(event) if event is not None else f"{self._command}  starting"
        text = f"{shown}  {duration(seconds)}"
        if self._mode == "bar":
            self._draw(text)
        elif self._mode == "plain":
            said = self._last_said or (0.0, 0.0)
            if seconds - said[0] >= _EVERY_SECONDS:
                self.say(text)
                self._last_said = seconds, said[1]

    def ready(self) -> None:
        """Note that the command works from now on until it is stopped: a long time is no news."""
        self.clear()
        self._ready = True

    def warn(self, message: str) -> None:
        """Report a warning as an event."""
        self._emit("warning", message)

    def finish(self, result: Result) -> None:
        """Report the result as an event."""
        message = result.lines[0] if result.lines else f"{self._command} done"
        self._emit("result", message, status=result.status, result=result.data)

    def fail(self, failure: Failure) -> None:
        """Report the error that ended the command as an event."""
        self._emit("error", failure.message, status=failure.status, error=failure.json())

    def say(self, text: str) -> None:
        """Write a permanent line in place of the redrawn one."""
        self.clear()
        if self.owns_stderr:
            self.warn(text)
        else:
            self._write(f"{MARK} {text}\n")

    def clear(self) -> None:
        """Erase the redrawn line."""
        if self._drawn:
            self._drawn = False
            self._write(CLEAR)

    def _draw(self, text: str) -> None:
        self._write(drawn(text))
        self._drawn = True

    def _say_sometimes(self, event: ProgressEvent, text: str, *, empty: bool) -> None:
        if event.finished:
            due = not empty and (not self._patient or self._last_said is not None)
            self._last_said = None
        else:
            due = self._is_due(event)
        if due:
            self.say(text)

    def _is_due(self, event: ProgressEvent) -> bool:
        """Whether to write a line: at the start of a job, then every 30 s or 10 %."""
        share = event.done / event.total if event.total and not event.listing else 0.0
        if self._patient and event.seconds < _QUIET_SECONDS:
            return False
        if self._last_said is not None:
            seconds, said_share = self._last_said
            if event.seconds - seconds < _EVERY_SECONDS and share - said_share < _EVERY_SHARE:
                return False
        self._last_said = event.seconds, share
        return True

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            # stderr is closed; the command itself continues.
            self._mode = "none"

    def _emit(self, kind: str, message: str, **fields: Any) -> None:
        """Write an event as one JSON line to the file of ``--progress-file``, or to stderr."""
        if self._path is None and self._mode != "json":
            return
        seconds = round(time.monotonic() - self._started, 3)
        event = {"v": SCHEMA_VERSION, "event": kind, "at": seconds, "message": message, **fields}
        line = json.dumps(event, ensure_ascii=False, default=str) + "\n"
        if self._path is None:
            self._write(line)
            return
        # Appended, so that nothing in a file that exists is lost.
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError:
            self._path = None  # the command itself continues


def _fields(event: ProgressEvent) -> dict[str, Any]:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return fields | {"seconds": round(event.seconds, 3)}


def _resolved(mode: Mode) -> Mode:
    """Return what ``auto`` means here."""
    wanted = os.environ.get(VARIABLE, "") if mode == "auto" else mode
    if mode == "auto" and silenced():
        return "none"
    if wanted in MODES and wanted != "auto":
        return next(each for each in MODES if each == wanted)
    return "bar" if sys.stderr.isatty() else "plain"


def with_mode(arguments: list[str]) -> list[str]:
    """Return a command line in which ``--progress`` has a value; alone it shows progress, also without a terminal."""
    given = list(arguments)
    for index, word in enumerate(given):
        if word == "--":
            break
        if word == "--no-progress":
            given[index] = "--progress=none"
        elif word == "--progress" and given[index + 1 : index + 2] not in [
            [mode] for mode in MODES
        ]:
            given[index] = f"--progress={'bar' if sys.stderr.isatty() else 'plain'}"
    return given
