"""aiohttp's own complaints, without what it quotes: a request that is not HTTP may still hold a token."""

from __future__ import annotations

import logging
from typing import Any


class ProtocolLog(logging.LoggerAdapter[logging.Logger]):
    """Says in one line that a request was refused before it became one, and by which error."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("headrace.server.protocol"), None)

    def exception(self, msg: object, *args: object, exc_info: Any = None, **more: Any) -> None:
        """Log an error by the name of its class."""
        self.warning("%s: %s", str(msg) % args if args else msg, type(exc_info).__name__)

    def debug(self, msg: object, *args: object, exc_info: Any = None, **more: Any) -> None:
        """Log at the lowest level, likewise."""
        if self.isEnabledFor(logging.DEBUG):
            reason = f": {type(exc_info).__name__}" if exc_info else ""
            self.log(logging.DEBUG, "%s%s", str(msg) % args if args else msg, reason)
