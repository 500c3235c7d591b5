"""A lake with data in it, and short ways to call its platform."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from headrace.model.ids import IdScope, Kind, encode
from headrace.model.records import DatasetRecord, DatasetVersionRecord
from headrace.platform.core.access import Access, LakeUrls, local_access
from headrace.platform.platform import Platform
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations import annotations, assets, datasets, labels
from headrace.protocol.operations.annotations import ImportItem, LoadedAnnotation
from headrace.threads import in_thread
from tests.support.lakes.marks import check_marks
from tests.support.lakes.raw_rows import RawRows
from tests.support.lakes.templates import copy_empty
from tests.support.storage import is_made, raw_rows, rows_of_lake, second_platform

WIDTH, HEIGHT = 640, 480
DATA = (
    *("lake_bucket", "no", "lake", "object_name", "filename", "kind", "content_type", "status"),
    *("width", "height", "size", "sha256", "source", "created", "metadata", "custom_metadata"),
)
"""The columns of data."""


class Stocked:
    """An open platform with one caller, and the ids of its data. With a ``second`` one, calls take turns."""

    def __init__(self, platform: Platform, access: Access, second: Platform | None = None) -> None:
        self.platform = platform
        self.access = access
        self.platforms = [platform] if second is None else [platform, second]
        self._turns = itertools.cycle(self.platforms)

    async def call(self, operation: Operation[P, R], **fields: Any) -> R:
        """Answer an operation for the caller."""
        return await next(self._turns).call(self.access, operation, operation.request(**fields))

    def rounding(self) -> Stocked:
        """The same caller with a client that needs whole pixels."""
        return Stocked(self.platform, msgspec.structs.replace(self.access, precise=False))

    async def add_data(
        self, count: int, *, status: str = "DONE", width: int | None = WIDTH, name: str = "img"
    ) -> list[UUID]:
        """Rows of data without files, as a registration would leave them."""
        # On a thread: a task of the platform that writes meanwhile needs the event loop to end its transaction.
        return await in_thread(self._add_data, count, status, width, name)

    def _add_data(self, count: int, status: str, width: int | None, name: str) -> list[UUID]:
        with self.raw() as connection:
            # The first statement writes: a transaction that reads first cannot wait for others.
            (last,) = connection.execute(
                "insert into sequence (name, last) values ('data', :count)"
                " on conflict (name) do update set last = sequence.last + :count returning last",
                {"count": count},
            ).fetchone()
            lake, bucket, created = connection.execute(
                "select no, bucket, created from lake where organization = ?",
                (self.access.organization,),
            ).fetchone()
            first = last - count + 1
            size = (width, None if width is None else HEIGHT)
            connection.executemany(
                f"insert into data ({', '.join(DATA)}) values ({', '.join('?' * len(DATA))})",
                [
                    (
                        bucket,
                        no,
                        lake,
                        f"0/{lake}/{no:08d}.png",
                        f"{name}_{no:05d}.png",
                        "IMAGE",
                        "image/png",
                        status,
                        *size,
                        100,
                        None,
                        None,
                        created,
                        None,
                        None,
                    )
                    for no in range(first, last + 1)
                ],
            )
        ids = IdScope(Kind.DATA, created, bucket, 0)
        return [ids.id(no) for no in range(first, last + 1)]

    def raw(self) -> RawRows:
        """A connection of its own to the catalog, for what no call of the API does."""
        return raw_rows(self.platform.context)

    async def dataset(self, name: str = "birds") -> DatasetRecord:
        """A new dataset."""
        return await self.call(
            datasets.CREATE_DATASET, organization_id=self.access.organization_id, name=name
        )

    async def version(
        self, name: str = "v1", *, dataset: UUID | None = None
    ) -> DatasetVersionRecord:
        """A new version, of a new dataset unless one is given."""
        dataset = dataset or (await self.dataset()).id
        return await self.call(datasets.CREATE_VERSION, dataset_id=dataset, version=name)

    async def filled(self, count: int, name: str = "v1") -> Filled:
        """A new version with ``count`` assets and the labels a, b and c."""
        version = await self.version(name, dataset=(await self.dataset(f"set of {name}")).id)
        return await self.fill(version.id, count)

    async def fill(self, version: UUID, count: int) -> Filled:
        """``count`` new assets and the labels a, b and c in a version."""
        data = await self.add_data(count)
        await self.call(assets.ADD_DATA, version_id=version, data_ids=data)
        page = await self.call(assets.LIST_ASSETS_BY_KEY, version_id=version, data_ids=data)
        found = await self.call(labels.ENSURE_LABELS, version_id=version, names=["a", "b", "c"])
        return Filled(
            self,
            version,
            data,
            [str(asset.id) for asset in reversed(page.items)],
            {label.name: str(label.id) for label in found},
        )


class Filled(msgspec.Struct):
    """A version with assets (oldest first) and labels (ids by name)."""

    lake: Stocked
    id: UUID
    data: list[UUID]
    assets: list[str]
    labels: dict[str, str]

    def item(self, asset: int, *boxes: float, label: str = "a", **more: Any) -> ImportItem:
        """An item with boxes of one label, each ``(x, 1, 2, 3)``."""
        return ImportItem(
            asset_id=self.assets[asset],
            rectangles=[
                annotations.RectangleIn(label_id=self.labels[label], x=x, y=1, w=2, h=3)
                for x in boxes
            ],
            **more,
        )

    async def send(self, *items: ImportItem, mode: str = "REPLACE", **more: Any) -> dict[str, int]:
        """Import items."""
        return await self.lake.call(
            annotations.IMPORT_ANNOTATIONS,
            version_id=self.id,
            import_type=annotations.ImportAnnotationMode.parse(mode),
            annotations=list(items),
            **more,
        )

    async def ids(self, **more: Any) -> list[UUID]:
        """Ids of annotations, newest first."""
        return await self.lake.call(annotations.ANNOTATION_IDS, version_id=self.id, **more)

    async def load(self, ids: Sequence[UUID] | None = None) -> list[LoadedAnnotation]:
        """Annotations with shapes, newest first."""
        wanted = await self.ids() if ids is None else list(ids)
        return await self.lake.call(annotations.LOAD_ANNOTATIONS, version_id=self.id, ids=wanted)

    async def stats(self) -> Any:
        """What the counters say."""
        return await self.lake.call(datasets.GET_STATS, version_id=self.id)


@asynccontextmanager
async def stocked(path: Path) -> AsyncIterator[Stocked]:
    """A lake at ``path``, made where there is none, opened for its own account; at the end its marks must be right."""
    if not is_made(path):
        copy_empty(path)
    async with await Platform.open(path) as platform, second_platform(path) as second:
        yield Stocked(platform, await local_access(platform.context), second)
    with rows_of_lake(path) as connection:
        check_marks(connection)


async def stranger(lake: Stocked) -> Stocked:
    """A caller of another organization of the same lake, which has a datalake of its own."""
    now = lake.platform.context.clock()
    async with lake.platform.context.database.transaction() as tx:
        await tx.execute("accounts.add_organization", no=2, name="strangers", created=now)
        await tx.execute("accounts.add_account", no=2, username="stranger", created=now)
        await tx.execute("accounts.set_membership", organization=2, account=2, role="owner")
        await tx.execute(
            "accounts.add_connector", no=2, organization=2, name="lake", kind="lake", created=now
        )
        await tx.execute(
            "datalake.add_lake",
            no=2,
            bucket=0,
            organization=2,
            connector=2,
            name="default",
            created=now,
            is_default=1,
        )
    access = Access(
        account=2,
        username="stranger",
        organization=2,
        organization_id=encode(Kind.ORGANIZATION, now, 0, 2),
        urls=LakeUrls(),
    )
    return Stocked(lake.platform, access)


async def colleague(lake: Stocked) -> Stocked:
    """Another account of the same organization."""
    now = lake.platform.context.clock()
    async with lake.platform.context.database.transaction() as tx:
        await tx.execute("accounts.add_account", no=3, username="colleague", created=now)
        await tx.execute(
            "accounts.set_membership",
            organization=lake.access.organization,
            account=3,
            role="owner",
        )
    access = msgspec.structs.replace(lake.access, account=3, username="colleague")
    return Stocked(lake.platform, access)
