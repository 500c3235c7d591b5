"""The log of a command: the loggers ``headrace.*``, on stderr or in a file, as text or as JSON."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from headrace.cli.console.errors import UsageError

VARIABLE = "HEADRACE_LOG"
"""The level for every command, such as ``debug``."""

LEVELS = ("debug", "info", "warning", "error")
LogFormat = Literal["text", "json"]


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        shown = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            shown["traceback"] = self.formatException(record.exc_info)
        return json.dumps(shown, ensure_ascii=False)


class WarningHandler(logging.Handler):
    """Shows warnings as those of the command, such as that it waits for another process."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Show the message of a record."""
        self._show(record.getMessage())


def start_log(
    verbose: int, file: Path | None, format: LogFormat, *, show: Callable[[str], None]
) -> None:
    """Write the log of headrace as the options and the environment variable ask for; otherwise show its warnings.

    Args:
        verbose: How often ``-v`` was given: 1 for info, 2 for debug.
        file: Append the log to this file. Default: stderr.
        format: Lines of text or of JSON.
        show: Shows a warning where no log is asked for.

    Raises:
        UsageError: The environment variable names no level.
    """
    level = _level(verbose)
    logger = logging.getLogger("headrace")
    if level is None and file is None:
        logger.addHandler(WarningHandler(show))
        return
    handler = (
        logging.StreamHandler() if file is None else logging.FileHandler(file, encoding="utf-8")
    )
    text = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    handler.setFormatter(JsonFormatter() if format == "json" else logging.Formatter(text))
    logger.addHandler(handler)
    logger.setLevel(level or logging.INFO)
    logger.propagate = False


def _level(verbose: int) -> int | None:
    if verbose:
        return logging.INFO if verbose == 1 else logging.DEBUG
    name = os.environ.get(VARIABLE, "").strip().lower()
    if not name:
        return None
    if name not in LEVELS:
        raise UsageError(f"{VARIABLE} cannot be {name!r}", hint=f"levels: {', '.join(LEVELS)}")
    return getattr(logging, name.upper())  # type: ignore[no-any-return]
