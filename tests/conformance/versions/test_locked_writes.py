"""Every write of the table below a locked version is refused, and leaves the lake as it is.

The walk through the table is made on an unlocked version; each of its writes is tried first while all versions are
locked. A new operation must be refused, or be listed here with the reason why a lock does not concern it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.backend.local import LocalBackend
from headrace.errors import APIError, LockedError
from headrace.platform.jobs.maintenance import purge
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations import OPERATIONS, datasets, tags
from headrace.protocol.operations.session import GET_ORGANIZATION
from headrace.threads import in_thread
from tests.conformance.wire.scenario import register, walk
from tests.support.lakes.owned import rows_of
from tests.support.lakes.stocked_lake import Filled, Stocked, stocked

OUTSIDE = {
    "the lock itself": {"lock_version", "unlock_version"},
    "makes another version or dataset": {
        "create_dataset",
        "create_version",
        "fork_version",
        "update_dataset",
    },
    "writes into the lake's data, which are not below a version": {
        "create_data_tag",
        "create_source",
        "register_data",
        "register_many_data",
        "update_custom_metadata",
        "update_data",
    },
    "of the organization": {
        "add_dataset_user",
        "create_processing",
        "create_tag",
        "delete_processing",
        "update_processing",
    },
    "of storage": {
        "complete_part_upload",
        "generate_object_name",
        "generate_part_presigned_url",
        "generate_presigned_url",
        "init_multipart_upload",
        "prepare_uploads",
    },
    "of a job; what the job writes is refused": {
        "cancel_job",
        "cancel_job_run",
        "finish_import",
        "launch_on_datalake",
        "launch_on_version",
    },
}
"""Operations that are no writes below a version, by the reason."""

SOMETIMES = {
    "attach_tag": "a tag of data or of the organization",
    "delete_dataset": "a dataset without versions",
    "delete_tag": "a tag of data or of the organization",
    "detach_tag": "a tag of data or of the organization",
    "update_tag": "a tag of data or of the organization",
}
"""Writes that the walk also makes outside a version."""

CONCERNED = {
    operation.name
    for operation in OPERATIONS.values()
    if not operation.safe and not any(operation.name in names for names in OUTSIDE.values())
}


class TriedUnderLock(LocalBackend):
    """Tries every write while all versions are locked, before it makes it; ``seen`` is what came of it."""

    lake: Stocked
    seen: Counter[tuple[str, str]]

    async def call(self, operation: Operation[P, R], request: P, /) -> R:
        """Answer one operation."""
        if operation.name not in CONCERNED:
            return await super().call(operation, request)
        # What was deleted before goes now, not in the background between the two looks at the rows.
        await purge(self.lake.platform.context)
        # On a thread: a transaction of the platform may be under way, which the event loop must end.
        locked = await in_thread(
            self._update, "update version set locked = 1 where locked = 0 returning no"
        )
        before = await in_thread(rows_of, self.lake)
        try:
            answer = await super().call(operation, request)
            outcome = "answered"
        except APIError as error:
            outcome = "locked" if isinstance(error, LockedError) else str(error.status)
        if await in_thread(rows_of, self.lake) != before:
            outcome = "written"
        for no in locked:
            await in_thread(
                self._update, "update version set locked = 0 where no = ? and locked = 1", no
            )
        self.seen[operation.name, outcome] += 1
        # What was written under the lock was not below a version, and cannot be written twice.
        return answer if outcome == "written" else await super().call(operation, request)

    def _update(self, statement: str, *values: int) -> list[int]:
        with self.lake.raw() as connection:
            return [no for (no,) in connection.execute(statement, values)]


async def test_no_write_below_a_locked_version_is_forgotten(tmp_path: Path) -> None:
    async with stocked(tmp_path / "lake") as lake:
        await register(lake.platform, tmp_path)
        organization = await lake.call(
            GET_ORGANIZATION, organization_id=lake.access.organization_id
        )
        backend = TriedUnderLock(lake.platform, lake.access)
        backend.lake, backend.seen = lake, Counter()
        await walk(backend, organization, tmp_path)
    assert {name for name, outcome in backend.seen if outcome == "written"} == set(SOMETIMES)
    refused = {name for name, outcome in backend.seen if outcome == "locked"}
    assert CONCERNED - refused == set(SOMETIMES)


async def test_what_the_walk_writes_elsewhere_is_refused_below_a_version(filled: Filled) -> None:
    lake = filled.lake
    version = await lake.call(datasets.GET_VERSION, version_id=filled.id)
    tag = await lake.call(tags.CREATE_ASSET_TAG, version_id=filled.id, name="mine")
    assert (await lake.call(datasets.LOCK_VERSION, version_id=filled.id)).is_locked
    targets = {"tag_id": tag.id, "ids": [UUID(filled.assets[0])]}
    writes: dict[str, dict[str, Any]] = {
        "attach_tag": targets,
        "delete_dataset": {"dataset_id": version.origin_id},
        "delete_tag": {"tag_id": tag.id},
        "detach_tag": targets,
        "update_tag": {"tag_id": tag.id, "name": "other"},
    }
    assert set(writes) == set(SOMETIMES)
    before = rows_of(lake)
    for name, fields in writes.items():
        with pytest.raises(LockedError, match=f"{version.origin_name}/v1 is locked") as caught:
            await lake.call(OPERATIONS[name], **fields)
        assert "unlock" in (caught.value.hint or "")
    assert rows_of(lake) == before


def test_what_is_outside_a_version_is_in_the_table() -> None:
    writes = {operation.name for operation in OPERATIONS.values() if not operation.safe}
    assert {name for names in OUTSIDE.values() for name in names} <= writes
