"""Options of calls: a copy of a client, a handle or a list that makes its calls differently."""

from __future__ import annotations

from copy import copy
from typing import Self

from headrace.net.timeout import Timeout
from headrace.sdk.base.session import Session
from headrace.transfer.progress import OnProgress


class WithOptions:
    """Mixin for what makes calls: clients, handles, and lists of handles."""

    __slots__ = ()

    session: Session

    def with_options(
        self,
        *,
        timeout: float | Timeout | None = None,
        retries: int | None = None,
        progress: OnProgress | None = None,
        concurrency: int | None = None,
    ) -> Self:
        """Return a copy that makes its calls with other options, on the same connections.

        What is reached through the copy has the options too. None leaves an option as it is. Closing either closes both.

        Args:
            timeout: Limits in seconds for each call; a number limits the whole call with its retries. Transfers of files
                are not limited as a whole.
            retries: How often a call is repeated after it failed.
            progress: Called with the progress events of all methods that report progress and are given no callback. A new
                client has ``"auto"``, which shows a line on a terminal or in a notebook; ``"none"`` shows nothing.
            concurrency: Calls and files at a time.

        Returns:
            The copy.

        Raises:
            ConfigurationError: If a value is out of range.

        Example:
            ```python
            impatient = version.with_options(timeout=5, retries=0)
            ```
        """
        other = self._twin()
        # The classes that use this mixin have the slot.
        other.session = self.session.with_options(timeout, retries, progress, concurrency)  # type: ignore[misc]
        return other

    def _twin(self) -> Self:
        """Return a copy that can be changed without changing this one."""
        return copy(self)
