"""The log of a command: the loggers ``headrace.*``, on stderr or in a file, as text or as JSON."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from headrace.cli.console.errors import UsageError
from headrace.log_lines import JsonLines, LineHandler, TextLines

VARIABLE = "HEADRACE_LOG"
"""The level for every command, such as ``debug``."""

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = get_args(Level)
LogFormat = Literal["text", "json"]


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
    level = chosen_level(verbose)
    logger = logging.getLogger("headrace")
    if level is None and file is None:
        logger.addHandler(WarningHandler(show))
        return
    handler = LineHandler(file)
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    logger.addHandler(handler)
    logger.setLevel((level or "info").upper())
    logger.propagate = False


def chosen_level(verbose: int) -> Level | None:
    """Return the level that ``-v`` or the environment variable asks for, one of :data:`LEVELS`; None without either.

    Raises:
        UsageError: The environment variable names no level.
    """
    if verbose:
        return "info" if verbose == 1 else "debug"
    name = os.environ.get(VARIABLE, "").strip().lower()
    if not name:
        return None
    for level in LEVELS:
        if level == name:
            return level
    raise UsageError(f"{VARIABLE} cannot be {name!r}", hint=f"levels: {', '.join(LEVELS)}")
