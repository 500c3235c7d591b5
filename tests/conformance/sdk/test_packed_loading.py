"""Annotations that travel packed are the same as those that travel as JSON; what a damaged answer holds is a typed error."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.exports import pages
from headrace.engine.versions.load import as_loaded, page_of_ids
from headrace.errors import BadRequestError, NotFoundError, ServerError, StorageError
from headrace.formats.coco.document import CocoAnnotation, CocoFile
from headrace.model.blob.layout import VERSION
from headrace.platform.annotations.plain import plain_annotations
from headrace.protocol.codec import decode_response
from headrace.protocol.operations.annotations import (
    ANNOTATION_IDS,
    LOAD_PACKED,
    AnnotationIds,
    LoadPacked,
    PackedAnnotations,
)
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images
from tests.support.data.rich_version import fill
from tests.support.lakes.doors import DOORS, Door, open_door

FORMATS = ("coco", "yolo", "voc")


@pytest.fixture(params=DOORS)
async def door(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(request.param, tmp_path) as door:
        yield door


def send_json(client: Client) -> None:
    """Make a client load as from a server that packs nothing."""
    backend = client.session.backend
    backend.limits = replace(backend.limits, blobs=False)


async def exported(version: DatasetVersion, target: Path, format: str) -> Any:
    """What an export writes: the document of a file, or the text of each file; areas to nine digits."""
    report = await version.export(target, format, strict=False)
    found = [(finding.code, finding.message, finding.count) for finding in report.findings]
    if target.is_file():
        document = json.loads(target.read_text())
        for annotation in document["annotations"]:
            if "area" in annotation:
                annotation["area"] = round(annotation["area"], 9)
        return document, found, report.labels
    files = {
        str(path.relative_to(target)): path.read_text()
        for path in sorted(target.rglob("*"))
        if path.is_file() and ".headrace" not in path.parts
    }
    return files, found, report.labels


async def everything(version: DatasetVersion, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    assets = await version.list_assets()
    written = {
        name: await exported(version, folder / (f"{name}.json" if name == "coco" else name), name)
        for name in FORMATS
    }
    return written | {
        "plain": await version.load_annotations(),
        "small chunks": await version.load_annotations(chunk_size=2),
        "accepted": await version.load_annotations(status="ACCEPTED"),
        "of assets": await version.load_annotations(assets=assets[1:3]),
        "records": [each async for each in version.iter_annotations()],
    }


async def test_packed_annotations_are_those_of_json(door: Door, tmp_path: Path) -> None:
    async with door.connect() as client:
        version = await fill(client, tmp_path / "images")
        assert client.session.backend.limits.blobs
        packed = await everything(version, tmp_path / "packed")
        send_json(client)
        plain = await everything(version, tmp_path / "plain")
    assert packed.keys() == plain.keys()
    for what, expected in plain.items():
        assert packed[what] == expected, what
    (first, *_) = packed["plain"].values()
    assert all(type(point) is list for shape in first[0]["polygons"] for point in shape["polygon"])
    # What was whole stays whole.
    assert repr(first) == repr(next(iter(plain["plain"].values())))


async def test_polygons_of_parts_and_crowds_are_written_alike(door: Door, tmp_path: Path) -> None:
    images = draw_images(tmp_path / "images", 3)
    async with door.connect() as client:
        await client.push("parts/v1", tmp_path / "images", type="segmentation")
        version = await client.version("parts/v1")
        names = [path.name for path in images]
        (tmp_path / "in.json").write_text(json.dumps(coco(names)))
        await version.import_annotations(tmp_path / "in.json")
        packed = await everything(version, tmp_path / "packed")
        send_json(client)
        assert packed == await everything(version, tmp_path / "plain")
    document, *_ = packed["coco"]
    found = document["annotations"]
    assert len(found) == 7
    (half,) = [each for each in found if each["segmentation"] == [[1, 1, 4.5, 1, 4.5, 9]]]
    assert half["bbox"] == [1, 1, 3.5, 8]
    apart, overlapping = [each for each in found if len(each["segmentation"]) == 2]
    assert apart["area"] == 164
    # Of parts that overlap, the pixels count once.
    assert overlapping["area"] < 150


@pytest.mark.parametrize("packed", [True, False])
async def test_pages_are_converted_in_parts(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    async with door.connect() as client:
        version = await fill(client, tmp_path / "images")
        if not packed:
            send_json(client)
        whole = await everything(version, tmp_path / "whole")
        monkeypatch.setattr(pages, "CONVERTED_TOGETHER", 2)
        parts = await everything(version, tmp_path / "parts")
    assert parts == whole


async def test_a_built_document_has_what_an_exported_file_has(door: Door, tmp_path: Path) -> None:
    async with door.connect() as client:
        rich = await fill(client, tmp_path / "rich")
        names = [path.name for path in draw_images(tmp_path / "images", 3)]
        await client.push("parts/v1", tmp_path / "images", type="segmentation")
        parts = await client.version("parts/v1")
        (tmp_path / "in.json").write_text(json.dumps(coco(names)))
        await parts.import_annotations(tmp_path / "in.json")
        files = []
        for version in (rich, parts):
            target = tmp_path / f"{len(files)}.json"
            await version.export(target, strict=False)
            files.append(annotations_of(msgspec.json.decode(target.read_bytes(), type=CocoFile)))
        built = [annotations_of(await each.build_coco_file_locally()) for each in (rich, parts)]
        send_json(client)
        from_json = [annotations_of(await each.build_coco_file_locally()) for each in (rich, parts)]
    assert list(map(len, files)) == [8, 7]
    assert built == files
    assert from_json == files
    # Numbers are floats everywhere, whole ones too.
    assert repr(built) == repr(files)


def annotations_of(document: CocoFile) -> list[tuple[str, str, CocoAnnotation]]:
    """The annotations in their order, with the names of their images and categories, whatever the ids; areas to nine digits."""
    images = {image.id: image.file_name for image in document.images}
    categories = {category.id: category.name for category in document.categories}
    return [
        (
            images[each.image_id],
            categories[each.category_id],
            replace(each, image_id=0, category_id=0, area=round(each.area, 9)),
        )
        for each in document.annotations
    ]


def coco(names: list[str]) -> dict[str, Any]:
    """Polygons of one part, of two apart, of two that overlap; a crowd; one with attributes; a rectangle."""
    square = [0, 0, 10, 0, 10, 10, 0, 10]
    outlines: list[list[list[float]]] = [
        [square],
        [[1, 1, 4.5, 1, 4.5, 9]],
        [square, [20, 20, 28, 20, 28, 28, 20, 28]],
        [square, [5, 5, 13, 5, 13, 13, 5, 13]],
        [[2.25, 3, 8, 3, 8, 9.75]],
        [square],
    ]
    annotations = [
        {
            "id": number,
            "image_id": 1 + number // 5,
            "category_id": 1,
            "segmentation": rings,
            "iscrowd": 0,
        }
        for number, rings in enumerate(outlines, start=1)
    ]
    annotations[4]["attributes"] = {"torn": True}
    annotations[5]["iscrowd"] = 1
    box = {
        "id": 7,
        "image_id": 3,
        "category_id": 1,
        "bbox": [1, 2, 3.5, 4],
        "segmentation": [],
        "iscrowd": 0,
    }
    return {
        "images": [
            {"id": i, "file_name": name, "width": 64, "height": 48}
            for i, name in enumerate(names, start=1)
        ],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [*annotations, box],
    }


@pytest.mark.parametrize(
    ("sent", "packed"), [(UNSET, False), (VERSION - 1, True), (VERSION + 1, False)]
)
async def test_a_client_takes_blobs_only_of_formats_that_it_reads(
    sent: Any, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of before names no format, and one to come may name a newer one."""
    async with open_door("http", tmp_path, with_version=True) as door:
        monkeypatch.setattr("headrace.platform.accounts.session.VERSION", sent)
        async with door.connect() as client:
            assert client.session.backend.limits.blobs is packed
            version = await client.version("drawings/first")
            assert await version.load_annotations() == {}


