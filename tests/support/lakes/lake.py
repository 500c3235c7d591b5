"""A lake in a temporary folder and short ways to fill it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from PIL import Image

from headrace.model.enums import DataType, ObjectDataType
from headrace.model.records import DatalakeRecord, DataRecord, TagRecord
from headrace.platform.core.access import Access, local_access
from headrace.platform.platform import Platform
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations import datalake, storage, tags
from tests.support.lakes.templates import copy_empty


@dataclass
class Lake:
    """An open platform and the access of its own process."""

    platform: Platform
    access: Access
    record: DatalakeRecord

    @property
    def id(self) -> UUID:
        return self.record.id

    @property
    def connector(self) -> UUID:
        assert self.record.connector_id is not None
        return self.record.connector_id

    @property
    def organization(self) -> UUID:
        return self.access.organization_id

    async def call(self, operation: Operation[P, R], request: P) -> R:
        return await self.platform.call(self.access, operation, request)

    async def object_name(self, filename: str = "a.png", **more: Any) -> str:
        request = storage.GenerateObjectName(
            organization_id=self.organization,
            connector_id=self.connector,
            filename=filename,
            type=ObjectDataType.DATA,
            **more,
        )
        return (await self.call(storage.GENERATE_OBJECT_NAME, request)).object_name

    async def store(self, content: bytes, filename: str = "a.png") -> str:
        name = await self.object_name(filename)
        await self.platform.context.objects.put(name, chunks(content))
        return name

    def registration(self, object_name: str, **more: Any) -> datalake.RegisterData:
        values: dict[str, Any] = {
            "datalake_id": self.id,
            "type": DataType.IMAGE,
            "filename": "a.png",
            "object_name": object_name,
            "content_type": "image/png",
        }
        return datalake.RegisterData(**(values | more))

    async def add(self, filename: str = "a.png", **more: Any) -> DataRecord:
        name = await self.store(png(), filename)
        return await self.call(
            datalake.REGISTER_DATA, self.registration(name, filename=filename, **more)
        )

    async def data_tag(self, name: str) -> TagRecord:
        return await self.call(
            tags.CREATE_DATA_TAG, tags.DataTagName(datalake_id=self.id, name=name)
        )


@asynccontextmanager
async def opened_lake(path: Path) -> AsyncIterator[Lake]:
    """Open the lake at ``path``, made if it is not there."""
    if not path.exists():
        copy_empty(path)
    async with await Platform.open(path) as platform:
        access = await local_access(platform.context)
        record = await platform.call(
            access,
            datalake.FIND_DATALAKE,
            datalake.FindDatalake(organization_id=access.organization_id),
        )
        yield Lake(platform, access, record)


async def add_organization(lake: Lake, no: int = 2, name: str = "other") -> Lake:
    """A second organization with an account, a connector and a lake of its own; the same lake as it sees it."""
    database, now = lake.platform.context.database, lake.platform.context.clock()
    await database.execute("accounts.add_organization", no=no, name=name, created=now)
    await database.execute("accounts.add_account", no=no, username=name, created=now)
    await database.execute("accounts.set_membership", organization=no, account=no, role="owner")
    await database.execute(
        "accounts.add_connector", no=no, organization=no, name="lake", kind="lake", created=now
    )
    await database.execute(
        "datalake.add_lake",
        no=no,
        bucket=0,
        organization=no,
        connector=no,
        name="default",
        created=now,
        is_default=1,
    )
    access = await access_of(lake.platform, no, name)
    record = await lake.platform.call(
        access,
        datalake.FIND_DATALAKE,
        datalake.FindDatalake(organization_id=access.organization_id),
    )
    return Lake(lake.platform, access, record)


async def access_of(platform: Platform, account: int, username: str) -> Access:
    from headrace.platform.core.access import LakeUrls, choose, memberships

    membership = choose(await memberships(platform.context, account))
    return Access(
        account=account,
        username=username,
        organization=membership.organization,
        organization_id=membership.id,
        urls=LakeUrls(),
    )


def png(width: int = 8, height: int = 6) -> bytes:
    return picture("PNG", width, height)


def picture(format: str, width: int, height: int, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, format, **options)
    return file.getvalue()


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content
