"""Workers of datasets, and versions compared with folders, over both doors."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.errors import NotFoundError
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion


@pytest.mark.lakes_only("the user is called otherwise there")
async def test_workers_are_the_users_of_the_organization(
    client: Client, version: DatasetVersion
) -> None:
    dataset = await client.get_dataset("drawings")
    (worker,) = await dataset.list_workers()
    assert (worker.username, worker.user_id) == ("local", worker.id)
    assert await dataset.find_worker("local") == worker
    with pytest.raises(NotFoundError, match="'nobody'"):
        await dataset.find_worker("nobody")


async def test_a_folder_is_compared_and_completed(version: DatasetVersion, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    with pytest.raises(NotADirectoryError):
        await version.synchronize(folder)
    folder.mkdir()
    assert len(await version.synchronize(folder)) == 12
    assert list(folder.iterdir()) == []
    await version.download(folder)
    assert len(await version.synchronize(folder, do_download=True)) == 0
    whole = (folder / "image_0004.jpg").read_bytes()
    (folder / "image_0003.jpg").unlink()
    cut = whole[:-5]  # the same name is not enough
    (folder / "image_0004.jpg").write_bytes(cut)
    (folder / "mine.txt").write_text("not of the version")
    found = await version.synchronize(folder)
    assert sorted(asset.filename for asset in found) == ["image_0003.jpg", "image_0004.jpg"]
    assert not (folder / "image_0003.jpg").exists()
    fetched = await version.synchronize(folder, do_download=True)
    assert sorted(asset.filename for asset in fetched) == ["image_0003.jpg", "image_0004.jpg"]
    assert (folder / "image_0003.jpg").exists()
    assert (folder / "mine.txt").exists()
    # What a person changed stays theirs.
    assert (folder / "image_0004.jpg").read_bytes() == cut
    assert [asset.filename for asset in await version.synchronize(folder)] == ["image_0004.jpg"]
    await version.download(folder, force_replace=True)
    assert len(await version.synchronize(folder)) == 0
    assert not (folder / ".headrace").exists()
