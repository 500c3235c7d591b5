"""A version that has everything which a version can have, and all of it as plain values to compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from headrace.engine.upload.file import UploadFile
from headrace.engine.upload.run import upload_files
from headrace.engine.versions.load import load_page
from headrace.model import rle
from headrace.protocol.operations.annotations import IMPORT_ANNOTATIONS, ImportAnnotations
from headrace.sdk.client.client import Client
from headrace.sdk.data import Data
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images

NAMES = ["a/one.jpg", "a/two.jpg", "b/one.jpg", "plain name.jpg", "twin.jpg", "twin.jpg"]
"""File names: some in folders, and twins of equal name and content."""

HEIGHT = 48
RUNS = rle.encode([100, 12, 48 * 64 - 112])


async def fill(client: Client, folder: Path, *, colleague: Client | None = None) -> DatasetVersion:
    """Make the version ``rich/v1``: all kinds of shapes, several annotations of an asset, tags, groups, metadata.

    All images are 64 pixels wide and 48 high.

    Args:
        client: Where to make it: a lake or a headrace server.
        folder: An empty folder for the images.
        colleague: A client of another user, who owns some annotations.
    """
    dataset = await client.create_dataset("rich", description="A dataset")
    version = await dataset.create_version("v1", type="MULTI", description="The first")
    lake = await client.get_datalake()
    paths = [
        draw_images(folder / str(index), 1, prefix=f"p{min(index, 4)}")[0] for index in range(6)
    ]
    for index, (name, path) in enumerate(zip(NAMES, paths, strict=True)):
        # Another source keeps the lake from taking the twins for one.
        source = await client.create_datasource(f"camera {index}")
        described = UploadFile(
            path=path,
            filename=name,
            metadata={"acquired_by": "me", "iso": 100 + index // 5},
            custom_metadata={"weather": "rain", "ratio": 0.5},
        )
        uploaded = await upload_files(
            client.session.backend, client.id, lake.record, [described], source_id=source.id
        )
        await version.add_data([Data(client.session, record) for record in uploaded.records])
    await _label(version)
    await _annotate(version, colleague)
    assets = await version.list_assets()
    for name, chosen in (("train", assets[:3]), ('quote " it', assets[2:5])):
        await (await version.create_asset_tag(name)).attach_on(chosen)
    tag = await lake.create_data_tag("night")
    await tag.attach_on([await assets[1].get_data(), await assets[4].get_data()])
    await version.add_tags(await client.create_tag("frozen", "DATASET_VERSION"))
    return version


async def _label(version: DatasetVersion) -> None:
    for name in ("cat", "dog", "person", "never used"):
        await version.create_label(name)
    animals = await version.create_label_group("animals")
    pets = await version.create_label_group("pets", parent=animals)
    cat, person = await version.get_label("cat"), await version.get_label("person")
    await cat.set_group(pets)
    await person.set_skeleton(["head", "tail"], [(1, 2)])
    await cat.set_attributes({"age": {"input_type": "INTEGER", "required": False}})


async def _annotate(version: DatasetVersion, colleague: Client | None) -> None:
    labels = {label.name: str(label.id) for label in await version.list_labels()}
    cat, dog, person = labels["cat"], labels["dog"], labels["person"]
    assets = [str(asset.id) for asset in await version.list_assets()]
    box = {"label_id": cat, "x": 1, "y": 2, "w": 10, "h": 12}
    everything = {
        "asset_id": assets[0],
        "rectangles": [
            box,
            {**box, "x": 1.5, "text": "torn", "attributes": {"a": 1}, "score": 0.75},
        ],
        "polygons": [
            {"label_id": dog, "polygon": [[0, 0], [8, 0], [8, 8]], "instance": 1},
            {"label_id": dog, "polygon": [[1, 1], [2, 1], [2, 2]], "instance": 1},
            {"label_id": dog, "polygon": [[20, 0], [28.25, 0], [28, 8]], "bbox": [19, 0, 10, 9]},
        ],
        "lines": [{"label_id": cat, "line": [[0, 0], [5, 5]], "text": "edge"}],
        "points": [{"label_id": dog, "point": [3, 4], "attributes": {"b": True}}],
        "classifications": [{"label_id": cat, "attributes": {"c": "x"}}],
        "keypoints": [
            {
                "label_id": person,
                "keypoints": [[1.5, 2, 2], [3, 4, 1]],
                "bbox": [0, 0, 9, 9],
                "segmentation": [[[0, 0], [9, 0], [9, 9]]],
            }
        ],
        "masks": [{"label_id": dog, "mask": RUNS}],
        "tracks": [
            {
                "label_id": person,
                "start_frame_index": 0,
                "rectangle_keyframes": [{"frame_index": 0, "x": 1, "y": 1, "w": 5, "h": 5}],
                "end_keyframes": [{"frame_index": 9}],
            }
        ],
        "attributes": {"weather": "fog"},
        "status": "ACCEPTED",
        "duration": 12.5,
    }
    plain = {"asset_id": assets[1], "rectangles": [box], "status": "REFUSED"}
    await _send(version, [everything, plain, {"asset_id": assets[2]}])
    # A second one of the same user, with less in it, and one of another user.
    await _send(version, [{**plain, "rectangles": [{**box, "text": "again"}], "duration": 3.0}])
    if colleague is not None:
        theirs = await colleague.version("rich/v1")
        await _send(theirs, [{**plain, "rectangles": [{**box, "label_id": dog}]}])


async def _send(version: DatasetVersion, items: list[dict[str, Any]]) -> None:
    request = {"version_id": version.id, "annotations": items, "beside": True}
    await version.session.call(
        IMPORT_ANNOTATIONS, msgspec.convert(request, ImportAnnotations, str_keys=True)
    )


async def described(client: Client, name: str) -> dict[str, Any]:
    """All that is in a version, without ids: equal for equal versions of any two places."""
    version = await client.version(name)
    assets = await version.list_assets()
    users = {str(user.id): user.username for user in await client.list_users()}
    loaded = await load_page(client.session.backend, version.id, assets.ids)
    annotations: dict[str, list[Any]] = {}
    for each in loaded:
        value = msgspec.to_builtins(each)
        owner = value.pop("worker_id", None)
        value |= {"owner": users.get(owner, owner)}
        del value["id"], value["asset_id"]
        annotations.setdefault(each.asset_id, []).append(value)
    labels = await version.list_labels()
    skeletons = {label.name: await _skeleton(label) for label in labels}
    groups = {group.id: group for group in await version.list_label_groups()}
    await version.sync()
    return {
        "type": version.type,
        "description": version.record.description,
        "tags": sorted(tag.name for tag in await version.get_tags()),
        "labels": [label.name for label in labels],
        "groups": {label.name: _path(label.record.group_id, groups) for label in labels},
        "skeletons": skeletons,
        "attributes": {label.name: await label.get_attributes() for label in labels},
        "assets": [
            {
                "name": asset.filename,
                "size": [asset.width, asset.height],
                "type": asset.content_type,
                "metadata": asset.metadata,
                "custom_metadata": asset.custom_metadata,
                "sha256": asset.record.data.sha256,
                "tags": sorted(tag.name for tag in await asset.get_tags()),
                "data_tags": sorted(tag.name for tag in await asset.get_data_tags()),
                "annotations": annotations.get(str(asset.id), []),
            }
            for asset in assets
        ],
    }


def _path(group_id: UUID | None, groups: dict[UUID, Any]) -> str:
    parts: list[str] = []
    while group_id is not None:
        parts.append(groups[group_id].name)
        group_id = groups[group_id].record.parent_id
    return ".".join(reversed(parts))


async def _skeleton(label: Any) -> Any:
    try:
        return await label.get_skeleton()
    except LookupError:
        return None
