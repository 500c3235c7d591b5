"""Every operation of the table, through both doors: a lake in this process and a server answer alike.

The server's platform is that of the test's storage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.backend.connect import open_backend
from headrace.platform.dispatch import HANDLERS
from headrace.platform.platform import Platform
from headrace.protocol.operations import OPERATIONS
from tests.conformance.wire.scenario import Walk, register, walk
from tests.support import storage
from tests.support.lakes.servers import new_lake, running

PACKED = "load_packed"
"""Its answers hold keys of labels. A label that was refused leaves no gap in the keys of a lake, but one in PostgreSQL."""


async def local_walk(folder: Path) -> Walk:
    folder.mkdir()
    lake, _ = await new_lake(folder / "lake")
    async with await Platform.open(lake) as platform:
        await register(platform, folder)
    backend, _, organization = await open_backend(lake)
    try:
        return await walk(backend, organization, folder)
    finally:
        await backend.aclose()


async def remote_walk(folder: Path) -> Walk:
    folder.mkdir()
    async with running(folder / "lake") as server:
        await register(server.platform, folder)
        backend, _, organization = await open_backend(server.address, api_token=server.token)
        try:
            return await walk(backend, organization, folder)
        finally:
            await backend.aclose()


def without(key: str | None, value: Any) -> Any:
    """An answer without a field: a file that was sent to S3 without a digest has none."""
    if isinstance(value, dict):
        return {name: without(key, each) for name, each in value.items() if name != key}
    if isinstance(value, list | tuple):
        return [without(key, each) for each in value]
    return value


async def test_a_lake_and_a_server_answer_alike(tmp_path: Path) -> None:
    with storage.on_lake():
        local = await local_walk(tmp_path / "local")
    remote = await remote_walk(tmp_path / "remote")
    assert [name for name, _ in local.notes] == [name for name, _ in remote.notes]
    unknown = "sha256" if storage.files_on_s3() else None
    for mine, theirs in zip(
        without(unknown, local.notes), without(unknown, remote.notes), strict=True
    ):
        if mine[0] != PACKED or storage.kind() == "lake":
            assert mine == theirs
    assert local.called == remote.called == set(OPERATIONS)


def test_every_operation_has_a_handler() -> None:
    assert set(HANDLERS) == set(OPERATIONS)


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_every_operation_says_what_it_does(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.doc.endswith(".")
    assert operation.errors or name == "ping"
