"""The session that all handles of one connection share."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from headrace.backend.base import Backend
from headrace.model.records import OrganizationRecord
from headrace.protocol.operation import Operation, P, R

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
