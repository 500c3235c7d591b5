"""Compare the object store with the catalog: which objects rows name, and which no row names. Check and gc share it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from msgspec import Struct

from headrace.folders.lakes import STORE_MARK
from headrace.platform.context import Context
from headrace.platform.core.listing import json_text
from headrace.storage.objects.base import StoredObject

TOGETHER = 500
"""Objects that are looked up with one call."""

# The files of finished exports (platform/annotations/exports): their URL was the answer, and no row names them.
_EXPORT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/annotations/[^/]+")


class CatalogedObject(Struct, frozen=True, gc=False):
    """An object that the row of a data names, with the size in bytes and the SHA-256 that it must have.

    The digest is None where it was not known when the data was registered. ``bucket`` and ``no`` are the key of the row.
    """

    name: str
    size: int
    sha256: bytes | None
    bucket: int = 0
    no: int = 0


def is_export(name: str) -> bool:
    """Whether an object is the file of a finished export of annotations."""
    return _EXPORT.fullmatch(name) is not None


async def cataloged_objects(context: Context) -> AsyncGenerator[list[CatalogedObject], None]:
    """Stream the objects that data name, in batches and in constant memory."""
    rows = context.database.stream("check.data", batch=TOGETHER)
    async with aclosing(rows) as batches:
        async for batch in batches:
            yield [CatalogedObject(*row) for row in batch]


async def named_objects(context: Context, names: Sequence[str]) -> set[str]:
    """Return those of the names that a row names."""
    rows = await context.database.fetch("check.named", names=json_text(names))
    return {name for (name,) in rows}


async def stored_objects(context: Context) -> AsyncGenerator[list[StoredObject], None]:
    """Stream all objects but the mark of the store, in batches and in constant memory."""
    async for batch in context.objects.listed():
        yield [each for each in batch if each.name != STORE_MARK]


async def unnamed_objects(context: Context) -> AsyncGenerator[list[StoredObject], None]:
    """Stream the objects that no row names, in batches and in constant memory.

    An upload that is not registered yet is among them, and so are the files of exports (:func:`is_export`).
    """
    async with aclosing(stored_objects(context)) as batches:
        async for batch in batches:
            for start in range(0, len(batch), TOGETHER):
                part = batch[start : start + TOGETHER]
                named = await named_objects(context, [each.name for each in part])
                unnamed = [each for each in part if each.name not in named]
                if unnamed:
                    yield unnamed
