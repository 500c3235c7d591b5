"""Filling versions: adding data, copying assets, forks, and tags that become classifications (reference 9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.plain_platform.datasets import DATASET
from tests.support.plain_platform.filters import status_of
from tests.support.plain_platform.kinds import (
    BOOL,
    NAME,
    TEXT,
    UUID,
    list_of,
    needed,
    one_of,
    record,
)
from tests.support.plain_platform.records import (
    Annotation,
    Asset,
    Label,
    LabelGroup,
    Shape,
    Tag,
    Version,
    new_id,
)
from tests.support.plain_platform.routes import Call, RefusedError, Route
from tests.support.plain_platform.store import Store, refuse_locked
from tests.support.plain_platform.versions import (
    INFERENCE,
    VERSION,
    open_version,
    refuse_taken,
    show_version,
)

_IDS = 10_000
"""Ids in one request, at most."""


def _add_data(call: Call) -> dict[str, Any]:
    store = call.store
    version = open_version(call)
    tags = [store.tags.get(tag_id) for tag_id in call.body["asset_tag_ids"]]
    if any(tag is None or tag.scope != version.id for tag in tags):
        raise RefusedError(400, "There is no such asset tag in the version.")
    data_ids = call.body["data_ids"]
    for data_id in data_ids:
        if data_id not in store.datas:
            raise RefusedError(400, "There is no such data.")
        if status_of(store.datas[data_id]) != "DONE":
            raise RefusedError(400, "Data that are not DONE cannot be added.")

    def work() -> None:
        for data_id in data_ids:
            if data_id in store.datas:
                asset = _asset(store, version.id, data_id)
                for tag in tags:
                    assert tag is not None
                    tag.targets.add(asset.id)

    return {"job": store.start_job(call.switches, work).look()}


def _asset(store: Store, version_id: str, data_id: str) -> Asset:
    """The asset of a data in a version; the same data never has two."""
    for asset in store.assets_of(version_id):
        if asset.data_id == data_id:
            return asset
    asset = Asset(version_id=version_id, data_id=data_id)
    store.assets[asset.id] = asset
    return asset


def _copy_assets(call: Call) -> dict[str, Any]:
    store, body = call.store, call.body
    source = call.at(store.versions, "dv")
    target = store.versions.get(body["destination_id"])
    if target is None or target.dataset_id != source.dataset_id or target is source:
        raise RefusedError(400, "The destination is no other version of the dataset.")
    refuse_locked(target)
    assets = _chosen(store, source, body["asset_ids"])

    def work() -> None:
        if body["with_annotations"]:
            _copy_labels(store, source, target)
        _copy(store, assets, target, body["with_tags"], body["with_annotations"])

    return {"job": store.start_job(call.switches, work).look()}


def _chosen(store: Store, source: Version, asset_ids: list[str]) -> list[Asset]:
    known = {asset.id: asset for asset in store.assets_of(source.id)}
    if not known.keys() >= set(asset_ids):
        raise RefusedError(400, "There is no such asset in the version.")
    return [known[asset_id] for asset_id in asset_ids]


def _fork(call: Call) -> dict[str, Any]:
    store, body = call.store, call.body
    dataset = call.at(store.datasets, "ds")
    source = store.versions.get(body["parent_id"])
    if source is None or source.dataset_id != dataset.id:
        raise RefusedError(400, "The parent is no version of the dataset.")
    refuse_taken(store, dataset.id, body["version"])
    assets = (
        _chosen(store, source, body["asset_ids"])
        if "asset_ids" in body
        else store.assets_of(source.id)
    )
    target = Version(
        dataset_id=dataset.id,
        version=body["version"],
        description=call.key("description", f"Fork from {source.version}"),
        type=call.key("type", "NOT_CONFIGURED"),
    )
    store.versions[target.id] = target
    with_annotations = call.key("with_annotations", False)

    def work() -> None:
        if with_annotations or call.key("with_labels", False):
            _copy_labels(store, source, target)
        _copy(store, assets, target, call.key("with_tags", False), with_annotations)

    job = store.start_job(call.switches, work).look()
    return {"dataset_version": show_version(store, target), "job": job}


def _copy(
    store: Store, assets: list[Asset], target: Version, with_tags: bool, with_annotations: bool
) -> None:
    """What the target already has keeps its own annotations and gains the tags. The oldest are copied first."""
    labels = {label.name: label.id for label in store.labels_of(target.id)}
    had = {asset.data_id for asset in store.assets_of(target.id)}
    for asset in sorted(assets, key=lambda row: row.order):
        if asset.id not in store.assets:
            continue  # removed while the job was waiting
        new = _asset(store, target.id, asset.data_id)
        if with_tags:
            for tag in store.tags_of(asset.id):
                _tag_named(store, target.id, tag.name).targets.add(new.id)
        if with_annotations and asset.data_id not in had:
            for annotation in reversed(store.annotations_of(asset.id)):
                _copy_annotation(store, annotation, new, labels)


def _tag_named(store: Store, version_id: str, name: str) -> Tag:
    for tag in store.tags.values():
        if (tag.scope, tag.target_type, tag.name) == (version_id, "ASSET", name):
            return tag
    tag = Tag(name=name, target_type="ASSET", scope=version_id)
    store.tags[tag.id] = tag
    return tag


def _copy_annotation(
    store: Store, annotation: Annotation, asset: Asset, labels: dict[str, str]
) -> None:
    copy = Annotation(
        asset_id=asset.id,
        user_id=annotation.user_id,
        status=annotation.status,
        duration=annotation.duration,
        attributes=annotation.attributes,
        shapes=[
            replace(shape, id=new_id(), label_id=labels[store.labels[shape.label_id].name])
            for shape in annotation.shapes
        ],
    )
    store.annotations[copy.id] = copy


def _copy_labels(store: Store, source: Version, target: Version) -> None:
    """Labels and groups by name; what the target has stays as it is."""
    groups: dict[str | None, str | None] = {None: None}
    pending = [group for group in store.label_groups.values() if group.version_id == source.id]
    have = {g.name: g.id for g in store.label_groups.values() if g.version_id == target.id}
    for group in pending:
        groups[group.id] = have.get(group.name) or new_id()
    for group in pending:
        if group.name not in have:
            new_group_id = groups[group.id]
            assert new_group_id is not None
            store.label_groups[new_group_id] = LabelGroup(
                id=new_group_id,
                version_id=target.id,
                name=group.name,
                parent_id=groups.get(group.parent_id),
            )
    names = {label.name for label in store.labels_of(target.id)}
    for label in store.labels_of(source.id):
        if label.name not in names:
            copy = Label(
                version_id=target.id,
                name=label.name,
                group_id=groups.get(label.group_id),
                skeleton=label.skeleton,
                attributes=label.attributes,
            )
            store.labels[copy.id] = copy


def _convert_tags(call: Call) -> dict[str, str]:
    """Every asset that carries a tag gets a classification of its name; assets of a campaign are left out."""
    store, tag_type = call.store, call.body["tag_type"]
    version = open_version(call)
    scope = version.id if tag_type == "ASSET" else store.datalake_id
    tags = [store.tags.get(tag_id) for tag_id in call.body["tag_ids"]]
    if any(tag is None or (tag.target_type, tag.scope) != (tag_type, scope) for tag in tags):
        raise RefusedError(400, "There is no such tag.")
    user_id = call.user.id

    def work() -> None:
        working = {row.asset_id for row in store.assignments.values()}
        for tag in tags:
            assert tag is not None
            label = _label_named(store, version.id, tag.name)
            for asset in store.assets_of(version.id):
                carrier = asset.id if tag_type == "ASSET" else asset.data_id
                if carrier in tag.targets and asset.id not in working:
                    _classify(store, asset, label, user_id)

    return store.start_job(call.switches, work).look()


def _label_named(store: Store, version_id: str, name: str) -> Label:
    for label in store.labels_of(version_id):
        if label.name == name:
            return label
    label = Label(version_id=version_id, name=name)
    store.labels[label.id] = label
    return label


def _classify(store: Store, asset: Asset, label: Label, user_id: str) -> None:
    annotations = store.annotations_of(asset.id)
    if annotations:
        annotation = annotations[0]
    else:
        annotation = Annotation(asset_id=asset.id, user_id=user_id)
        store.annotations[annotation.id] = annotation
    annotation.shapes.append(Shape(kind="classifications", label_id=label.id, geometry={}))


ROUTES = [
    Route(
        "POST",
        f"{VERSION}/assets",
        _add_data,
        body=record(
            {
                "data_ids": needed(list_of(UUID, most=_IDS)),
                "asset_tag_ids": needed(list_of(UUID)),
            }
        ),
    ),
    Route(
        "POST",
        f"{VERSION}/assets/copy",
        _copy_assets,
        body=record(
            {
                "destination_id": needed(UUID),
                "asset_ids": needed(list_of(UUID, most=_IDS)),
                "with_annotations": needed(BOOL),
                "with_tags": needed(BOOL),
            }
        ),
    ),
    Route(
        "POST",
        f"{DATASET}/fork",
        _fork,
        body=record(
            {
                "parent_id": needed(UUID),
                "version": needed(NAME),
                "description": TEXT,
                "type": INFERENCE,
                "with_tags": BOOL,
                "with_labels": BOOL,
                "with_annotations": BOOL,
                "asset_ids": list_of(UUID, most=_IDS),
            }
        ),
    ),
    Route(
        "POST",
        f"{VERSION}/tags/convert",
        _convert_tags,
        body=record(
            {"tag_ids": needed(list_of(UUID)), "tag_type": needed(one_of("ASSET", "DATA"))}
        ),
    ),
]
