"""Exports over both doors: images in place, splits, dry runs, and what is lost."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from headrace import formats
from headrace.errors import ConfigurationError, HeadraceError, LossyWriteError
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images, write_coco
from tests.support.lakes.doors import Door

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]
SPLITS = {"train": range(6), "valid": range(6, 9), "Test": range(9, 11)}
"""The tags of images, by number; the last image has none."""


@pytest.fixture
async def tagged(version: DatasetVersion, tmp_path: Path) -> DatasetVersion:
    """The version with annotations on its first eleven images, and tags of splits."""
    await version.import_annotations(write_coco(tmp_path / "instances.json", NAMES[:11]))
    for name, numbers in SPLITS.items():
        tag = await version.create_asset_tag(name)
        assets = await version.list_assets(filenames=[NAMES[number] for number in numbers])
        await tag.attach_on(assets)
    return version


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def same_images(tmp_path: Path, placed: dict[str, str], root: Path) -> None:
    for name, path in placed.items():
        assert (root / path).read_bytes() == (tmp_path / "images" / name).read_bytes()


def in_split(folder: str) -> dict[str, str]:
    """The image of each name in a tree with a folder for each split; ``folder`` has ``{}`` for it."""
    splits = {NAMES[n]: split for split, numbers in SPLITS.items() for n in numbers}
    folders = {"train": "train", "valid": "val", "Test": "test"}
    return {name: f"{folder.format(folders[split])}/{name}" for name, split in splits.items()}


async def test_a_yolo_export_has_its_images_and_splits(
    tagged: DatasetVersion, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    report = await tagged.export(out, "yolo", media="copy")
    placed = in_split("images/{}") | {NAMES[11]: f"images/train/{NAMES[11]}"}
    labels = {
        path.replace("images/", "labels/").replace(".jpg", ".txt") for path in placed.values()
    }
    labels.remove(f"labels/train/{NAMES[11][:-4]}.txt")
    assert files(out) == {*placed.values(), *labels, "data.yaml", "image-sizes.jsonl"}
    same_images(tmp_path, placed, out)
    data = yaml.safe_load((out / "data.yaml").read_text())
    assert (data["train"], data["val"], data["test"]) == tuple(
        f"images/{split}" for split in ("train", "val", "test")
    )
    assert report.splits == {"train": 6, "val": 3, "test": 2}
    assert (report.media, report.images) == (12, 12)
    assert sum(report.labels.values()) == report.shapes
    rows = [row for path in out.glob("labels/*/*.txt") for row in path.read_text().splitlines()]
    counts = Counter(data["names"][int(row.split()[0])] for row in rows)
    assert counts == {label: count for label, count in report.labels.items() if count}


async def test_a_coco_folder_and_voc_have_their_images_too(
    tagged: DatasetVersion, tmp_path: Path
) -> None:
    await tagged.export(tmp_path / "coco", "coco", media="copy")
    placed = in_split("{}") | {NAMES[11]: f"images/{NAMES[11]}"}
    names = {f"annotations/instances{end}.json" for end in ("", "_train", "_val", "_test")}
    assert files(tmp_path / "coco") == {*placed.values(), *names}
    same_images(tmp_path, placed, tmp_path / "coco")
    await tagged.export(tmp_path / "voc", "voc", media="copy")
    placed = {name: f"JPEGImages/{name}" for name in NAMES}
    same_images(tmp_path, placed, tmp_path / "voc")
    xml = {f"Annotations/{name[:-4]}.xml" for name in NAMES[:11]}
    lists = {f"ImageSets/Main/{split}.txt" for split in ("train", "val", "test")}
    assert files(tmp_path / "voc") == {*placed.values(), *xml, *lists, "labelmap.txt"}
    assert NAMES[11][:-4] in (tmp_path / "voc/ImageSets/Main/train.txt").read_text()


async def test_renamed_labels_keep_their_outlines(tagged: DatasetVersion, tmp_path: Path) -> None:
    await tagged.export(tmp_path / "own", "voc")
    await tagged.export(tmp_path / "renamed", "voc", labels_map={"rename": {"cat": "pet"}})
    own = {path.name: path.read_text() for path in tmp_path.glob("own/Annotations/*.xml")}
    renamed = {path.name: path.read_text() for path in tmp_path.glob("renamed/Annotations/*.xml")}
    assert sum(text.count("<polygon>") for text in own.values()) >= 11
    assert renamed != own
    assert renamed == {name: text.replace(">cat<", ">pet<") for name, text in own.items()}


@pytest.mark.parametrize("format", ["yolo", "coco", "voc"])
async def test_what_was_exported_is_read_back(
    tagged: DatasetVersion, tmp_path: Path, format: str
) -> None:
    report = await tagged.export(tmp_path / "out", format, media="copy")
    with formats.read(tmp_path / "out") as source:
        samples = {Path(sample.filename).name: sample for sample in source}
    assert sum(len(sample.shapes) for sample in samples.values()) == report.shapes
    found = {name: sample.split for name, sample in samples.items()}
    expected = {name: path.partition("/")[0] for name, path in in_split("{}").items()}
    assert expected.items() <= found.items()
    assert all(samples[name].annotated for name in NAMES[:11])
    assert NAMES[11] not in samples or not samples[NAMES[11]].annotated


@pytest.mark.parametrize("format", ["yolo", "coco", "voc"])
async def test_an_export_imports_into_the_version_it_came_from(
    tagged: DatasetVersion, tmp_path: Path, format: str
) -> None:
    """Without images, since YOLO lists their sizes; the image without annotation stays without."""
    annotations = (await tagged.retrieve_stats()).nb_annotations
    before = await tagged.export(tmp_path / "out", format)
    await tagged.delete_all_annotations()
    await tagged.import_annotations(tmp_path / "out")
    after = await tagged.export(tmp_path / "again", format)
    assert (await tagged.retrieve_stats()).nb_annotations == annotations
    assert (after.labels, after.images) == (before.labels, before.images)
    # The image without a split may come back in train: YOLO has no images without one.
    assert all(after.splits[split] - count in (0, 1) for split, count in before.splits.items())


@pytest.mark.folder_of_files("links files of the folder")
async def test_links_to_the_files_of_a_lake(
    tagged: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    for media in ("hardlink", "symlink"):
        out = tmp_path / media
        if door.token is not None:
            with pytest.raises(ConfigurationError, match="only the images of a lake"):
                await tagged.export(out, "yolo", media=media)
            assert not out.exists()
            continue
        await tagged.export(out, "yolo", media=media)
        image = out / "images/train" / NAMES[0]
        assert image.is_symlink() == (media == "symlink")
        assert media == "symlink" or os.stat(image).st_nlink == 2
        same_images(tmp_path, in_split("images/{}"), out)


async def test_a_single_file_has_no_place_for_images(
    version: DatasetVersion, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="without"):
        await version.export(tmp_path / "a.json", "coco", media="copy")
    with pytest.raises(ConfigurationError, match="not a way to place"):
        await version.export(tmp_path / "a", "coco", media="move")  # type: ignore[arg-type]
    assert {path.name for path in tmp_path.iterdir()} & {"a", "a.json"} == set()


async def test_a_ratio_is_the_same_every_time(tagged: DatasetVersion, tmp_path: Path) -> None:
    def val(name: str) -> set[str]:
        return {path.name for path in (tmp_path / name / "labels/val").iterdir()}

    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        await tagged.export(tmp_path / name, "yolo", split_by="50/50", split_seed=seed)
    assert val("a") == val("b") != val("c")
    some = await tagged.list_assets(filenames=NAMES[2:8])
    await tagged.export(tmp_path / "d", "yolo", split_by="50/50", split_seed=1, assets=some)
    assert val("d") == val("a") & {f"{name[:-4]}.txt" for name in NAMES[2:8]}
    fork, _ = await tagged.fork("again", with_labels=True, with_annotations=True)
    await fork.export(tmp_path / "g", "yolo", split_by="50/50", split_seed=1)
    assert val("g") == val("a")
    report = await tagged.export(tmp_path / "e.json", "coco", split_by="none")
    assert report.splits == {}
    with pytest.raises(ConfigurationError, match="not a way to split"):
        await tagged.export(tmp_path / "f", "yolo", split_by="80-20")


async def test_several_split_tags_of_an_asset_are_reported(
    tagged: DatasetVersion, tmp_path: Path
) -> None:
    tag = await tagged.create_asset_tag("val")
    await tag.attach_on(await tagged.list_assets(filenames=NAMES[:2]))
    report = await tagged.export(tmp_path / "out", "yolo")
    (finding,) = [each for each in report.findings if each.code == "SPLIT"]
    assert finding.count == 2
    assert report.splits == {"train": 6, "val": 3, "test": 2}


async def test_a_dry_run_writes_nothing(tagged: DatasetVersion, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    dry = await tagged.export(tmp_path / "out", "yolo", media="copy", dry_run=True)
    assert set(tmp_path.iterdir()) == before
    real = await tagged.export(tmp_path / "out", "yolo", media="copy")
    told = [(each.images, each.shapes, each.labels, each.splits) for each in (dry, real)]
    assert told[0] == told[1]
    assert (dry.dry_run, dry.media, real.media) == (True, 0, 12)


async def test_losing_every_shape_is_an_error(tagged: DatasetVersion, tmp_path: Path) -> None:
    with pytest.raises(LossyWriteError, match="cannot represent any of the"):
        await tagged.export(tmp_path / "out", "yolo", task="pose")
    assert not (tmp_path / "out").exists()
    report = await tagged.export(tmp_path / "out", "yolo", task="pose", allow_empty=True)
    assert (report.shapes, set(report.labels.values())) == (0, {0})
    assert report.shapes_dropped > 0
    empty = await tagged.export(tmp_path / "none", "yolo", status="REFUSED")
    assert empty.shapes == 0


async def test_a_classification_comes_with_its_images(client: Client, tmp_path: Path) -> None:
    draw_images(tmp_path / "images", 4)
    await client.push("kinds/v1", tmp_path / "images")
    version = await client.version("kinds/v1")
    await version.set_type("CLASSIFICATION")
    source: dict[str, Any] = {
        "images": [{"id": n, "file_name": NAMES[n], "width": 9, "height": 9} for n in range(3)],
        "categories": [{"id": 1, "name": "day"}, {"id": 2, "name": "night"}],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1 + n % 2, "bbox": [0, 0, 9, 9]}
            for n in range(3)
        ],
    }
    (tmp_path / "kinds.json").write_text(json.dumps(source))
    await version.import_annotations(tmp_path / "kinds.json")
    report = await version.export(tmp_path / "out", "yolo", split_by="none")
    assert files(tmp_path / "out") == {
        f"train/day/{NAMES[0]}", f"train/night/{NAMES[1]}", f"train/day/{NAMES[2]}"
    }  # fmt: skip
    same_images(tmp_path, {NAMES[1]: f"train/night/{NAMES[1]}"}, tmp_path / "out")
    assert (report.task, report.labels) == ("classify", {"day": 2, "night": 1})


@pytest.mark.folder_of_files("changes files in the folder")
@pytest.mark.lakes_only("it reaches into the folder of the lake")
async def test_an_image_that_is_gone_leaves_no_target(
    tagged: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    objects = [path for path in (door.lake / "objects").rglob("*.jpg") if path.is_file()]
    assert objects
    objects[0].unlink()
    before = set(tmp_path.iterdir())
    with pytest.raises(HeadraceError) as raised:
        await tagged.export(tmp_path / "out", "yolo", media="copy")
    assert "again to continue" not in str(raised.value)
    assert set(tmp_path.iterdir()) == before
