"""Random calls of the API against a model that fits on a page, on a lake and over HTTP alike (F38)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from headrace import blocking
from headrace.errors import ConflictError
from tests.support.data.images import draw_images
from tests.support.lakes.version_model import ModelVersion, Shape
from tests.support.processes.cli import new_lake, served
from tests.support.tiers import scaled

IMAGES = 4
NAMES = [f"image_{number:04}.jpg" for number in range(IMAGES)]
LABELS = ["a", "b", "c"]
TAGS = ["x", "y"]

some_names = strategies.lists(strategies.sampled_from(NAMES), unique=True)
some_tags = strategies.lists(strategies.sampled_from(TAGS), unique=True)
label_names = strategies.sampled_from(LABELS)
shape_lists = strategies.lists(
    strategies.tuples(label_names, strategies.integers(0, 50)), max_size=3
)
flags = strategies.booleans()
numbers = strategies.integers(0, 10)


class Door:
    """One of the two ways in, and the handles behind it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.data = {one.filename: one for one in client.get_datalake().list_data()}
        self.dataset: Any = None
        self.versions: dict[int, Any] = {}


class Machine(RuleBasedStateMachine):
    """The same calls through both doors and on the model; after each one all three must look alike."""

    doors: ClassVar[list[Door]] = []
    folder: ClassVar[Path]
    names: ClassVar[Iterator[int]] = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[int, ModelVersion] = {}
        self.touched: set[int] = set()

    def pick(self, number: int) -> int:
        """One of the versions."""
        keys = sorted(self.model)
        key = keys[number % len(keys)]
        self.touched.add(key)
        return key

    def there(self, key: int, names: list[str]) -> list[str]:
        """Those of the names that are assets of a version."""
        return [name for name in names if name in self.model[key].assets]

    def assets(self, door: Door, key: int, names: list[str]) -> Any:
        return door.versions[key].list_assets(filenames=names)

    @initialize()
    def begin(self) -> None:
        name = f"d{next(self.names)}"
        for door in self.doors:
            door.dataset = door.client.create_dataset(name)
            door.versions = {0: door.dataset.create_version("v0", type="OBJECT_DETECTION")}
        self.model[0] = ModelVersion()
        self.add_data(0, NAMES[:3], [])

    @rule(number=numbers, names=some_names.filter(bool), tags=some_tags)
    def add_data(self, number: int, names: list[str], tags: list[str]) -> None:
        key = self.pick(number)
        for door in self.doors:
            door.versions[key].add_data([door.data[name] for name in names], tags=tags)
        self.model[key].add_data(names, tags)

    @rule(number=numbers, names=some_names)
    def delete_assets(self, number: int, names: list[str]) -> None:
        key = self.pick(number)
        if names := self.there(key, names):
            for door in self.doors:
                door.versions[key].delete_assets(self.assets(door, key, names))
            self.model[key].delete_assets(names)

    @rule(number=numbers, name=label_names)
    def create_label(self, number: int, name: str) -> None:
        key = self.pick(number)
        for door in self.doors:
            if name in self.model[key].labels:
                with pytest.raises(ConflictError):
                    door.versions[key].create_label(name)
            else:
                door.versions[key].create_label(name)
        self.model[key].label(name)

    @rule(number=numbers, name=label_names, to=label_names)
    def rename_label(self, number: int, name: str, to: str) -> None:
        key = self.pick(number)
        labels = self.model[key].labels
        if name not in labels or name == to:
            return
        for door in self.doors:
            label = door.versions[key].get_label(name)
            if to in labels:
                with pytest.raises(ConflictError):
                    label.update(name=to)
            else:
                label.update(name=to)
        if to not in labels:
            self.model[key].rename_label(name, to)

    @rule(number=numbers, name=label_names)
    def delete_label(self, number: int, name: str) -> None:
        key = self.pick(number)
        if name in self.model[key].labels:
            for door in self.doors:
                door.versions[key].get_label(name).delete()
            self.model[key].delete_label(name)

    @rule(number=numbers, name=strategies.sampled_from(TAGS))
    def delete_tag(self, number: int, name: str) -> None:
        key = self.pick(number)
        if name in self.model[key].tags:
            for door in self.doors:
                door.versions[key].get_asset_tag(name).delete()
            self.model[key].delete_tag(name)

    @rule(number=numbers, name=strategies.sampled_from(TAGS), names=some_names, off=flags)
    def tag(self, number: int, name: str, names: list[str], off: bool) -> None:
        key = self.pick(number)
        if not (names := self.there(key, names)):
            return
        for door in self.doors:
            tag = door.versions[key].get_or_create_asset_tag(name)
            assets = self.assets(door, key, names)
            (assets.remove_tags if off else assets.add_tags)(tag)
        model = self.model[key]
        model.tags.add(name)
        for each in names:
            if off:
                model.assets[each].tags.discard(name)
            else:
                model.assets[each].tags.add(name)

    @rule(
        number=numbers,
        items=strategies.dictionaries(strategies.sampled_from(NAMES), shape_lists, min_size=2),
        mode=strategies.sampled_from(["REPLACE", "KEEP", "CONCATENATE"]),
    )
    def import_(self, number: int, items: dict[str, list[Shape]], mode: str) -> None:
        key = self.pick(number)
        items = {name: items[name] for name in self.there(key, list(items))}
        if not items:
            return
        path = self.folder / "coco.json"
        path.write_text(json.dumps(coco(items)))
        for door in self.doors:
            door.versions[key].import_annotations_coco_file(path, mode=mode)
        self.model[key].import_(mode, items, LABELS)

    @rule(number=numbers, name=strategies.sampled_from(NAMES), shapes=shape_lists, new=flags)
    def annotate(self, number: int, name: str, shapes: list[Shape], new: bool) -> None:
        """By hand: a new annotation, or other shapes in the newest one."""
        key = self.pick(number)
        model = self.model[key]
        if name not in model.assets:
            return
        there = model.assets[name].annotations
        for door in self.doors:
            version = door.versions[key]
            asset = version.find_asset(filename=name)
            labels = {label: version.get_or_create_label(label) for label, _ in shapes}
            boxes = [(x, 1, 2, 3, labels[label]) for label, x in shapes]
            if new or not there:
                asset.create_annotation().overwrite(boxes)
            else:
                asset.get_annotation().overwrite(boxes)
        for label, _ in shapes:
            model.label(label)
        if not new and there:
            there.pop()
        there.append(list(shapes))

    @rule(number=numbers, names=some_names, all_=flags)
    def delete_annotations(self, number: int, names: list[str], all_: bool) -> None:
        key = self.pick(number)
        names = list(self.model[key].assets) if all_ else self.there(key, names)
        if not names:
            return
        for door in self.doors:
            if all_:
                door.versions[key].delete_all_annotations()
            else:
                self.assets(door, key, names).delete_annotations()
        self.model[key].delete_annotations(names)

    @precondition(lambda self: len(self.model) < 4)
    @rule(
        number=numbers, names=strategies.none() | some_names, tags=flags, labels=flags, deep=flags
    )
    def fork(
        self, number: int, names: list[str] | None, tags: bool, labels: bool, deep: bool
    ) -> None:
        key = self.pick(number)
        names = None if names is None else self.there(key, names)
        new = max(self.model) + 1
        for door in self.doors:
            door.versions[new], _ = door.versions[key].fork(
                f"v{new}",
                assets=None if names is None else [*self.assets(door, key, names)],
                type="OBJECT_DETECTION",
                with_tags=tags,
                with_labels=labels,
                with_annotations=deep,
            )
        self.model[new] = self.model[key].fork(names, tags=tags, labels=labels, annotations=deep)
        self.touched.add(new)

    @precondition(lambda self: len(self.model) > 1)
    @rule(number=numbers, other=numbers, names=some_names, tags=flags, deep=flags)
    def copy(self, number: int, other: int, names: list[str], tags: bool, deep: bool) -> None:
        source, target = self.pick(number), self.pick(other)
        names = self.there(source, names)
        if source == target or not names:
            return
        for door in self.doors:
            door.versions[source].copy_assets_to(
                door.versions[target],
                self.assets(door, source, names),
                with_tags=tags,
                with_annotations=deep,
            )
        self.model[source].copy_to(self.model[target], names, tags=tags, annotations=deep)

    @precondition(lambda self: len(self.model) > 1)
    @rule(number=numbers)
    def delete_version(self, number: int) -> None:
        key = self.pick(number)
        self.touched = set(self.model)
        for door in self.doors:
            door.versions.pop(key).delete()
            left = {version.version for version in door.dataset.list_versions()}
            assert left == {version.version for version in door.versions.values()}
        del self.model[key]
        self.touched.discard(key)

    @rule(number=numbers, seed=strategies.integers(0, 5))
    def split(self, number: int, seed: int) -> None:
        key = self.pick(number)
        if not (annotated := self.model[key].annotated()):
            return
        found = []
        for door in self.doors:
            parts, _, _ = door.versions[key].split_into_multi_assets([0.5, 0.3, 0.2], seed)
            found.append([[asset.filename for asset in part] for part in parts])
        assert found[0] == found[1]
        assert sorted(itertools.chain(*found[0])) == annotated

    @invariant()
    def alike(self) -> None:
        """What was touched is the same behind both doors, and what the model says."""
        for key in self.touched:
            lake, http = [observed(door.versions[key]) for door in self.doors]
            assert lake == http
            assert lake == expected(self.model[key])
        self.touched.clear()