async def packed_page(client: Client, version: DatasetVersion) -> PackedAnnotations:
    ids = await client.session.call(ANNOTATION_IDS, AnnotationIds(version_id=version.id))
    page = await page_of_ids(client.session.backend, version.id, ids)
    assert isinstance(page, PackedAnnotations)
    return page


async def test_damaged_answers_are_typed_errors(tmp_path: Path) -> None:
    async with open_door("http", tmp_path) as door, door.connect() as client:
        page = await packed_page(client, await fill(client, tmp_path / "images"))
    sound = msgspec.msgpack.encode(page)
    assert as_loaded(decode_response(LOAD_PACKED, sound)) == as_loaded(page)
    for cut in range(0, len(sound), 97):
        with pytest.raises(ServerError, match="load_packed"):
            decode_response(LOAD_PACKED, sound[:cut])
    with pytest.raises(ServerError, match="load_packed"):
        decode_response(LOAD_PACKED, b"<html>")
    index = next(i for i, each in enumerate(page.annotations) if each.height)
    for place in range(len(page.annotations[index].shapes)):
        damaged = msgspec.convert(msgspec.to_builtins(page), PackedAnnotations)
        shapes = bytearray(damaged.annotations[index].shapes)
        shapes[place] ^= 0x15
        damaged.annotations[index].shapes = bytes(shapes)
        for convert in (as_loaded, plain_annotations):
            with pytest.raises(StorageError, match=r"damaged|unknown"):
                convert(damaged)
    page.labels.clear()
    with pytest.raises(StorageError, match="unknown label"):
        plain_annotations(page)


async def test_ids_and_assets_are_not_chosen_at_once(door: Door, tmp_path: Path) -> None:
    async with door.connect() as client:
        version = await fill(client, tmp_path / "images")
        backend: Backend = client.session.backend
        assets = (await version.list_assets()).ids
        wrong: dict[str, Any]
        for wrong in ({}, {"ids": [], "asset_ids": assets}):
            with pytest.raises(BadRequestError, match="either"):
                await backend.call(LOAD_PACKED, LoadPacked(version_id=version.id, **wrong))
        with pytest.raises(NotFoundError):
            await backend.call(
                LOAD_PACKED, LoadPacked(version_id=version.id, asset_ids=[version.id])
            )
        newest = LoadPacked(version_id=version.id, asset_ids=assets, newest=True)
        every = LoadPacked(version_id=version.id, asset_ids=assets)
        one, all_of_them = (
            await backend.call(LOAD_PACKED, newest),
            await backend.call(LOAD_PACKED, every),
        )
        order = [each.asset_id for each in all_of_them.annotations]
        assert order == sorted(order, key=[str(asset) for asset in assets].index)
        first = {each.asset_id: each.id for each in reversed(all_of_them.annotations)}
        assert {each.asset_id: each.id for each in one.annotations} == first
        assert len(first) < len(order)
