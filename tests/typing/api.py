"""What type checkers know of the public API. mypy checks this file; nothing runs it.

A line with ``type: ignore[...]`` shows a mistake that mypy must find: ``warn_unused_ignores`` fails where it does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import headrace
from headrace import blocking, formats


async def handles(client: headrace.Client, version: headrace.DatasetVersion) -> None:
    """Handles, listings and reports have exact types."""
    assert_type(await client.version("bccd/v1"), headrace.DatasetVersion)
    assert_type(await client.get_datalake(), headrace.Datalake)
    assert_type(await version.list_assets(), headrace.MultiAsset)
    assert_type(await version.list_assets().count(), int)
    async for asset in version.list_assets(q='data.filename = "a.png"'):
        assert_type(asset, headrace.Asset)
    assert_type((await version.list_assets())[0], headrace.Asset)
    assert_type(await version.export("out.json", "coco"), headrace.ExportReport)
    assert_type(await version.download(Path("images")), headrace.TransferReport)
    assert_type(await version.load_annotations(), dict[str, list[dict[str, Any]]])
    assert_type(await headrace.convert("a.json", "b", to="yolo"), headrace.ConversionReport)


async def uploads(lake: headrace.Datalake) -> None:
    """One file gives one data, several give a list."""
    assert_type(await lake.upload_data("a.png"), headrace.Data)
    assert_type(await lake.upload_data(["a.png", "b.png"]), headrace.MultiData)


async def keywords(version: headrace.DatasetVersion) -> None:
    """Options of formats are known by name and type."""
    await version.export("out", "yolo", task="detect", strict=True)
    await version.export("out", "yolo", tsak="detect")  # type: ignore[call-arg]
    await version.export("out", "yolo", strict="yes")  # type: ignore[arg-type]
    await headrace.convert("a.json", "b", to="yolo", workers="two")  # type: ignore[arg-type]


def files() -> None:
    """Readers and writers work without a client."""
    with formats.read("instances.json") as source:
        assert_type(source, formats.Samples)
        for sample in source:
            assert_type(sample, headrace.Sample)
    formats.read("instances.json", geometri="raw")  # type: ignore[call-arg]


def without_async() -> None:
    """The blocking API has the same types, without awaiting."""
    with blocking.connect("lake") as client:
        version = client.version("bccd/v1")
        assert_type(version, blocking.DatasetVersion)
        assert_type(version.list_assets(), blocking.MultiAsset)
        assert_type(version.list_assets()[0], blocking.Asset)
        assert_type(version.export("out.json", "coco"), headrace.ExportReport)
