"""Every importer into versions of every type, over both doors: which shapes come of which file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from headrace.errors import BadRequestError, ConflictError, NotFoundError, ParseError
from headrace.model.enums import InferenceType
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion

TYPES = [each.value for each in InferenceType]
BOX, RING = [1, 2, 8, 10], [1, 2, 9, 2, 9, 12, 1, 12]


@pytest.fixture
async def version(client: Client, tmp_path: Path) -> DatasetVersion:
    """A version with ``a.jpeg`` (100x50) and ``b.tiff`` (64x48)."""
    (tmp_path / "images").mkdir()
    Image.new("RGB", (100, 50), "red").save(tmp_path / "images" / "a.jpeg")
    Image.new("RGB", (64, 48), "red").save(tmp_path / "images" / "b.tiff")
    await client.push("drawings/first", tmp_path / "images")
    return await client.version("drawings/first")


async def kinds(version: DatasetVersion) -> dict[str, list[Any]]:
    """All shapes that there are, by kind: label and geometry."""
    found: dict[str, list[Any]] = {}
    for loaded in (await version.load_annotations()).values():
        for kind in (
            "rectangles", "polygons", "lines", "points", "classifications", "keypoints", "masks", "tracks",
        ):  # fmt: skip
            found.setdefault(kind, []).extend(loaded[0][kind])
    return {kind: shapes for kind, shapes in found.items() if shapes}


def coco(tmp_path: Path, *annotations: dict[str, Any]) -> Path:
    path = tmp_path / "coco.json"
    image = {"id": 7, "file_name": "a.jpeg", "width": 100, "height": 50}
    category = {"id": 3, "name": "cat", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]}
    full = [
        {"id": place, "image_id": 7, "category_id": 3, "area": 1, "iscrowd": 0, **each}
        for place, each in enumerate(annotations, 1)
    ]
    path.write_text(json.dumps({"images": [image], "categories": [category], "annotations": full}))
    return path


@pytest.mark.parametrize(
    ("type", "kind"),
    [
        ("OBJECT_DETECTION", "rectangles"),
        ("SEGMENTATION", "polygons"),
        ("CLASSIFICATION", "classifications"),
        ("KEYPOINT", "keypoints"),
        ("MASK", "polygons"),
        ("LINE", "polygons"),
        ("POINT", "polygons"),
        ("MULTI", "keypoints"),
        ("NOT_CONFIGURED", "keypoints"),
    ],
)
async def test_coco_objects_with_everything(
    version: DatasetVersion, tmp_path: Path, type: str, kind: str
) -> None:
    await version.set_type(type)
    thing: dict[str, Any] = {"bbox": BOX, "segmentation": [RING]}
    if kind == "keypoints":
        thing["keypoints"] = [1, 2, 2, 3, 4, 1]
    counts = await version.import_annotations_coco_file(coco(tmp_path, thing), status="ACCEPTED")
    assert list(counts.values()) == [1]
    found = await kinds(version)
    assert list(found) == [kind]
    (shape,) = found[kind]
    assert shape["label"] == "cat"
    if kind == "rectangles":
        assert [shape[each] for each in "xywh"] == BOX
    (annotation,) = await version.list_annotations(status="ACCEPTED")
    assert str(annotation.id) in counts


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"bbox": [float("nan"), 1, 2, 3]}, "C04"),
        ({"bbox": [1, 2, 3]}, "C04"),
        ({"bbox": BOX, "image_id": 99}, "C18"),
    ],
)
async def test_a_bad_record_of_coco_is_an_error_and_nothing_is_written(
    version: DatasetVersion, tmp_path: Path, record: dict[str, Any], code: str
) -> None:
    await version.set_type("OBJECT_DETECTION")
    file = coco(tmp_path, {"bbox": BOX}, record)
    with pytest.raises(ParseError, match=code) as caught:
        await version.import_annotations_coco_file(file)
    assert "coco.json at byte" in str(caught.value)
    assert await kinds(version) == {}
    report = await version.import_annotations(file, on_error="skip")
    assert (report.shapes_imported, report.shapes_dropped) == (1, 1)


async def test_whole_numbers_beyond_64_bits_are_kept_as_text(
    version: DatasetVersion, tmp_path: Path
) -> None:
    await version.set_type("OBJECT_DETECTION")
    file = coco(tmp_path, {"bbox": BOX, "attributes": {"serial": 2**80, "small": 7}})
    report = await version.import_annotations(file)
    assert "C26" in {finding.code for finding in report.findings}


@pytest.mark.lakes_only("only headrace keeps the box of a mask")
async def test_coco_masks(version: DatasetVersion, tmp_path: Path) -> None:
    await version.set_type("MASK")
    whole = {"size": [50, 100], "counts": [50, 5, 4945]}
    await version.import_annotations_coco_file(coco(tmp_path, {"bbox": BOX, "segmentation": whole}))
    found = await kinds(version)
    assert list(found) == ["masks"]
    assert (found["masks"][0]["area"], found["masks"][0]["bbox"]) == (5, BOX)


@pytest.mark.parametrize("key", ["ASSET_ID", "DATA_ID", "OBJECT_NAME", "filename"])
async def test_images_are_called_by_any_key(
    version: DatasetVersion, tmp_path: Path, key: str
) -> None:
    asset = await version.find_asset(filename="a.jpeg")
    name = {
        "ASSET_ID": f"{asset.id}.png",
        "DATA_ID": str(asset.data_id),
        "OBJECT_NAME": asset.object_name,
        "filename": asset.filename,
    }[key]
    file = coco(tmp_path, {"bbox": BOX, "segmentation": []})
    file.write_text(file.read_text().replace("a.jpeg", name))
    assert len(await version.import_annotations_coco_file(file, export_key=key)) == 1
    if key == "ASSET_ID":
        assert len(await version.import_annotations_coco_file(file, use_id=True)) == 1
    wrong = "DATA_ID" if key == "ASSET_ID" else "ASSET_ID"
    with pytest.raises(NotFoundError, match="have no asset in"):
        await version.import_annotations_coco_file(file, export_key=wrong)


def video(tmp_path: Path) -> Path:
    def keyframe(place: int, frame: int, box: list[int]) -> dict[str, Any]:
        attributes = {"track_id": 4, "frame_id": frame, "keyframe": True}
        return {
            "id": place, "image_id": place, "video_id": 1, "category_id": 3, "bbox": box,
            "segmentation": [], "frame_attributes": attributes,
        }  # fmt: skip

    path = tmp_path / "video.json"
    images = [{"id": place, "video_id": 1, "frame_id": frame} for place, frame in ((1, 5), (2, 9))]
    content = {
        "videos": [{"id": 1, "file_name": "a.jpeg"}],
        "images": images,
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [keyframe(1, 5, BOX), keyframe(2, 9, [2, 2, 8, 10])],
    }
    path.write_text(json.dumps(content))
    return path


@pytest.mark.lakes_only("what an import answers for a kept annotation is the platform's affair")
@pytest.mark.parametrize("type", ["OBJECT_DETECTION", "SEGMENTATION", "MULTI"])
async def test_video_coco(version: DatasetVersion, tmp_path: Path, type: str) -> None:
    await version.set_type(type)
    counts = await version.import_annotations_coco_video_file(video(tmp_path))
    assert list(counts.values()) == [1]
    (track,) = (await kinds(version))["tracks"]
    assert (track["label"], track["start_frame_index"]) == ("cat", 5)
    assert [key["frame_index"] for key in track["rectangle_keyframes"]] == [0, 4]
    assert await version.import_annotations_coco_video_file(
        video(tmp_path), mode="KEEP"
    ) == dict.fromkeys(counts, 0)


@pytest.mark.lakes_only("the platform's own export is compared")
async def test_tracks_come_out_as_they_went_in(version: DatasetVersion, tmp_path: Path) -> None:
    await version.set_type("MULTI")
    await version.import_annotations_coco_video_file(video(tmp_path))
    (before,) = (await kinds(version))["tracks"]
    path = Path(await version.export_annotation_file("COCO", tmp_path / "out", export_video=True))
    told = json.loads(path.read_bytes())
    assert [one["file_name"] for one in told["videos"]] == ["a.jpeg"]
    assert [one["frame_attributes"]["frame_id"] for one in told["annotations"]] == [5, 9]
    await version.delete_all_annotations()
    assert list((await version.import_annotations_coco_video_file(path)).values()) == [1]
    (after,) = (await kinds(version))["tracks"]
    for name in ("label", "start_frame_index", "rectangle_keyframes"):
        assert after[name] == before[name]
    for kind in ("YOLO", "PASCAL_VOC"):
        with pytest.raises(BadRequestError, match="no tracks of videos"):
            await version.export_annotation_file(kind, tmp_path / "out", export_video=True)


def voc(tmp_path: Path, *, polygon: bool = False, name: str = "a.jpeg") -> Path:
    path = tmp_path / "a.xml"
    ring = "<polygon><x1>1</x1><y1>2</y1><x2>9</x2><y2>2</y2><x3>9</x3><y3>12</y3></polygon>"
    path.write_text(
        f"<annotation><filename>{name}</filename><size><width>100</width><height>50</height><depth>3</depth></size>"
        "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>12</ymax></bndbox>"
        f"{ring if polygon else ''}</object></annotation>"
    )
    return path


@pytest.mark.parametrize("type", TYPES)
async def test_voc(version: DatasetVersion, tmp_path: Path, type: str) -> None:
    await version.set_type(type)
    counts = await version.import_annotation_voc_file(voc(tmp_path, polygon=True))
    assert list(counts.values()) == [1]
    found = await kinds(version)
    expected = {"OBJECT_DETECTION": "rectangles", "CLASSIFICATION": "classifications"}
    assert list(found) == [expected.get(type, "polygons")]
    if type == "OBJECT_DETECTION":
        assert [found["rectangles"][0][each] for each in "xywh"] == BOX


def yolo(tmp_path: Path, text: str, **more: Any) -> tuple[Path, list[str | Path]]:
    description = tmp_path / "data.yaml"
    description.write_text(json.dumps({"nc": 2, "names": ["cat", "dog"], **more}))
    (tmp_path / "a.txt").write_text(text)
    return description, [tmp_path / "a.txt"]


@pytest.mark.parametrize("type", TYPES)
async def test_yolo(version: DatasetVersion, tmp_path: Path, type: str) -> None:
    """Sizes are the assets' own: there is no image beside the label files."""
    await version.set_type(type)
    more: dict[str, Any] = {}
    text = {
        "SEGMENTATION": "1 0.1 0.1 0.5 0.1 0.5 0.5\n",
        "MASK": "1 0.1 0.1 0.5 0.1 0.5 0.5\n",
        "CLASSIFICATION": "1\n",
        "KEYPOINT": "1 0.5 0.5 0.2 0.4 0.1 0.1 2 0.2 0.2 1\n",
    }.get(type, "1 0.5 0.5 0.2 0.4\n")
    if type == "KEYPOINT":
        more["kpt_shape"] = [2, 3]
    counts = await version.import_annotations_yolo_files(*yolo(tmp_path, text, **more))
    assert list(counts.values()) == [1]
    found = await kinds(version)
    kind = {
        "SEGMENTATION": "polygons",
        "MASK": "polygons",
        "CLASSIFICATION": "classifications",
        "KEYPOINT": "keypoints",
    }.get(type, "rectangles")
    assert list(found) == [kind]
    (shape,) = found[kind]
    assert shape["label"] == "dog"
    if kind == "rectangles":
        assert [shape[each] for each in "xywh"] == pytest.approx([40, 15, 20, 20])
    if kind == "polygons":
        assert shape["polygon"] == [[10, 5], [50, 5], [50, 25]]
    if kind == "keypoints":
        assert shape["keypoints"] == [[10, 5, 2], [20, 10, 1]]
    assert [label.name for label in await version.list_labels()] == ["cat", "dog"]


