"""What all handles of one connection share."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from headrace.backend.base import Backend
from headrace.model.records import OrganizationRecord
from headrace.protocol.operation import Operation, P, R

Open = Callable[[], Awaitable[Backend]]


class Session:
    """An open backend and the organization that its calls are made for.

    ``reopen`` opens the same target again; the blocking API uses it in a forked child, where the connections of
    the parent must not be touched.
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
        """What people call the other side: a folder or an address, never with a secret."""
        return self.backend.name

    async def call(self, operation: Operation[P, R], request: P) -> R:
        """Answer one operation of the table."""
        return await self.backend.call(operation, request)

    async def reopen(self) -> None:
        """Go on over a new backend; the old one is left alone, not closed: it belongs to another process."""
        self._abandoned.append(self.backend)
        self.backend = await self._open()
        self.process = os.getpid()

    async def aclose(self) -> None:
        """Close connections."""
        await self.backend.aclose()

    def __repr__(self) -> str:
        return f"Session({self.name!r})"
