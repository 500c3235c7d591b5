"""What versions of a dataset are, in plain dicts and lists: the model that real ones are held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Shape = tuple[str, float]


@dataclass
class ModelAsset:
    """``annotations`` are oldest first, each a list of shapes in order of creation."""

    tags: set[str] = field(default_factory=set)
    annotations: list[list[Shape]] = field(default_factory=list)

    def copy(self, *, tags: bool, annotations: bool) -> ModelAsset:
        return ModelAsset(
            set(self.tags) if tags else set(),
            [list(shapes) for shapes in self.annotations] if annotations else [],
        )


@dataclass
class ModelVersion:
    """Assets by file name, in order of registration; labels in order of creation."""

    assets: dict[str, ModelAsset] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)

    def add_data(self, names: Iterable[str], tags: Iterable[str]) -> None:
        self.tags |= set(tags)
        for name in names:
            self.assets.setdefault(name, ModelAsset()).tags |= set(tags)

    def delete_assets(self, names: Iterable[str]) -> None:
        for name in names:
            del self.assets[name]

    def label(self, name: str) -> None:
        if name not in self.labels:
            self.labels.append(name)

    def rename_label(self, name: str, to: str) -> None:
        self.labels[self.labels.index(name)] = to
        for asset in self.assets.values():
            asset.annotations = [
                [(to if label == name else label, x) for label, x in shapes]
                for shapes in asset.annotations
            ]

    def delete_label(self, name: str) -> None:
        self.labels.remove(name)
        for asset in self.assets.values():
            asset.annotations = [
                [shape for shape in shapes if shape[0] != name] for shapes in asset.annotations
            ]

    def delete_tag(self, name: str) -> None:
        self.tags.remove(name)
        for asset in self.assets.values():
            asset.tags.discard(name)

    def import_(self, mode: str, items: Mapping[str, list[Shape]], labels: Iterable[str]) -> None:
        """``labels`` are those that the file declares, in its order. Without shapes an image says something to REPLACE alone."""
        for label in labels:
            self.label(label)
        for name, shapes in items.items():
            there = self.assets[name].annotations
            if not shapes and mode != "REPLACE":
                continue
            if mode == "KEEP" and there:
                continue
            if mode == "CONCATENATE" and there:
                there[-1].extend(shapes)
                continue
            if mode == "REPLACE":
                there.clear()
            there.append(list(shapes))

    def delete_annotations(self, names: Iterable[str]) -> None:
        for name in names:
            self.assets[name].annotations.clear()

    def fork(
        self, names: Iterable[str] | None, *, tags: bool, labels: bool, annotations: bool
    ) -> ModelVersion:
        chosen = set(self.assets if names is None else names)
        return ModelVersion(
            {
                name: asset.copy(tags=tags, annotations=annotations)
                for name, asset in self.assets.items()
                if name in chosen
            },
            list(self.labels) if labels or annotations else [],
            set(self.tags) if tags else set(),
        )

    def copy_to(
        self, target: ModelVersion, names: Iterable[str], *, tags: bool, annotations: bool
    ) -> None:
        """What the target has keeps its annotations and gains the tags; it knows all labels and tags of the source then."""
        chosen = set(names)
        for label in self.labels if annotations else ():
            target.label(label)
        for name, asset in self.assets.items():
            if name not in chosen:
                continue
            if name not in target.assets:
                target.assets[name] = asset.copy(tags=False, annotations=annotations)
            if tags:
                target.assets[name].tags |= asset.tags
        if tags:
            target.tags |= self.tags

    def stats(self) -> tuple[dict[str, int], int]:
        """Shapes by label, and annotations."""
        annotations = [shapes for asset in self.assets.values() for shapes in asset.annotations]
        labels = Counter(label for shapes in annotations for label, _ in shapes)
        return dict(labels), len(annotations)

    def annotated(self) -> list[str]:
        return sorted(name for name, asset in self.assets.items() if asset.annotations)