async def test_yolo_files_of_no_asset(version: DatasetVersion, tmp_path: Path) -> None:
    description, files = yolo(tmp_path, "0 0.5 0.5 0.2 0.4\n")
    (tmp_path / "who.txt").write_text("0 0.5 0.5 0.2 0.4\n")
    both = [*files, tmp_path / "who.txt"]
    with pytest.raises(NotFoundError, match="1 of 2 label files have no asset: 'who'"):
        await version.import_annotations_yolo_files(description, both)
    assert (await version.retrieve_stats()).nb_annotations == 0
    done = await version.import_annotations_yolo_files(
        description, both, fail_on_asset_not_found=False
    )
    assert list(done.values()) == [1]
    nothing = await version.import_annotations_yolo_files(
        description, both[1:], fail_on_asset_not_found=False
    )
    assert nothing == {}


async def test_yolo_files_that_could_be_several(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    description, files = yolo(tmp_path, "0 0.5 0.5 0.2 0.4\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("")
    with pytest.raises(BadRequestError, match="have the same name"):
        await version.import_annotations_yolo_files(
            description, [*files, tmp_path / "other" / "a.txt"]
        )
    Image.new("RGB", (9, 9)).save(tmp_path / "other" / "a.png")
    await client.push("drawings/first", tmp_path / "other" / "a.png")
    with pytest.raises(ConflictError, match=r"a\.txt matches 2 assets"):
        await version.import_annotations_yolo_files(description, files)


@pytest.mark.parametrize("text", ["-1 0.5 0.5 0.2 0.4", "2 0.5 0.5 0.2 0.4", "0 0.5 nan 0.2 0.4"])
async def test_yolo_rows_that_mean_nothing(
    version: DatasetVersion, tmp_path: Path, text: str
) -> None:
    """Refused with file and line before anything is written; a class of -1 is not the last one."""
    with pytest.raises(ParseError, match=r"a\.txt:2"):
        await version.import_annotations_yolo_files(*yolo(tmp_path, f"0 0.5 0.5 0.2 0.4\n{text}\n"))
    assert (await version.retrieve_stats()).nb_annotations == 0


async def test_yolo_text_that_others_refuse(version: DatasetVersion, tmp_path: Path) -> None:
    """Tabs, blank lines and names as a mapping are what public files have."""
    text = "0\t0.5 0.5  0.2 0.4\n\n1 0.5 0.5 0.2 0.4\n\n"
    counts = await version.import_annotations_yolo_files(
        *yolo(tmp_path, text, names={0: "cat", 1: "dog"})
    )
    assert list(counts.values()) == [2]
    assert await version.import_annotations_yolo_files(*yolo(tmp_path, ""), mode="KEEP") == {}


async def test_files_that_are_not_there(version: DatasetVersion, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    description, files = yolo(tmp_path, "")
    for call in (
        version.import_annotations_coco_file(gone),
        version.import_annotations_coco_video_file(gone),
        version.import_annotation_voc_file(gone),
        version.import_annotations_yolo_files(gone, files),
        version.import_annotations_yolo_files(description, [gone]),
        version.import_annotations(gone),
    ):
        with pytest.raises(FileNotFoundError, match="gone"):
            await call


async def test_labels_that_may_not_be_made(version: DatasetVersion, tmp_path: Path) -> None:
    await version.create_label("cart")
    file = coco(tmp_path, {"bbox": BOX, "segmentation": []})
    with pytest.raises(NotFoundError, match="did you mean 'cart'"):
        await version.import_annotations_coco_file(file, force_create_label=False)
    assert [label.name for label in await version.list_labels()] == ["cart"]
