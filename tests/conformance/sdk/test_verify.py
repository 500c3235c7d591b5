"""A folder is compared with a version, on every door, and nothing in it changes."""

from __future__ import annotations

from pathlib import Path

from anyio import to_thread

import headrace
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.lakes.doors import Door


async def test_a_folder_is_compared_with_its_version(
    version: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    await version.download(folder)
    whole = await version.verify(folder)
    assert (whole.same, whole.equal) == (12, True)
    # Another platform knows no digests: there the files are there, and no more is known.
    assert whole.unknown == (12 if door.plain is not None else 0)

    (folder / "image_0000.jpg").unlink()
    (folder / "image_0001.jpg").write_bytes(b"changed")
    (folder / "more.jpg").write_bytes(b"more")
    lines: dict[str, str] = {}
    told = await version.verify(folder, on_line=lambda symbol, name: lines.update({name: symbol}))
    assert (told.missing, told.extra, told.equal) == (1, 1, False)
    assert (lines["image_0000.jpg"], lines["more.jpg"]) == ("+", "-")
    if door.plain is None:
        assert (told.different, lines["image_0001.jpg"]) == (1, "*")
    assert not (folder / "image_0000.jpg").exists()
    assert (await version.verify(folder, names=["image_0002.jpg"])).equal


async def test_the_blocking_twin_compares_too(
    version: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    await version.download(tmp_path / "copy")

    def compare() -> int:
        with headrace.blocking.connect(door.target, api_token=door.token) as client:
            return client.version("drawings/first").verify(tmp_path / "copy").same

    assert await to_thread.run_sync(compare) == 12
