"""An import in packed shapes and one in JSON are the same: earlier servers, and other clients, know only the JSON."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from headrace.engine.imports import spool as spooling
from headrace.errors import BadRequestError, DiskFullError, NotFoundError
from headrace.formats.geometry import rle
from headrace.model.blob.pack import pack
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes
from headrace.model.enums import ImportAnnotationMode
from headrace.protocol.operations.annotations import (
    IMPORT_ANNOTATIONS,
    IMPORT_PACKED,
    MATCH_ASSETS,
    START_IMPORT,
    ImportPacked,
    PackedItem,
)
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images, write_coco

RING = [1, 2, 20.5, 2, 20.5, 30]
OTHER = [30, 2, 40, 2, 40.125, 12]
NAMES = [f"image_{number:04}.jpg" for number in range(3)]


def crowd(image: int) -> dict[str, Any]:
    width = 64 + image
    return {"size": [48, width], "counts": rle.encode([100, 12, 48 * width - 112])}


def rich(path: Path) -> Path:
    """A file with every kind of shape that COCO has, on the first two of three images."""
    shapes: list[dict[str, Any]] = [
        {"bbox": [1, 2, 3.5, 4], "score": 0.25},
        {"bbox": [1, 2, 19.5, 28], "segmentation": [RING]},
        {"bbox": [1, 2, 39, 28], "segmentation": [RING, OTHER], "attributes": {"wet": True}},
        {"bbox": [1, 2, 19, 28], "segmentation": [RING]},
        {"bbox": [2, 4, 1, 12], "segmentation": "crowd", "iscrowd": 1},
        {"bbox": [1, 2, 3, 4], "keypoints": [10, 11, 2, 12.5, 13, 1], "segmentation": [RING]},
        {"bbox": [1, 2, 3, 4], "keypoints": [1, 1, 2, 2, 2, 2], "segmentation": "crowd"},
    ]
    annotations = [
        {"id": n, "image_id": n % 2, "category_id": 1 + n % 2, "iscrowd": 0, "area": 14, **shape}
        for n, shape in enumerate([each for each in shapes for _ in range(2)])
    ]
    for each in annotations:
        if each.get("segmentation") == "crowd":
            each["segmentation"] = crowd(each["image_id"])
    categories = [
        {"id": 1, "name": "person", "keypoints": ["a", "b"], "skeleton": [[1, 2]]},
        {"id": 2, "name": "dog", "keypoints": ["a", "b"], "skeleton": []},
    ]
    images = [
        {"id": n, "file_name": name, "width": 64 + n, "height": 48} for n, name in enumerate(NAMES)
    ]
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content))
    return path


async def pushed(client: Client, name: str, folder: Path) -> DatasetVersion:
    if not folder.exists():
        draw_images(folder, len(NAMES))
    await client.push(name, folder)
    version = await client.version(name)
    await version.set_type("MULTI")
    return version


async def content(version: DatasetVersion, path: Path) -> Any:
    await version.export(path)
    return json.loads(path.read_text()), await version.retrieve_stats()


def refuse(client: Client, patch: pytest.MonkeyPatch) -> list[Any]:
    """Make the server one of before; returns the operations that are called."""
    backend = client.session.backend
    original = backend.call
    called: list[Any] = []

    async def call(operation: Any, request: Any, /) -> Any:
        called.append(operation)
        if operation in (IMPORT_PACKED, MATCH_ASSETS):
            raise NotFoundError(f"no such address: POST {operation.path}")
        answer = await original(operation, request)
        return replace(answer, packed=False) if operation is START_IMPORT else answer

    patch.setattr(backend, "call", call)
    return called


@pytest.mark.lakes_only("only headrace takes packed shapes")
@pytest.mark.parametrize("mode", list(ImportAnnotationMode))
async def test_a_server_of_before_is_sent_json(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: ImportAnnotationMode
) -> None:
    file = rich(tmp_path / "in.json")
    packed = await pushed(client, "d/packed", tmp_path / "images")
    plain = await pushed(client, "d/plain", tmp_path / "images")
    reports = [await packed.import_annotations(file, mode=mode) for _ in range(2)]
    with monkeypatch.context() as patch:
        called = refuse(client, patch)
        for before in reports:
            report = await plain.import_annotations(file, mode=mode)
            same = (
                "labels",
                "images_imported",
                "images_kept",
                "shapes_imported",
                "shapes_replaced",
            )
            for field in same:
                assert getattr(report, field) == getattr(before, field)
    assert called.count(IMPORT_ANNOTATIONS) == 2
    assert IMPORT_PACKED not in called
    assert await content(plain, tmp_path / "a.json") == await content(packed, tmp_path / "b.json")
    assert await plain.digest() == await packed.digest()


@pytest.mark.lakes_only("only headrace takes packed shapes")
async def test_what_cannot_be_stored_is_refused_and_nothing_is_written(
    client: Client, tmp_path: Path
) -> None:
    version = await pushed(client, "d/v", tmp_path / "images")
    await version.import_annotations(rich(tmp_path / "in.json"))
    before = await content(version, tmp_path / "a.json")
    (label, *_) = await version.list_labels()
    first, second, _ = await version.list_assets()
    box = pack(Shapes([ShapeGroup(ShapeKind.RECTANGLE, [0], [1, 2, 3, 4])]))
    mask = pack(Shapes([ShapeGroup(ShapeKind.MASK, [0], [rle.encode([10, 2])])]))
    outline = Shapes([ShapeGroup(ShapeKind.KEYPOINTS, [0], [[(1, 2, 2)]])])
    outline.groups[0].segmentations = [rle.encode([1, 2, 3])]

    async def send(*blobs: bytes, labels: dict[int, str] | None = None, **more: Any) -> None:
        items = [
            PackedItem(asset_id=str(asset.id), shapes=blob, **more)
            for asset, blob in zip((first, second), blobs, strict=False)
        ]
        request = ImportPacked(
            version_id=version.id,
            annotations=items,
            labels={0: str(label.id)} if labels is None else labels,
        )
        await client.session.backend.call(IMPORT_PACKED, request)

    damaged = box[:-1] + bytes([box[-1] ^ 1])
    named = rf"asset {second.id}"
    with pytest.raises(BadRequestError, match=f"{named}.*checksum"):
        await send(box, damaged)
    with pytest.raises(BadRequestError, match=f"label 0 .*{first.id}"):
        await send(box, labels={})
    with pytest.raises(NotFoundError, match="has no label"):
        await send(box, labels={0: str(first.id)})
    for wrong in (mask, pack(outline)):
        with pytest.raises(BadRequestError, match=named):
            await send(box, wrong)
    with pytest.raises(BadRequestError, match="duration"):
        await send(box, duration=-1)
    assert await content(version, tmp_path / "b.json") == before


async def test_a_full_disk_ends_an_import_before_it_writes(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = await pushed(client, "d/v", tmp_path / "images")

    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spooling, "RUN_IMAGES", 2)
    monkeypatch.setattr(spooling.tempfile, "TemporaryFile", full)
    with pytest.raises(DiskFullError, match="no space left"):
        await version.import_annotations(write_coco(tmp_path / "in.json", NAMES))
    assert (await version.retrieve_stats()).nb_annotations == 0


@pytest.mark.lakes_only("others count each ring")
@pytest.mark.parametrize(("name", "most"), [("RUN_IMAGES", 2), ("RUN_BYTES", 150)])
async def test_what_is_sorted_in_a_file_is_written_whole(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(spooling, name, most)
    backend = client.session.backend
    backend.limits = replace(backend.limits, import_assets=1)
    version = await pushed(client, "d/v", tmp_path / "images")
    report = await version.import_annotations(write_coco(tmp_path / "in.json", NAMES, boxes=3))
    stats = await version.retrieve_stats()
    assert (stats.nb_annotations, stats.nb_objects) == (len(NAMES), report.shapes)
