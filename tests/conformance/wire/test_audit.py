"""The audit log: one row for each call that wrote, with who, what and from where, and nothing secret."""

from __future__ import annotations

import getpass
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import headrace
from headrace.backend.connect import open_backend
from headrace.backend.local import LocalBackend
from headrace.client_name import client_name, name_command
from headrace.errors import APIError, NotFoundError
from headrace.platform.accounts.members import create_organization, remove_user, set_member
from headrace.platform.accounts.signing_keys import rotate_signing_key
from headrace.platform.accounts.tokens import create_token, list_tokens, revoke_token
from headrace.platform.context import Context
from headrace.platform.core.audit import PAGE, AuditEntry, entries, record_command, trim
from headrace.platform.core.origin import MAX_CLIENT
from headrace.platform.platform import Platform
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations import OPERATIONS, datasets
from headrace.protocol.operations.session import GET_ORGANIZATION
from headrace.settings import AuditPolicy
from tests.conformance.wire.scenario import register, walk
from tests.support.lakes.doors import open_door
from tests.support.lakes.lake import Lake, opened_lake
from tests.support.lakes.servers import running
from tests.support.lakes.stocked_lake import stocked

OF_STORAGE = {
    "complete_part_upload",
    "generate_object_name",
    "generate_part_presigned_url",
    "generate_presigned_url",
    "init_multipart_upload",
    "prepare_uploads",
}
"""They prepare the storage of a file, whose registration is the change of the lake."""

NO_CHANGE = (
    OF_STORAGE
    | {"add_dataset_user", "create_processing", "delete_processing"}
    | {"update_processing"}
)
"""Operations that are no reads, and change nothing in the catalog."""


UNCHANGED = Counter({"fork_version": 1, "import_annotations": 1, "undo_removal": 1})
"""Calls of the walk that find their work done already, or are dry runs, and write nothing."""


async def read(context: Context, **choice: Any) -> list[AuditEntry]:
    return [entry async for entry in entries(context, **choice)]


class Counting(LocalBackend):
    """Counts the calls that were answered."""

    answered: Counter[str]

    async def call(self, operation: Operation[P, R], request: P, /) -> R:
        """Answer one operation."""
        answer = await super().call(operation, request)
        self.answered[operation.name] += 1
        return answer


async def test_every_call_that_wrote_has_one_row(tmp_path: Path) -> None:
    async with stocked(tmp_path / "lake") as lake:
        await register(lake.platform, tmp_path)
        organization = await lake.call(
            GET_ORGANIZATION, organization_id=lake.access.organization_id
        )
        backend = Counting(lake.platform, lake.access)
        backend.answered = Counter()
        await walk(backend, organization, tmp_path)
        writes = {name for name, each in OPERATIONS.items() if not each.safe} - NO_CHANGE
        expected = Counter({name: backend.answered[name] for name in writes}) - UNCHANGED
        found = await read(lake.platform.context)
        rows = Counter(entry.operation for entry in found if entry.operation in OPERATIONS)
        assert rows == expected
        assert set(expected) == writes
        assert {entry.user for entry in found if entry.operation in OPERATIONS} == {"local"}
        assert [entry.no for entry in found] == sorted(entry.no for entry in found)
        assert all(first.time <= then.time for first, then in itertools.pairwise(found))


@pytest.mark.parametrize("kind", ["lake", "http"])
async def test_a_row_says_who_what_and_from_where(tmp_path: Path, kind: str) -> None:
    name_command("version create")
    try:
        async with open_door(kind, tmp_path) as door, await door.connect_as("ann") as ann:
            dataset = await ann.create_dataset("birds")
            version = await dataset.create_version("v1")
            with pytest.raises(APIError):
                await ann.create_dataset("birds")
            assert door.lake is not None
            async with await Platform.open(door.lake) as platform:
                rows = await read(platform.context, user="ann")
    finally:
        name_command("")
    assert [(row.operation, row.subject) for row in rows] == [
        ("create_dataset", {"name": "birds"}),
        ("create_version", {"dataset_id": str(dataset.id), "version": "v1"}),
    ]
    assert version.name == "birds"
    for row in rows:
        assert (row.user, row.organization) == ("ann", "local")
        assert row.client == f"headrace/{headrace.__version__} (version create)"
        here = ("", getpass.getuser()) if kind == "lake" else ("127.0.0.1", "")
        assert (row.address, row.system_user) == here


async def test_the_same_call_again_is_one_change(tmp_path: Path) -> None:
    """A repeat with the same key gets the first answer, and a refused call leaves no row."""
    async with opened_lake(tmp_path / "lake") as lake:
        request = datasets.CreateDataset(organization_id=lake.organization, name="birds")
        first = await lake.platform.call(lake.access, datasets.CREATE_DATASET, request, key="key-1")
        again = await lake.platform.call(lake.access, datasets.CREATE_DATASET, request, key="key-1")
        assert first == again
        with pytest.raises(NotFoundError):
            missing = datasets.DeleteDataset(dataset_id=lake.id)
            await lake.call(datasets.DELETE_DATASET, missing)
        assert [row.operation for row in await read(lake.platform.context)] == ["create_dataset"]


