"""Check the objects of a lake against its catalog: missing, of another size, with other bytes, or named by no row."""

from __future__ import annotations

import hashlib
from contextlib import aclosing

from headrace.errors import ObjectNotFoundError, StorageError
from headrace.platform.care.check_report import CheckFindings
from headrace.platform.care.object_names import (
    CatalogedObject,
    cataloged_objects,
    is_export,
    named_objects,
    unnamed_objects,
)
from headrace.platform.context import Context
from headrace.storage.database.locks import ONE_STATEMENT
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import Progress

ORPHAN_MS = 24 * 3600 * 1000
"""Age from which an object that no row names is noted; a younger one may be registered still."""

_READ_TOGETHER = 4


async def check_objects(
    context: Context,
    findings: CheckFindings,
    progress: Progress,
    *,
    read_data: bool,
    repair: bool = False,
) -> None:
    """Compare all objects with the rows that name them.

    Args:
        context: The lake.
        findings: Takes what is found.
        progress: Takes files, or bytes where they are read.
        read_data: Whether their bytes are compared too.
        repair: Whether the digests of those that were read are recorded where they are not known.
    """
    recorded = 0
    async with aclosing(cataloged_objects(context)) as batches:
        async for batch in batches:
            present = await _present(context, batch, findings)
            findings.checked["files"] += len(batch)
            if read_data:
                unknown = await _read(context, present, findings, progress)
                recorded += await _record(context, unknown, findings, repair=repair)
            else:
                progress.add(len(batch))
    if recorded:
        findings.repaired.append(f"recorded the SHA-256 of {recorded:,} files")
    await _note_orphans(context, findings)


async def _present(
    context: Context, objects: list[CatalogedObject], findings: CheckFindings
) -> list[CatalogedObject]:
    """Return the objects that are there and have the right size."""
    present, missing = [], []
    found = await context.objects.heads([each.name for each in objects])
    for expected, stored in zip(objects, found, strict=True):
        if stored is None:
            missing.append(expected)
        elif stored.size != expected.size:
            message = f"it has {stored.size:,} bytes in place of {expected.size:,}"
            findings.add("object size", expected.name, message)
        else:
            present.append(expected)
    # Data that was deleted since its row was read has no object.
    named = await named_objects(context, [each.name for each in missing]) if missing else set()
    for expected in missing:
        if expected.name in named:
            findings.add("object missing", expected.name, f"its {expected.size:,} bytes are gone")
    return present


async def _read(
    context: Context, objects: list[CatalogedObject], findings: CheckFindings, progress: Progress
) -> dict[CatalogedObject, bytes]:
    """Read objects; returns the digests of those whose rows have none."""
    unknown: dict[CatalogedObject, bytes] = {}

    async def read(expected: CatalogedObject) -> None:
        try:
            digest = await _digest(context, expected.name)
        except ObjectNotFoundError:
            return  # deleted since it was looked up
        except StorageError as error:
            findings.add("object content", expected.name, error.message)
        else:
            if expected.sha256 is None:
                unknown[expected] = digest
            elif digest != expected.sha256:
                message = (
                    f"its SHA-256 is {digest.hex()[:12]}… in place of {expected.sha256.hex()[:12]}…"
                )
                findings.add("object content", expected.name, message)
            findings.checked["bytes"] += expected.size
        progress.add(bytes=expected.size)

    if objects:
        await map_bounded(read, objects, concurrency=_READ_TOGETHER)
    return unknown


async def _record(
    context: Context,
    digests: dict[CatalogedObject, bytes],
    findings: CheckFindings,
    *,
    repair: bool,
) -> int:
    """Record digests of files that clients stored themselves, without saying their digests; returns how many.

    An object that has a name never changes, so what was read is what was stored.
    """
    if not repair:
        for each in digests:
            findings.note("digest", each.name, "its SHA-256 is not recorded: --repair records it")
        return 0
    if digests:
        async with context.database.transaction(ONE_STATEMENT) as tx:
            rows = [(digest, each.bucket, each.no) for each, digest in digests.items()]
            await tx.insert_many("check.set_digests", rows)
    return len(digests)


async def _digest(context: Context, name: str) -> bytes:
    digest = hashlib.sha256()
    async for chunk in context.objects.get(name):
        if len(chunk) < 1 << 16:
            digest.update(chunk)
        else:
            await in_thread(digest.update, chunk)
    return digest.digest()


async def _note_orphans(context: Context, findings: CheckFindings) -> None:
    before = context.clock() - ORPHAN_MS
    async with aclosing(unnamed_objects(context)) as batches:
        async for batch in batches:
            for each in batch:
                if each.stored < before and not is_export(each.name):
                    findings.note("orphan", each.name, f"{each.size:,} bytes that no data names")
