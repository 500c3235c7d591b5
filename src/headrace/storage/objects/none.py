"""The store of a platform that was opened without its files: every call says how to name them."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from typing import NoReturn

from headrace.errors import ConfigurationError, HeadraceError
from headrace.storage.objects.base import DirectUrls, ObjectInfo, StoredObject, Unfinished
from headrace.storage.objects.names import object_parts


class NoObjectStore:
    """An :class:`~headrace.storage.objects.base.ObjectStore` that holds nothing and takes nothing.

    Users, tokens and audit logs need no files. ``platform`` is the name of the platform, for the message.
    """

    def __init__(self, platform: str) -> None:
        self._platform = platform

    def _refuse(self) -> NoReturn:
        raise ConfigurationError(
            f"{self._platform} was opened without its files",
            hint="name their place, s3://bucket/prefix or a folder, by objects= or HEADRACE_OBJECTS",
        )

    direct: DirectUrls | None = None
    locked = True

    async def put(self, name: str, content: AsyncIterable[bytes], /) -> ObjectInfo:
        """Refuse."""
        self._refuse()

    async def put_file(self, name: str, source: Path, /, *, move: bool = False) -> ObjectInfo:
        """Refuse."""
        self._refuse()

    async def put_files(
        self, sources: Sequence[tuple[str, Path]], /
    ) -> list[ObjectInfo | HeadraceError]:
        """Refuse."""
        self._refuse()

    async def heads(self, names: Sequence[str], /) -> list[ObjectInfo | None]:
        """Refuse."""
        self._refuse()

    async def receive(self, names: Sequence[str], /) -> list[ObjectInfo | None]:
        """Refuse."""
        self._refuse()

    async def unchanged(self, infos: Sequence[ObjectInfo], /) -> list[bool]:
        """Refuse."""
        self._refuse()

    async def head(self, name: str, /) -> ObjectInfo | None:
        """Refuse."""
        self._refuse()

    def get(
        self, name: str, /, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Refuse."""
        self._refuse()

    def check_name(self, name: str, /) -> None:
        """Raise :class:`BadRequestError` for what cannot name an object."""
        object_parts(name)

    def local_path(self, name: str, /) -> str | None:
        """Return None: no object is a file."""
        return None

    def listed(self) -> AsyncIterator[list[StoredObject]]:
        """Refuse."""
        self._refuse()

    async def check_present(self) -> None:
        """Return: there is nothing that could be gone."""

    async def delete(self, names: list[str], /) -> None:
        """Refuse, unless there is nothing to delete."""
        if names:
            self._refuse()

    async def delete_before(self, names: Sequence[str], before: int, /) -> list[str]:
        """Refuse, unless there is nothing to delete."""
        if names:
            self._refuse()
        return []

    async def unfinished(self, before: int, /, *, delete: bool = False) -> Unfinished:
        """Refuse."""
        self._refuse()

    async def begin_parts(self, name: str, /) -> str:
        """Refuse."""
        self._refuse()

    async def put_part(
        self, name: str, upload_id: str, number: int, content: AsyncIterable[bytes], /
    ) -> str:
        """Refuse."""
        self._refuse()

    async def complete_parts(
        self, name: str, upload_id: str, parts: list[tuple[int, str]], /
    ) -> ObjectInfo:
        """Refuse."""
        self._refuse()

    async def abort_parts(self, name: str, upload_id: str, /) -> None:
        """Refuse."""
        self._refuse()

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""

    def discard(self) -> None:
        """Do nothing: nothing is open."""
