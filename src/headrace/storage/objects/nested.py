"""Tell the objects of a store from those of another store whose folder lies inside it.

A platform's files can come to lie inside another's folder where both were made at the same moment, by an older version of
headrace, or with a key that may not look above its folder. What deletes objects that no row names leaves them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

from headrace.folders.lakes import STORE_MARK
from headrace.storage.objects.base import ObjectInfo

_KNOWN_FOLDERS = 10_000

Heads = Callable[[Sequence[str]], Awaitable[list[ObjectInfo | None]]]
"""Looks up objects of a store by name; see :class:`~headrace.storage.objects.base.ObjectStore`."""


class NestedStores:
    """The stores inside the folder of a store, known by their marks.

    Marks are only looked up in the folders of the objects that are asked for, so the cost is that of these folders and not
    that of the whole store.
    """

    def __init__(self, heads: Heads) -> None:
        self._heads = heads
        self._known: dict[str, bool] = {}

    async def around(self, names: Collection[str]) -> dict[str, str]:
        """Return the folder of the store for each of the objects that belongs to a nested one."""
        folders = {name: _folders(name) for name in names}
        await self._look_up({folder for each in folders.values() for folder in each})
        found = {
            name: next((each for each in inside if self._known[each]), None)
            for name, inside in folders.items()
        }
        return {name: folder for name, folder in found.items() if folder is not None}

    async def _look_up(self, folders: set[str]) -> None:
        if len(self._known) > _KNOWN_FOLDERS:
            self._known.clear()
        new = sorted(folders - self._known.keys())
        marks = await self._heads([f"{folder}/{STORE_MARK}" for folder in new])
        self._known |= {folder: mark is not None for folder, mark in zip(new, marks, strict=True)}


def _folders(name: str) -> list[str]:
    """Return the folders in which an object lies, the outermost first."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
