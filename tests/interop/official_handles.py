"""What stands around a version, as a user of the official client calls it: tags, data, campaigns, the client itself.

Prints what it saw as one JSON object. ``scenario`` is also run on the asynchronous classes, over both doors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from picsellia import Client
from picsellia.exceptions import ResourceLockedError
from picsellia.types.enums import InferenceType
from PIL import Image


def scenario(client: Any, folder: Path) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for number in range(6):
        Image.new("RGB", (640, 480), (number, 0, 0)).save(folder / f"{number}.png")
    around_the_client(seen, client)
    version, dataset = around_data(seen, client, folder)
    around_annotations(seen, version)
    around_assets(seen, client, version, dataset, folder)
    around_campaigns(seen, dataset, version, folder)
    dataset.delete()
    seen["end"] = [each.name for each in client.list_datasets()]
    return seen


def around_the_client(seen: dict[str, Any], client: Any) -> None:
    client.sync()
    seen["users"] = len(client.list_users())
    seen["lakes"] = [lake.name for lake in client.list_datalakes()]
    source = client.create_datasource("camera")
    seen["sources"] = [
        client.get_datasource("camera").id == source.id,
        client.get_or_create_datasource("camera").id == source.id,
        [each.name for each in client.list_datasources()],
    ]
    tag = client.create_dataset_tag("good")
    client.create_dataset_version_tag("old")
    seen["tags"] = [
        client.find_dataset_tag("good").id == tag.id,
        client.find_dataset_version_tag("old").name,
        [each.name for each in client.list_dataset_tags()],
        [each.name for each in client.list_dataset_version_tags()],
    ]


def around_data(seen: dict[str, Any], client: Any, folder: Path) -> tuple[Any, Any]:
    lake = client.get_datalake()
    lake.sync()
    data = lake.upload_data([str(path) for path in sorted(folder.glob("*.png"))], source="camera")
    red, blue = lake.create_data_tag("red"), lake.get_or_create_data_tag("blue")
    one = lake.find_data(filename="0.png")
    one.sync()
    one.wait_for_upload_done()
    data.wait_for_upload_done()
    one.update_metadata({"note": "a"})
    one.update_custom_metadata({"key": 1})
    one.add_tags([red, blue])
    one.remove_tags(blue)
    data.add_tags(blue)
    data.remove_tags(blue)
    one.sync()
    blue.update("azure")
    blue.sync()
    half = data.copy().split(0.5)
    seen["data"] = [
        lake.get_data_tag("red").id == red.id,
        [tag.name for tag in lake.list_data_tags()],
        [tag.name for tag in one.get_tags()],
        one.get_datasource().name,
        [one.is_ready(), one.custom_metadata, bool(one.reset_url())],
        [len(part) for part in half],
        blue.name,
    ]
    one.download(str(folder / "one"))
    data.download(str(folder / "all"))
    seen["files"] = [len(list((folder / each).glob("*.png"))) for each in ("one", "all")]
    red.detach_from(one)
    red.attach_on(data)
    red.delete()
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 9, 0)).save(folder / f"spare{number}.bmp")
    spare = lake.upload_data([str(folder / "spare0.bmp"), str(folder / "spare1.bmp")])
    spare.delete()
    lone = lake.upload_data(str(folder / "spare2.bmp"))
    lone.delete()
    seen["left"] = len(lake.list_data())

    dataset = client.create_dataset("things", "", True)
    dataset.sync()
    dataset.update(name="renamed", description="described")
    tag = client.find_dataset_tag("good")
    dataset.add_tags(tag)
    before = [each.name for each in dataset.get_tags()]
    dataset.remove_tags(tag)
    version = dataset.create_version("v1", type=InferenceType.OBJECT_DETECTION)
    (user,) = dataset.list_users()
    dataset.add_user(user)
    seen["dataset"] = [
        dataset.name,
        before,
        len(dataset.get_tags()),
        client.get_dataset_by_id(dataset.id).name,
        client.get_dataset_version_by_id(version.id).version,
        dataset.get_version_by_id(version.id).version,
        [worker.username == user.username for worker in dataset.list_workers()],
        dataset.find_worker(user.username).user_id == user.id,
    ]
    job = version.add_data(data)
    job.sync()
    seen["job"] = job.wait_for_status(job.status).value
    return version, dataset


def around_annotations(seen: dict[str, Any], version: Any) -> None:
    cat, dog = version.create_label("cat"), version.create_label("dog")
    asset = version.find_asset(filename="0.png")
    annotation = asset.create_annotation()
    ring = [[0, 0], [4, 0], [4, 4]]
    polygons = annotation.create_multiple_polygons([(ring, cat), (ring, dog)])
    lines = annotation.create_multiple_lines([([[0, 0], [1, 1]], cat)])
    points = annotation.create_multiple_points([([1, 2], cat)])
    words = annotation.create_multiple_classifications([cat, dog])
    masks = annotation.create_multiple_masks([("P?5k`[9", cat)])
    box = annotation.create_rectangle(1, 2, 3, 4, cat)
    for shape in (box, masks[0], lines[0], points[0], words[0], polygons[0]):
        shape.sync()
    for shape in (lines[0], points[0], words[0], polygons[0], masks[0]):
        shape.delete()
    seen["shapes"] = [
        box.x, len(annotation.list_polygons()), len(annotation.list_classifications()),
        len(annotation.list_lines()), len(annotation.list_points()), len(annotation.list_masks()),
    ]  # fmt: skip
    many = version.list_annotations()
    seen["annotations"] = [len(many.copy()), len(many.load())]
    group, above = version.create_label_group("pets"), version.create_label_group("animals")
    cat.set_group(group)
    group.set_parent(above)
    group.update(name="house pets")
    group.sync()
    dog.update(name="hound")
    dog.sync()
    seen["labels"] = [cat.get_group().name, group.get_parent().name, dog.name]


def around_assets(
    seen: dict[str, Any], client: Any, version: Any, dataset: Any, folder: Path
) -> None:
    assets = version.list_assets(order_by=["filename"])
    tag = version.create_asset_tag("t")
    assets.add_tags(tag)
    assets[:4].remove_tags(tag)
    assets[4].remove_tags([tag])
    first = assets[0]
    first.sync()
    first.download(str(folder / "asset"))
    seen["assets"] = [
        len(version.list_assets(tags=tag)),
        len(first.get_data_tags()),
        bool(first.reset_url()),
        len(assets.as_list_of_data()),
        len(assets.copy()),
        [len(part) for part in assets.split(0.5)],
        [path.name for path in (folder / "asset").glob("*.png")],
    ]
    version.lock()
    seen["locked"] = [refused(lambda: version.create_label("x")), refused(version.delete)]
    version.unlock()
    old = client.find_dataset_version_tag("old")
    version.add_tags(old)
    version.remove_tags([old])
    seen["version tags"] = [
        [each.name for each in version.list_asset_tags()],
        len(version.get_tags()),
        len(client.list_annotation_campaigns()),
    ]
    fork, _ = version.fork("fork", with_annotations=True)
    some = fork.list_assets(order_by=["-filename"])
    some[:3].delete_annotations()
    some[0].delete()
    some[1:3].delete()
    seen["fork"] = len(fork.list_assets())
    fork.build_pascal_voc_locally(str(folder / "voc"))
    seen["voc"] = len(list((folder / "voc").glob("*.xml")))


def refused(write: Any) -> bool:
    try:
        write()
    except ResourceLockedError:
        return True
    return False


def around_campaigns(seen: dict[str, Any], dataset: Any, version: Any, folder: Path) -> None:
    version.delete_all_annotations()
    worker = dataset.list_workers()[0]
    rules = folder / "rules.pdf"
    rules.write_bytes(b"%PDF-1.4 draw")
    campaign = version.create_campaign(description="d")
    campaign.upload_instructions_file(str(rules))
    draw = campaign.add_step("draw", "ANNOTATION", assignees=[(worker, 1.0)])
    look = campaign.add_step("look", "REVIEW", assignees=[(worker, 1.0)])
    draw.update(name="boxes")
    draw.sync()
    campaign.update(description="e")
    campaign.sync()
    campaign.launch()
    tasks = campaign.list_assignments()
    tasks[0].download(str(folder / "task"))
    campaign.reassign([tasks[0]])
    draw.redistribute_assignments()
    seen["campaign"] = [
        [step.name for step in campaign.list_steps()],
        len(tasks),
        bool(tasks[0].reset_url()),
        len(list((folder / "task").glob("*.png"))),
        type(campaign.get_campaign_issue_counts()).__name__,
    ]
    more, _ = version.fork("more", assets=version.list_assets(limit=2))
    other = more.create_campaign()
    other.add_step("draw", "ANNOTATION", assignees=[(worker, 1.0)])
    other.sync_assets()
    seen["synced"] = len(other.list_assignments())
    look.delete(draw.id)
    campaign.close()
    campaign.delete()
    seen["campaign gone"] = len(version.list_assets())


if __name__ == "__main__":
    host, token, folder = sys.argv[1:]
    print(json.dumps(scenario(Client(api_token=token, host=host), Path(folder)), default=str))
