"""How long a call may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
from msgspec import Struct

from headrace.errors import ConfigurationError, TransferTimeoutError


class Timeout(Struct, frozen=True, kw_only=True):
    """Limits in seconds for one call; None keeps the limit as it is.

    Attributes:
        total: From the first attempt to the result, with all retries and waits between them.
        connect: To establish a connection. Default: 30.
        read: Between two pieces of a response. Default: 300.
    """

    total: float | None = None
    connect: float | None = None
    read: float | None = None

    @classmethod
    def of(cls, timeout: float | Timeout) -> Timeout:
        """Return a timeout; a number is its total. Raises ConfigurationError for one that is not positive."""
        found = timeout if isinstance(timeout, Timeout) else cls(total=float(timeout))
        for name in cls.__struct_fields__:
            seconds = getattr(found, name)
            if seconds is not None and not seconds > 0:
                raise ConfigurationError(f"a timeout must be positive, and {name} is {seconds}")
        return found

    @contextmanager
    def limit(self, where: str) -> Iterator[None]:
        """Cancel what takes longer than ``total``. Raises TransferTimeoutError, which names ``where``."""
        if self.total is None:
            yield
            return
        with anyio.move_on_after(self.total) as scope:
            yield
        if scope.cancelled_caught:
            raise TransferTimeoutError(
                f"{where} did not answer within {self.total:g} s", hint="allow it more time"
            )


UNLIMITED = Timeout()
"""The default limits."""