def coco(items: dict[str, list[Shape]]) -> dict[str, Any]:
    """A file of boxes; all labels are declared, used or not."""
    places = {name: place for place, name in enumerate(items, 1)}
    shapes = [(places[name], label, x) for name, each in items.items() for label, x in each]
    return {
        "images": [
            {"id": place, "file_name": name, "width": 64, "height": 64}
            for name, place in places.items()
        ],
        "categories": [{"id": place, "name": name} for place, name in enumerate(LABELS, 1)],
        "annotations": [
            {
                "id": number,
                "image_id": place,
                "category_id": LABELS.index(label) + 1,
                "bbox": [x, 1, 2, 3],
            }
            for number, (place, label, x) in enumerate(shapes, 1)
        ],
    }


def observed(version: Any) -> dict[str, Any]:
    """All that can be seen of a version."""
    assets = version.list_assets()
    names = {str(asset.id): asset.filename for asset in assets}
    stats = version.retrieve_stats()
    return {
        "assets": [asset.filename for asset in assets],
        "tags": {asset.filename: sorted(tag.name for tag in asset.get_tags()) for asset in assets},
        "labels": [label.name for label in version.list_labels()],
        "version tags": sorted(tag.name for tag in version.list_asset_tags()),
        "annotations": {
            names[asset]: [
                [(shape["label"], shape["x"]) for shape in one["rectangles"]] for one in annotations
            ]
            for asset, annotations in version.load_annotations().items()
        },
        "stats": (stats.label_repartition, stats.nb_annotations),
    }


