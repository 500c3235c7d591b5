"""Every method of DatasetVersion that the reference names, as a user of the official client calls it.

Prints what it saw as one JSON object: method by method, without ids, times and folders, so that two clients can be
compared. Arguments: host, token, and a folder with ``images/``.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from picsellia import Client
from picsellia.exceptions import (
    BadRequestError,
    FileNotFoundException,
    NoDataError,
    ResourceConflictError,
    ResourceNotFoundError,
)
from picsellia.sdk.asset import Asset, MultiAsset
from picsellia.sdk.data import MultiData
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.types.enums import (
    AnnotationFileType,
    AnnotationStatus,
    ImportAnnotationMode,
    InferenceType,
    TagTarget,
)

KNOWN = {
    "BadRequestError": BadRequestError,
    "FileNotFoundException": FileNotFoundException,
    "NoDataError": NoDataError,
    "ResourceConflictError": ResourceConflictError,
    "ResourceNotFoundError": ResourceNotFoundError,
}


def error_of(call: Any) -> str:
    """The official name of the error that a call ends in."""
    try:
        call()
    except tuple(KNOWN.values()) as error:
        return next(name for name, kind in KNOWN.items() if isinstance(error, kind))
    return "none"


def names(assets: Any) -> list[str]:
    return sorted(asset.filename for asset in assets)


def main(host: str, token: str, folder: Path) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    client = Client(api_token=token, organization_name="local", host=host)
    lake = client.get_datalake()
    images = sorted(str(path) for path in (folder / "images").iterdir())
    uploaded = lake.upload_data(filepaths=images, tags=["raw"], source="camera")
    assert isinstance(uploaded, MultiData)
    dataset = client.create_dataset("things", description="for tests")
    version = dataset.create_version("v1", "first", InferenceType.OBJECT_DETECTION)
    content(seen, lake, uploaded, dataset, version)
    finding(seen, version, uploaded)
    labels_and_tags(seen, client, version)
    files(seen, version, folder)
    work(seen, dataset, version, folder)
    campaign(seen, version)
    video_file(seen, version, folder)
    ends(seen, dataset, version)
    return seen


def content(seen: dict[str, Any], lake: Any, uploaded: Any, dataset: Any, version: Any) -> None:
    job = version.add_data(uploaded, tags=["all"])
    seen["add_data"] = [job.wait_for_done().value, len(version.list_assets())]
    version.add_data(uploaded[0], tags=["first"])
    seen["add_data again"] = len(version.list_assets())
    seen["origin_id"] = version.origin_id == dataset.id
    seen["name"], seen["version"], seen["type"] = version.name, version.version, version.type.value
    version.update(description="changed")
    version.set_type("segmentation")
    version.set_type(InferenceType.OBJECT_DETECTION)
    version.sync()
    seen["set_type"] = version.type.value
    version.update(version="v2", type=InferenceType.OBJECT_DETECTION)
    seen["update"] = dataset.get_version("v2").version


def finding(seen: dict[str, Any], version: Any, uploaded: Any) -> None:
    everything = version.list_assets()
    assert isinstance(everything, MultiAsset)
    first = everything[0]
    assert isinstance(first, Asset)
    seen["find_asset"] = [
        version.find_asset(filename=first.filename).id == first.id,
        version.find_asset(object_name=first.object_name).id == first.id,
        version.find_asset(id=first.id).id == first.id,
        version.find_asset(id=str(first.id)).id == first.id,
        version.find_asset(data=first.get_data()).id == first.id,
        error_of(lambda: version.find_asset(filename="nowhere.png")),
    ]
    tag = version.create_asset_tag("some")
    everything[:2].add_tags(tag)
    everything[:1].add_tags(version.create_asset_tag("one"))
    both = ["some", "one"]
    one = first.filename
    seen["list_assets"] = {
        "order": [asset.filename for asset in version.list_assets(limit=5)]
        == [asset.filename for asset in everything[:5]],
        "limit": len(version.list_assets(limit=3)),
        "offset": names(version.list_assets(limit=2, offset=1)) == names(everything[1:3]),
        "order_by": names(version.list_assets(limit=1, order_by=["filename"])),
        "descending": names(version.list_assets(limit=1, order_by=["-filename"])),
        "tags": len(version.list_assets(tags=both)),
        "tag": len(version.list_assets(tags=tag)),
        "every tag": len(version.list_assets(tags=both, intersect_tags=True)),
        "data_tags": len(version.list_assets(data_tags="raw")) == len(everything),
        "every data tag": len(
            version.list_assets(data_tags=["raw"], intersect_data_tags=True, limit=4)
        ),
        "filenames": names(version.list_assets(filenames=[one, "nowhere.png"])) == [one],
        "object_names": names(version.list_assets(object_names=[first.object_name])) == [one],
        "ids": names(version.list_assets(ids=[first.id, str(everything[1].id)]))
        == names(everything[:2]),
        "filenames_startswith": one in names(version.list_assets(filenames_startswith=[one[:3]])),
        "data_ids": names(version.list_assets(data_ids=[first.data_id])) == [one],
        "q": names(version.list_assets(q=f'filename = "{one}"')) == [one],
        "q and tags": names(version.list_assets(q=f'filename = "{one}"', tags=["some"])) == [one],
        "wrong q": error_of(lambda: version.list_assets(q="filename ~~ 3")),
    }


def labels_and_tags(seen: dict[str, Any], client: Any, version: Any) -> None:
    cat = version.create_label("cat")
    seen["create_label"] = [cat.name, error_of(lambda: version.create_label("cat"))]
    seen["get_label"] = [
        version.get_label("cat").id == cat.id,
        error_of(lambda: version.get_label("x")),
    ]
    seen["get_or_create_label"] = [
        version.get_or_create_label("cat").id == cat.id,
        version.get_or_create_label("dog").name,
    ]
    seen["list_labels"] = [label.name for label in version.list_labels()]

    sunny = version.create_asset_tag("sunny")
    seen["create_asset_tag"] = [sunny.name, error_of(lambda: version.create_asset_tag("sunny"))]
    seen["get_asset_tag"] = [
        version.get_asset_tag("sunny").id == sunny.id,
        error_of(lambda: version.get_asset_tag("x")),
    ]
    seen["get_or_create_asset_tag"] = [
        version.get_or_create_asset_tag("sunny").id == sunny.id,
        version.get_or_create_asset_tag("rainy").name,
    ]
    seen["list_asset_tags"] = sorted(tag.name for tag in version.list_asset_tags())

    train = client.create_dataset_version_tag("training")
    test = client.create_dataset_version_tag("test")
    version.add_tags(train)
    version.add_tags([train, test])
    seen["add_tags"] = sorted(tag.name for tag in version.get_tags())
    version.remove_tags([train])
    seen["remove_tags"] = [tag.name for tag in version.get_tags()]
    seen["get_tags"] = version.get_tags()[0].id == test.id


def coco_of(assets: Any, folder: Path) -> Path:
    """A COCO file with two boxes on each asset."""
    images, annotations = [], []
    for place, asset in enumerate(assets, 1):
        images.append(
            {"id": place, "file_name": asset.filename, "width": asset.width, "height": asset.height}
        )
    for place in range(1, len(images) + 1):
        for turn in range(2):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": place,
                    "category_id": 1 + (place + turn) % 2,
                    "bbox": [turn, 2, 3 + place % 5, 4],
                    "area": 4 * (3 + place % 5),
                    "iscrowd": 0,
                    "segmentation": [],
                }
            )
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    path = folder / "coco.json"
    path.write_text(
        json.dumps({"images": images, "categories": categories, "annotations": annotations})
    )
    return path


def files(seen: dict[str, Any], version: Any, folder: Path) -> None:
    assets = sorted(version.list_assets(), key=lambda asset: asset.filename)
    coco = coco_of(assets, folder)
    done = version.import_annotations_coco_file(file_path=coco, status=AnnotationStatus.ACCEPTED)
    kept = version.import_annotations_coco_file(str(coco), mode=ImportAnnotationMode.KEEP)
    seen["import_annotations_coco_file"] = [
        len(done),
        sorted(Counter(done.values()).items()),
        sorted(Counter(kept.values()).items()),
        error_of(lambda: version.import_annotations_coco_file(folder / "none.json")),
    ]
    stats = version.retrieve_stats()
    seen["retrieve_stats"] = [stats.label_repartition, stats.nb_objects, stats.nb_annotations]
    listed = version.list_annotations()
    seen["list_annotations"] = [
        len(listed),
        len(version.list_annotations(limit=3, offset=1)),
        len(version.list_annotations(status="ACCEPTED")),
        error_of(lambda: version.list_annotations(status=AnnotationStatus.REFUSED)),
        version.list_annotations(order_by=["created_at"], limit=1)[0].id == listed[-1].id,
    ]
    called = {str(asset.id): asset.filename for asset in assets}
    loaded = version.load_annotations()
    some = version.load_annotations(assets=assets[:60], chunk_size=7, max_workers=2)
    seen["load_annotations"] = [
        len(loaded),
        len(some),
        sorted(
            (called[asset], shape["label"], shape["x"], shape["y"], shape["w"], shape["h"])
            for asset, annotations in some.items()
            for annotation in annotations
            for shape in annotation["rectangles"]
        ),
    ]
    built = version.build_coco_file_locally(enforced_ordered_categories=["dog", "cat"])
    images = {image.id: image.file_name for image in built.images}
    seen["build_coco_file_locally"] = [
        [(category.id, category.name) for category in built.categories],
        len(built.images),
        sorted((images[one.image_id], one.category_id, one.bbox) for one in built.annotations)[:50],
        sorted(
            image.file_name for image in version.build_coco_file_locally(assets=assets[:3]).images
        ),
        built.model_dump_json()[:1],
    ]
    exports(seen, version, assets, folder)
    yolo = folder / "yolo"
    yolo.mkdir()
    (yolo / "data.yaml").write_text("nc: 2\nnames: [cat, dog]\n")
    short = [asset for asset in assets if asset.filename[-4] == "."][:3]
    for asset in short:
        (yolo / f"{asset.filename[:-4]}.txt").write_text("1 0.5 0.5 0.5 0.5\n0 0.25 0.25 0.5 0.5")
    paths = sorted(yolo.glob("*.txt"))
    done = version.import_annotations_yolo_files(yolo / "data.yaml", [str(path) for path in paths])
    seen["import_annotations_yolo_files"] = [
        sorted(done.values()),
        error_of(lambda: version.import_annotations_yolo_files(yolo / "no.yaml", paths)),
    ]
    voc = folder / "one.xml"
    voc.write_text(
        f"<annotation><filename>{short[0].filename}</filename><object><name>cat</name><bndbox>"
        "<xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>12</ymax></bndbox></object></annotation>"
    )
    done = version.import_annotation_voc_file(voc, mode="concatenate")
    loaded = version.load_annotations(assets=[short[0]])
    seen["import_annotation_voc_file"] = [
        list(done.values()),
        len(loaded[str(short[0].id)][0]["rectangles"]),
        error_of(lambda: version.import_annotation_voc_file(folder / "none.xml")),
    ]


def exports(seen: dict[str, Any], version: Any, assets: Any, folder: Path) -> None:
    out = folder / "out"
    coco = version.export_annotation_file(AnnotationFileType.COCO, str(out))
    document = json.loads(Path(coco).read_text())
    some = version.export_annotation_file(
        "COCO", out / "some", assets=assets[:3], status="ACCEPTED", use_id=True, force_replace=True
    )
    yolo = version.export_annotation_file(AnnotationFileType.YOLO, out)
    voc = version.export_annotation_file(AnnotationFileType.PASCAL_VOC, out)
    images = {image["id"]: image["file_name"] for image in document["images"]}
    with zipfile.ZipFile(yolo) as rows, zipfile.ZipFile(voc) as trees:
        seen["export_annotation_file"] = [
            sorted((images[one["image_id"]], one["bbox"]) for one in document["annotations"])[:50],
            sorted(image["file_name"] for image in json.loads(Path(some).read_text())["images"])
            == sorted(f"{asset.id}.{asset.filename.rpartition('.')[2]}" for asset in assets[:3]),
            sorted(rows.namelist()),
            len(trees.namelist()),
        ]


def work(seen: dict[str, Any], dataset: Any, version: Any, folder: Path) -> None:
    train, test, *counts, labels = version.train_test_split(0.75, random_seed=3)
    again = version.train_test_split(prop=0.75, random_seed=3, load_asset_page_size=10)
    seen["train_test_split"] = [
        len(train),
        len(test),
        sum(sum(count["y"]) for count in counts),
        sorted(label.name for label in labels),
        names(train) == names(again[0]),
        type(train).__name__,
    ]
    parts = version.train_test_val_split(random_seed="seed")
    seen["train_test_val_split"] = [
        sum(map(len, parts[:3])),
        len(set(names(parts[2])) & set(names(parts[0]))),
    ]
    split, repartition, _ = version.split_into_multi_assets([1, 1, 2], random_seed=1)
    seen["split_into_multi_assets"] = [
        sum(map(len, split)),
        sum(sum(count.values()) for count in repartition),
    ]
    fork, job = version.fork(
        "fork",
        assets=version.list_assets(limit=5),
        with_tags=True,
        with_labels=True,
        with_annotations=True,
    )
    assert isinstance(fork, DatasetVersion)
    seen["fork"] = [
        job.status.value,
        len(fork.list_assets()),
        sorted(label.name for label in fork.list_labels()),
        fork.type.value,
        error_of(lambda: version.fork("fork", description="another")),
    ]
    target = dataset.create_version("target")
    job = version.copy_assets_to(
        target, version.list_assets(limit=4), with_tags=True, with_annotations=True
    )
    job = version.copy_assets_to(destination=target, assets=version.list_assets(limit=4)[0])
    seen["copy_assets_to"] = [job.status.value, len(target.list_assets())]
    words = dataset.create_version("words", type=InferenceType.CLASSIFICATION)
    words.add_data(version.list_assets(limit=3).as_multidata())
    tag = words.create_asset_tag("sunny")
    words.list_assets(limit=2).add_tags(tag)
    words.convert_tags_to_classification(TagTarget.ASSET, [tag]).wait_for_done()
    seen["convert_tags_to_classification"] = words.retrieve_stats().label_repartition
    fork.download(str(folder / "down"), max_workers=4)
    fork.download(folder / "down by id", use_id=True, force_replace=True)
    wanted = {asset.filename: asset.get_data() for asset in fork.list_assets()}
    seen["download"] = [
        sorted(path.name for path in (folder / "down").iterdir() if path.is_file())
        == sorted(wanted),
        sorted(path.stem for path in (folder / "down by id").iterdir() if path.is_file())
        == sorted(str(asset.id) for asset in fork.list_assets()),
    ]
    (folder / "down" / names(fork.list_assets())[0]).unlink()
    fork.synchronize(str(folder / "down"), do_download=True)
    seen["synchronize"] = sorted(
        path.name for path in (folder / "down").iterdir() if path.is_file()
    ) == sorted(wanted)


def campaign(seen: dict[str, Any], version: Any) -> None:
    """On a fork of its own: assets of a campaign take no annotations from elsewhere."""
    fork, _ = version.fork("campaign", assets=version.list_assets(limit=2), with_labels=True)
    made = fork.create_campaign(
        description="count birds",
        instructions_text="draw boxes",
        end_date=date(2031, 5, 1),
        auto_add_new_assets=False,
        auto_close_on_completion=True,
    )
    seen["create_campaign"] = [type(made).__name__, error_of(fork.create_campaign)]
    seen["get_campaign"] = [
        fork.get_campaign().id == made.id,
        error_of(version.get_campaign),
    ]
    fork.delete()


def video_file(seen: dict[str, Any], version: Any, folder: Path) -> None:
    asset = version.list_assets(limit=1)[0]
    video = folder / "video.json"
    frame = {"id": 1, "video_id": 1, "frame_id": 3}
    told = {"track_id": 1, "frame_id": 3, "keyframe": True}
    tracked = {
        "id": 1, "image_id": 1, "video_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12,
        "iscrowd": 0, "segmentation": [], "frame_attributes": told,
    }  # fmt: skip
    video.write_text(
        json.dumps(
            {
                "videos": [{"id": 1, "file_name": asset.filename}],
                "images": [frame],
                "categories": [{"id": 1, "name": "cat"}],
                "annotations": [tracked],
            }
        )
    )
    done = version.import_annotations_coco_video_file(video)
    (annotation,) = version.load_annotations(assets=[asset])[str(asset.id)]
    seen["import_annotations_coco_video_file"] = [
        list(done.values()),
        annotation["tracks"][0]["rectangle_keyframes"][0]["w"],
    ]


def ends(seen: dict[str, Any], dataset: Any, version: Any) -> None:
    version.delete_all_annotations()
    seen["delete_all_annotations"] = [
        version.retrieve_stats().nb_annotations,
        error_of(version.list_annotations),
    ]
    version.delete()
    seen["delete"] = [
        error_of(lambda: dataset.get_version("v2")),
        sorted(each.version for each in dataset.list_versions()),
    ]


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])), default=str))
