"""Values that are nested deeper than 64 levels are refused on every door, before anything is written (S06)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import BadRequestError, HeadraceError
from tests.support.data.images import draw_images
from tests.support.lakes.doors import open_door


def nested(depth: int) -> dict[str, Any]:
    """Objects and lists in turn, ``depth`` of them in all."""
    value: Any = {} if depth % 2 else []
    for level in range(depth - 1, 0, -1):
        value = {"a": value} if level % 2 else [value]
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("kind", ["lake", "http"])
async def test_metadata(kind: str, tmp_path: Path) -> None:
    (path, other) = draw_images(tmp_path / "images", 2)
    async with open_door(kind, tmp_path) as door, door.connect() as client:
        lake = await client.get_datalake()
        data = await lake.upload_data(path, metadata=None, custom_metadata=nested(64))
        for depth in (65, 500):
            with pytest.raises(HeadraceError, match="deeper than 64 levels"):
                await lake.upload_data(other, custom_metadata=nested(depth))
        await data.sync()
        assert data.custom_metadata == nested(64)
        assert len(await lake.list_data()) == 1


@pytest.mark.parametrize("kind", ["lake", "http"])
async def test_attributes_of_an_annotation(kind: str, tmp_path: Path) -> None:
    async with open_door(kind, tmp_path, with_version=True) as door, door.connect() as client:
        version = await client.version("drawings/first")
        annotation = await (await version.list_assets())[0].create_annotation()
        await annotation.update(attributes=nested(64))
        with pytest.raises(BadRequestError, match="deeper than 64 levels"):
            await annotation.update(attributes=nested(65))


@pytest.mark.parametrize("kind", ["lake", "http"])
async def test_a_file(kind: str, tmp_path: Path) -> None:
    """COCO keeps keys that it does not know, but none of such a depth; the file is refused as a whole."""
    async with open_door(kind, tmp_path, with_version=True) as door, door.connect() as client:
        version = await client.version("drawings/first")
        names = [asset.filename for asset in await version.list_assets()]
        for depth, kept in ((60, True), (500, False)):
            source = tmp_path / f"{depth}.json"
            source.write_text(
                json.dumps(
                    {
                        "images": [{"id": 1, "file_name": names[0], "width": 64, "height": 48}],
                        "categories": [{"id": 1, "name": "car"}],
                        "annotations": [
                            {
                                "id": 1,
                                "image_id": 1,
                                "category_id": 1,
                                "bbox": [1, 1, 2, 2],
                                "attributes": nested(depth),
                            }
                        ],
                    }
                )
            )
            if kept:
                await version.import_annotations(source)
                continue
            with pytest.raises(Exception, match="nested deeper than 64 levels"):
                await version.import_annotations(source)
