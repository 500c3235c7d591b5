"""The session that all handles of one connection share."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from headrace.backend.base import Backend, CallOptions
from headrace.errors import ConfigurationError
from headrace.model.records import OrganizationRecord
from headrace.net.timeout import Timeout
from headrace.protocol.operation import Operation, P, R
from headrace.transfer.progress import OnProgress

Open = Callable[[], Awaitable[Backend]]


class Session:
    """An open backend, and the organization and user that calls are made for.

    Args:
        backend: The open backend.
        organization: The organization of all calls.
        username: The user of all calls.
        open: Opens the same target again; ``reopen`` uses it.
    """

    __slots__ = (
        "__weakref__",
        "_abandoned",
        "_open",
        "backend",
        "organization",
        "process",
        "progress",
        "username",
    )

    def __init__(
        self, backend: Backend, organization: OrganizationRecord, username: str, open: Open
    ) -> None:
        self.backend = backend
        self.organization = organization
        self.username = username
        self._open = open
        self._abandoned: list[Backend] = []
        self.process = os.getpid()
        self.progress: OnProgress = "auto"

    def with_options(
        self,
        timeout: float | Timeout | None,
        retries: int | None,
        progress: OnProgress | None,
        concurrency: int | None,
    ) -> Session:
        """Return a session with other options, on the same connections.

        Args:
            timeout: The limits of each call; a number of seconds is the limit of the whole call.
            retries: How often a call is repeated after it failed.
            progress: Called with the progress events of the methods that report progress.
            concurrency: Calls and files at a time.

        Raises:
            ConfigurationError: A value is out of range.
        """
        if retries is not None and retries < 0:
            raise ConfigurationError(f"retries must be 0 or more, not {retries}")
        if concurrency is not None and concurrency < 1:
            raise ConfigurationError(f"concurrency must be at least 1, not {concurrency}")
        before = self.backend.options
        options = CallOptions(
            timeout=before.timeout if timeout is None else Timeout.of(timeout),
            retries=before.retries if retries is None else retries,
            concurrency=before.concurrency if concurrency is None else concurrency,
        )

        async def open_again() -> Backend:
            return (await self._open()).with_options(options)

        other = Session(
            self.backend.with_options(options), self.organization, self.username, open_again
        )
        other.process = self.process
        other.progress = self.progress if progress is None else progress
        return other

    @property
    def name(self) -> str:
        """The folder or address of the target, without secrets."""
        return self.backend.name

    async def call(self, operation: Operation[P, R], request: P) -> R:
        """Call an operation of the platform and return its result."""
        return await self.backend.call(operation, request)

    async def reopen(self) -> None:
        """Open the target again after a fork.

        The old backend is kept, but not closed: its connections belong to the parent process.
        """
        self._abandoned.append(self.backend)
        self.backend = await self._open()
        self.process = os.getpid()

    async def aclose(self) -> None:
        """Close the backend."""
        await self.backend.aclose()

    def __repr__(self) -> str:
        return f"Session({self.name!r})"