def expected(model: ModelVersion) -> dict[str, Any]:
    """The same of a model: newest first where the API says so."""
    return {
        "assets": list(reversed(model.assets)),
        "tags": {name: sorted(asset.tags) for name, asset in model.assets.items()},
        "labels": model.labels,
        "version tags": sorted(model.tags),
        "annotations": {
            name: [list(shapes) for shapes in reversed(asset.annotations)]
            for name, asset in model.assets.items()
            if asset.annotations
        },
        "stats": model.stats(),
    }


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Machine]]:
    folder = tmp_path_factory.mktemp("model")
    draw_images(folder / "images", IMAGES)
    with ExitStack() as stack:
        doors = []
        for place in (new_lake(folder / "lake"), stack.enter_context(served(folder / "served"))):
            token = place.variables.get("HEADRACE_TOKEN")
            client = stack.enter_context(blocking.connect(place.target, api_token=token))
            client.push("seed/v", folder / "images")
            doors.append(Door(client))
        Machine.doors, Machine.folder = doors, folder
        yield Machine


def run(machine: type[Machine], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=scaled(examples),
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(600)
def test_f38_random_calls_follow_the_model(machine: type[Machine]) -> None:
    run(machine, 15, 20)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_f38_many_random_calls_follow_the_model(machine: type[Machine]) -> None:
    run(machine, 150, 30)