async def test_commands_on_the_lake_are_recorded_without_secrets(tmp_path: Path) -> None:
    async with opened_lake(tmp_path / "lake") as lake:
        context = lake.platform.context
        token, info = await create_token(context, name="ci", username="ann", read_only=True)
        await revoke_token(context, info.id)
        await rotate_signing_key(context)
        await create_organization(context, "vision")
        await set_member(context, "vision", "ann", "owner")
        await remove_user(context, "ann")
        rows = await read(context)
        assert [row.operation for row in rows] == [
            "token.create",
            "token.revoke",
            "token.rotate-key",
            "organization.create",
            "organization.add",
            "user.remove",
        ]
        assert rows[0].subject == {
            "id": str(info.id),
            "name": "ci",
            "username": "ann",
            "read_only": True,
        }
        for row in rows:
            assert (row.user, row.organization, row.address) == ("", None, "")
            assert (row.system_user, row.client) == (getpass.getuser(), client_name())
            assert token not in str(row)
        # A dry run leaves no row.
        await rotate_signing_key(context, dry_run=True)
        await create_organization(context, "other", dry_run=True)
        assert len(await read(context)) == len(rows)


async def test_contents_and_secrets_are_in_no_row(tmp_path: Path) -> None:
    async with running(tmp_path / "lake") as server:
        backend, _, organization = await open_backend(server.address, api_token=server.token)
        try:
            await backend.call(
                datasets.CREATE_DATASET,
                datasets.CreateDataset(
                    organization_id=organization.id, name="birds", description="canary-1"
                ),
                key="canary-2",
            )
        finally:
            await backend.aclose()
        (row,) = [each for each in await read(server.platform.context) if each.user]
        assert row.subject == {"name": "birds"}
        for canary in ("canary-1", "canary-2", server.token):
            assert canary not in str(row)


async def test_a_hostile_name_of_a_client_is_kept_as_ascii_and_short(tmp_path: Path) -> None:
    async with running(tmp_path / "lake") as server:
        (found,) = await list_tokens(server.platform.context)
        assert found.organization == "local"
        headers = {**server.headers, "User-Agent": "a\u00e9" * 1000}
        ids = {"organization_id": "x"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(server.address + "/api/home/ping") as answer,
        ):
            ids["organization_id"] = (await answer.json())["default_organization"]
        path = OPERATIONS["create_dataset"].path.format(**ids)
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(server.address + path, json={"name": "birds"}) as answer,
        ):
            assert answer.status == 200
        (row,) = await read(server.platform.context, operation="create_dataset")
        assert row.client.isascii()
        assert 0 < len(row.client) <= MAX_CLIENT


async def fill(lake: Lake, count: int) -> None:
    context = lake.platform.context
    async with context.database.transaction() as tx:
        for number in range(count):
            await record_command(context, tx, "test.command", {"number": number})


async def test_a_long_log_is_read_in_pages_and_filtered(tmp_path: Path) -> None:
    async with opened_lake(tmp_path / "lake") as lake:
        context = lake.platform.context
        now = [1_000]
        context.clock = lambda: now[0]  # type: ignore[assignment, return-value]
        await fill(lake, PAGE)
        now[0] = 2_000
        await fill(lake, PAGE + 7)
        await lake.call(
            datasets.CREATE_DATASET,
            datasets.CreateDataset(organization_id=lake.organization, name="birds"),
        )
        assert len(await read(context)) == 2 * PAGE + 8
        numbers = [
            row.subject["number"]
            for row in await read(context, since=2_000, user=getpass.getuser(), operation="test.*")
        ]
        assert numbers == [*range(PAGE + 7)]
        assert len(await read(context, until=2_000)) == PAGE
        assert [row.operation for row in await read(context, user="local")] == ["create_dataset"]
        assert await read(context, user="nobody") == []
        assert await read(context, operation="create") == []


async def test_rows_that_are_too_old_or_too_many_go(tmp_path: Path) -> None:
    async with opened_lake(tmp_path / "lake") as lake:
        context = lake.platform.context
        now = [context.clock()]
        context.clock = lambda: now[0]  # type: ignore[assignment, return-value]
        await fill(lake, 30)
        context.audit = AuditPolicy(days=1, rows=20)
        await trim(context)
        assert [row.subject["number"] for row in await read(context)] == [*range(10, 30)]
        now[0] += 86_400_000 + 1
        await fill(lake, 5)
        await trim(context)
        assert [row.subject["number"] for row in await read(context)] == [*range(5)]
        context.audit = AuditPolicy(rows=0)
        await trim(context)
        await trim(context)
        assert await read(context) == []


async def test_rows_cannot_be_changed(tmp_path: Path) -> None:
    async with stocked(tmp_path / "lake") as lake:
        await create_token(lake.platform.context)
        with lake.raw() as connection, pytest.raises(Exception, match="cannot be changed"):
            connection.execute("update audit set username = 'someone else'")
        assert len(await read(lake.platform.context)) == 1
