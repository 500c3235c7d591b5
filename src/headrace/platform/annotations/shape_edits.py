"""Edit the shapes of one annotation: read, change, pack and write them in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from headrace.errors import BadRequestError, RequestTooLargeError
from headrace.model.blob.counts import pack_counts, unpack_counts
from headrace.model.blob.pack import pack
from headrace.model.blob.unpack import unpack
from headrace.model.columns import Shapes, with_ordinals
from headrace.model.ids import MAX_ORDINAL, Kind
from headrace.platform.annotations.decode import (
    PreparedAnnotation,
    has_masks,
    prepare_annotations,
)
from headrace.platform.annotations.load import sizes_of
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.identifiers import missing
from headrace.platform.core.scopes import VersionChange, VersionScope, touch
from headrace.platform.core.shape_storage import drop_contents, store_blobs
from headrace.protocol.operations.annotations import ImportItem
from headrace.storage.database.base import Database, Statements, Transaction
from headrace.threads import in_thread


class StoredShapes(NamedTuple):
    """An annotation with its shapes, packed."""

    no: int
    asset: int
    counts: bytes
    content: int | None
    blob: bytes


class PackedShapes(NamedTuple):
    """Packed shapes, with the number of shapes per label."""

    blob: bytes
    counts: Counter[int]


async def stored_shapes(statements: Statements, scope: VersionScope, no: int) -> StoredShapes:
    """Read an annotation by its number in the version; raises NotFoundError where it does not exist."""
    row = await statements.fetch_one(
        "single_annotations.shapes",
        bucket=scope.bucket,
        version=scope.no,
        dataset=scope.dataset,
        dataset_bucket=scope.dataset_bucket,
        no=no,
    )
    if row is None:
        raise missing(Kind.ANNOTATION, scope.ids(Kind.ANNOTATION).id(no))
    return StoredShapes(*row)


async def rewrite(
    database: Database,
    tx: Transaction,
    scope: VersionScope,
    old: StoredShapes,
    edit: Callable[[Shapes], Shapes],
    *,
    duration: float | None = None,
) -> tuple[bytes, VersionChange]:
    """Replace the shapes of an annotation by the result of ``edit``; return the new blob and the change.

    Raises:
        BadRequestError: The new shapes are invalid.
        RequestTooLargeError: The annotation has too many shapes.
    """
    new = await in_thread(_edit, old.blob, edit)
    change = await touch(tx, scope)
    await drop_contents(tx, scope, [old.content])
    ((blob, content),) = await store_blobs(database, tx, scope, [new.blob])
    await tx.execute(
        "single_annotations.rewrite",
        duration=duration,
        size=new.counts.total(),
        counts=pack_counts(new.counts),
        shapes=blob,
        content=content,
        bucket=scope.bucket,
        version=scope.no,
        asset=old.asset,
        no=old.no,
    )
    delta = CounterDelta()
    delta.remove(unpack_counts(old.counts), old.asset)
    delta.add(new.counts, old.asset)
    await delta.write(tx, scope.bucket, scope.no)
    return new.blob, change


async def prepare_item(
    statements: Statements, scope: VersionScope, asset: int, item: ImportItem
) -> PreparedAnnotation:
    """Check and pack the shapes of a request; raises an APIError that names the fault."""
    labels = await label_keys(statements, scope)
    sizes = await sizes_of(statements, scope, [asset]) if has_masks(item) else {}
    (made,) = await in_thread(prepare_annotations, [item], [asset], labels, sizes)
    return made


async def label_keys(statements: Statements, scope: VersionScope) -> dict[str, int]:
    """Return the keys of the labels of a version, by id."""
    ids = scope.ids(Kind.LABEL)
    rows = await statements.fetch("labels.keys", version=scope.no)
    return {ids.text(key): key for key, _ in rows}


async def label_key(statements: Statements, scope: VersionScope, id: UUID) -> int:
    """Return the key of one label; raises NotFoundError where the version has no such label."""
    key = scope.ids(Kind.LABEL).seq(id)
    row = None
    if key is not None:
        row = await statements.fetch_one("labels.by_key", version=scope.no, key=key)
    if key is None or row is None:
        raise missing(Kind.LABEL, id)
    return key


def _edit(blob: bytes, edit: Callable[[Shapes], Shapes]) -> PackedShapes:
    shapes = edit(unpack(blob))
    if (with_ordinals(shapes).next_ordinal or 0) > MAX_ORDINAL:
        raise RequestTooLargeError(
            "the annotation has used all shape numbers", hint=f"at most {MAX_ORDINAL}"
        )
    try:
        packed = pack(shapes)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadRequestError(f"the shape is invalid: {error}") from None
    return PackedShapes(packed, shapes.label_counts())
