"""The logs of a server: one of what happens, and one of requests."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from msgspec import Struct

from headrace.log_lines import JsonLines, LineHandler, TextLines

ACCESS = "headrace.server.access"
"""The logger with one record for each request, at level info."""

STDERR = "-"


class ServerLog(Struct, frozen=True, kw_only=True):
    """Where a server logs, and what.

    Attributes:
        level: The lowest level that is logged.
        format: Lines of text or of JSON.
        file: The file to append to. Default: stderr.
        access: The file for a line a request, ``-`` for stderr. Default: these lines are part of the log, which has them
            from level ``info`` on.
    """

    level: Literal["debug", "info", "warning", "error"] = "warning"
    format: Literal["text", "json"] = "text"
    file: str | None = None
    access: str | None = None


def start_logs(log: ServerLog, process: int | None = None) -> None:
    """Log as a server does from now on, in place of what this process has logged to before.

    Warnings of other packages are logged too.

    Args:
        log: Where to, and what.
        process: The number of this process among those of a server, for its lines. Default: it is the only one.

    Raises:
        OSError: A file cannot be opened.
    """
    formatter = JsonLines(process) if log.format == "json" else TextLines(process)
    root, own, access = map(logging.getLogger, ("", "headrace", ACCESS))
    level = log.level.upper()
    _replace(own, None, formatter)
    _replace(root, LineHandler(None if log.file is None else Path(log.file)), formatter)
    root.setLevel(max(logging.getLevelName(level), logging.WARNING))
    own.setLevel(level)
    own.propagate = True
    if log.access is not None:
        path = None if log.access == STDERR else Path(log.access)
        _replace(access, LineHandler(path), formatter)
        access.setLevel(logging.INFO)
        access.propagate = False


def lost_lines() -> int:
    """Return the number of lines of these logs that could not be written."""
    handlers = [*logging.getLogger().handlers, *logging.getLogger(ACCESS).handlers]
    return sum(each.lost for each in handlers if isinstance(each, LineHandler))


def _replace(
    logger: logging.Logger, handler: logging.Handler | None, formatter: logging.Formatter
) -> None:
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    if handler is not None:
        handler.setFormatter(formatter)
        logger.addHandler(handler)
