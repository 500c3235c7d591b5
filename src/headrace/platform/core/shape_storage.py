"""Storage of packed shapes: small blobs in the annotation's row, large ones in the content table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from headrace.platform.core.listing import json_text
from headrace.storage.database.base import Database, Statements, Transaction

INLINE_BYTES = 512
"""Larger blobs go into the content table."""

StoredBlob = tuple[bytes | None, int | None]
"""A blob in the row itself, or its number in the content table."""


class DatasetContent(Protocol):
    """Names the dataset whose content table is used; a :class:`VersionScope` does."""

    @property
    def dataset(self) -> int:
        """The dataset's number."""
        ...

    @property
    def dataset_bucket(self) -> int:
        """The dataset's bucket."""
        ...


async def store_blobs(
    database: Database, tx: Transaction, scope: DatasetContent, blobs: Sequence[bytes]
) -> list[StoredBlob]:
    """Write the large blobs; returns for each blob what the annotation's row holds."""
    large = [blob for blob in blobs if len(blob) > INLINE_BYTES]
    if not large:
        return [(blob, None) for blob in blobs]
    row = await database.take("annotations.take_contents", count=len(large), dataset=scope.dataset)
    assert row is not None
    key = (scope.dataset_bucket, scope.dataset)
    await tx.insert_many(
        "annotations.add_content",
        [(*key, no, blob) for no, blob in enumerate(large, start=row[0])],
    )
    following = iter(range(row[0], row[0] + len(large)))
    return [(None, next(following)) if len(blob) > INLINE_BYTES else (blob, None) for blob in blobs]


async def read_contents(
    statements: Statements, scope: DatasetContent, numbers: Sequence[int]
) -> dict[int, bytes]:
    """Read blobs of the content table by number; deleted ones are left out."""
    rows = await statements.fetch(
        "annotations.contents",
        keys=json_text(numbers),
        bucket=scope.dataset_bucket,
        dataset=scope.dataset,
    )
    return dict(rows)


async def drop_contents(
    tx: Transaction, scope: DatasetContent, contents: Iterable[int | None]
) -> None:
    """Delete blobs that the version's annotations no longer use; blobs that forks may share are counted as garbage."""
    numbers = [content for content in contents if content is not None]
    if numbers:
        await tx.execute(
            "annotations.drop_contents",
            keys=json_text(numbers),
            bucket=scope.dataset_bucket,
            dataset=scope.dataset,
        )
        # At the end, so that the changes of a dataset's versions wait for each other only then.
        tx.execute_at_commit("annotations.note_garbage", count=len(numbers), dataset=scope.dataset)
