"""All that a lake holds is its owner's alone, whatever the umask is (S21)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

import headrace
from headrace.platform.platform import Platform
from headrace.storage.objects.local.store import LocalObjectStore
from tests.support.data.images import draw_images


@pytest.fixture(params=[0o000, 0o022, 0o027], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> dict[str, str]:
    """The folders and files below ``folder``, and itself, that somebody else could read or change."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077:
            found[str(path.relative_to(folder))] = oct(mode)
    return found


@pytest.mark.usefixtures("umask")
async def test_a_lake_that_was_worked_in(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    await Platform.create(lake)
    draw_images(tmp_path / "images", 6)
    async with headrace.connect(lake) as client:
        await client.push("d/v", tmp_path / "images")
        version = await client.version("d/v")
        label = await version.create_label("car")
        assets = await version.list_assets()
        annotation = await assets[0].create_annotation()
        await annotation.create_rectangle(1, 1, 2, 2, label)
        await version.delete_assets(assets[1:3])
        await version.export_annotation_file("COCO", tmp_path / "export")
        # While it is open, its journal and temporary files are there too.
        assert open_to_others(lake) == {}
    assert len([path for path in (lake / "objects").rglob("*.jpg") if path.is_file()]) == 6
    assert (lake / "removals").is_dir()


@pytest.mark.usefixtures("umask")
async def test_an_upload_in_parts(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    store = await LocalObjectStore.open(root)
    name = "data/1/deep/file.bin"

    async def content() -> object:
        yield b"x" * 1000

    upload = await store.begin_parts(name)
    etag = await store.put_part(name, upload, 1, content())  # type: ignore[arg-type]
    assert open_to_others(root) == {}
    await store.complete_parts(name, upload, [(1, etag)])
    assert open_to_others(root) == {}
