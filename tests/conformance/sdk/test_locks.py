"""A locked version: writes are refused with a hint, reads, exports and forks are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.errors import LockedError
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images


@pytest.mark.lakes_only("only headrace says whether a version is locked")
async def test_a_lock_holds_for_every_handle_until_it_is_taken_off(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    other = await client.version("drawings/first")
    assert version.is_locked is False
    await version.lock()
    assert version.is_locked is True
    await other.sync()
    assert other.is_locked is True
    for change in (other.create_label("new"), other.delete(), other.set_type("SEGMENTATION")):
        with pytest.raises(LockedError, match="drawings/first is locked") as caught:
            await change
        assert "version.unlock()" in (caught.value.hint or "")
    await other.unlock()
    assert other.is_locked is False
    await version.create_label("new")
    await version.sync()
    assert version.is_locked is False


@pytest.mark.lakes_only("only headrace says whether a version is locked")
async def test_push_import_and_undo_are_refused_and_reads_are_not(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    assets = await version.list_assets()
    await version.delete_assets(assets[:1])
    (removal,) = await client.list_removals("drawings/first")
    await version.export(tmp_path / "coco", format="coco", allow_empty=True)
    await version.lock()
    draw_images(tmp_path / "more", 13)
    data = len(await (await client.get_datalake()).list_data())
    with pytest.raises(LockedError):
        await client.push("drawings/first", tmp_path / "more")
    assert len(await (await client.get_datalake()).list_data()) == data
    with pytest.raises(LockedError):
        await version.import_annotations(tmp_path / "coco")
    with pytest.raises(LockedError):
        await removal.undo()
    assert len(await version.list_assets()) == len(assets) - 1
    await version.export(tmp_path / "again", format="coco", allow_empty=True)
    copy, _ = await version.fork("copy")
    assert copy.is_locked is False
    await copy.create_label("free")
    await version.unlock()
    assert (await removal.undo()).assets == 1
