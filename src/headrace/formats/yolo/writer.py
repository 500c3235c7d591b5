"""Writes Ultralytics' folder without its images: ``labels/SPLIT/…/STEM.txt`` and ``data.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from headrace.errors import FormatError
from headrace.formats.base import Writer
from headrace.formats.boxlist import as_boxes
from headrace.formats.class_order import ClassNumbers, tell_unordered
from headrace.formats.clipping import clip_shape
from headrace.formats.filetree import FileTree
from headrace.formats.findings import Severity
from headrace.formats.lost import FieldLosses, Tally
from headrace.formats.yolo import INFO
from headrace.formats.yolo.classify_out import ClassFolders
from headrace.formats.yolo.rows import BOXED, ENCODERS, NOWHERE, Encode, Loss, PoseRow, detect_row
from headrace.formats.yolo.yaml_out import dataset_yaml
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Polygon, Rectangle

RENAMED = "renamed.jsonl"
_SPLIT_KEYS = {"valid": "val", "validation": "val"}


class YoloWriter(Writer):
    """Writes the rows of one task (``detect`` unless ``options.task`` or the source's own YOLO says another).

    Crowds are left out: a row would teach a group as one object. Images whose names differ only in the suffix
    would share a label file; the later ones get ``-2``, ``-3`` … and ``renamed.jsonl`` tells how the image must
    be named to find its labels.
    """

    info = INFO

    def _start(self, temp: Path) -> None:
        about = self.options.about or {}
        task = self.options.task or str(about.get("task", "detect"))
        says = self.info.capability(task)
        self._tree = FileTree(temp, self.filing)
        self._tally = Tally(self.found)
        self._losses = FieldLosses(says)
        self._more: dict[str, Any] = dict(about)
        self._pose = PoseRow(_points(self.labels.values(), about)) if task == "pose" else None
        self._classes = (
            ClassFolders(self._tree, self.options.images, self.found, self._tally)
            if task == "classify"
            else None
        )
        self._encode: Encode = self._pose or ENCODERS.get(task, detect_row)
        self._task = task
        self._detects = task == "detect" and not self.options.clip
        self._splits: dict[str, str] = {}
        self._numbers = ClassNumbers(self.labels, self.options.class_order, first=0)
        if self._classes is not None:
            tell_unordered(self.options.class_order, self.found)

    def _write(self, samples: Sequence[Sample]) -> None:
        self._losses.count(samples, self._tally)
        for sample in samples:
            self._write_one(sample)
        self._tally.flush()

    def _write_one(self, sample: Sample) -> None:
        try:
            folder, stem = self._tree.place(sample.filename)
            home = self._home(sample.split)
        except FormatError as error:
            self._leave_out(sample, "S01", error.message)
            return
        if self._classes is not None:
            self._classes.write(sample, home)
            return
        if sample.shapes and not (sample.width and sample.height):
            self._leave_out(sample, "Y10", "the image's width and height are not known")
            return
        rows = self._rows(sample)
        self.found.images_out += 1
        self.found.shapes_out += len(rows)
        if not rows and (self.options.background == "none" or not sample.annotated):
            return
        # One C call prints all numbers, each as short as it can be read back unchanged.
        text = orjson.dumps(rows)[2:-2].replace(b"],[", b"\n").replace(b",", b" ") + b"\n"
        used = self._tree.create(f"labels/{home}{folder}", stem, ".txt", text if rows else b"")
        if used != stem:
            self._renamed(sample, f"images/{home}{folder}{used}")

    def _rows(self, sample: Sample) -> list[list[float]]:
        shapes = sample.shapes
        if self._detects and shapes and (rows := self._boxes(sample)):
            return rows
        rows = []
        for shape in shapes:
            number = self._numbers.number(shape.label)
            row = self._row(shape, sample)
            if row is not None:
                rows.append([number, *row])
        return rows

    def _boxes(self, sample: Sample) -> list[list[float]] | None:
        """The rows of nearly every image, without a call for each: all boxes, or all polygons that say their own.

        None where one shape is any other, or does not lie on the image.
        """
        shapes: Sequence[Any] = sample.shapes
        found = _box_columns(sample)
        if found is None:
            return None
        columns, polygons = found
        width, height, numbers = sample.width or 1, sample.height or 1, self._numbers.known
        rows = [
            [numbers[label], x, y, w, h]
            for label, left, top, wide, high in columns
            if label in numbers
            and 0 <= (w := wide / width) <= 1
            and 0 <= (h := high / height) <= 1
            and 0 <= (x := (left + wide / 2) / width) <= 1
            and 0 <= (y := (top + high / 2) / height) <= 1
        ]
        if len(rows) < len(shapes):
            return None
        if polygons:
            message = BOXED % "polygon"
            self._tally.add("LOSS", message, Severity.LOSS, sample.filename, count=polygons)
        return rows

    def _row(self, shape: AnyShape, sample: Sample) -> list[float] | None:
        width, height = sample.width or 0, sample.height or 0
        try:
            if shape.iscrowd:
                raise Loss("a crowd is left out: a row would make it one object")
            if self.options.clip:
                clipped = clip_shape(shape, width, height)
                if clipped is None:
                    raise Loss(NOWHERE, code="Y11", severity=Severity.WARNING)
                shape = clipped
            return self._encode(shape, width, height)
        except Loss as loss:
            dropped = 0 if loss.row is not None else 1
            self._tally.add(
                loss.code, loss.message, loss.severity, sample.filename, dropped=dropped
            )
            return loss.row

    def _leave_out(self, sample: Sample, code: str, why: str) -> None:
        self._tally.add(
            code,
            f"image left out: {why}",
            Severity.ERROR,
            sample.filename,
            dropped=len(sample.shapes),
            dropped_images=1,
        )

    def _home(self, split: str | None) -> str:
        """The folder of a split below ``labels`` and ``images``, with a ``/`` behind it."""
        split = self.options.split if split is None else split
        home = self._splits.get(split)
        if home is None:
            home = _SPLIT_KEYS.get(split, split)
            if home:
                # As a folder: ".." and "a." would pass as the stem of a file.
                home, _ = self._tree.place(f"{home}/x")
            self._splits[split] = home
        return home

    def _renamed(self, sample: Sample, image: str) -> None:
        suffix = sample.filename.rpartition(".")[2]
        line = {"filename": sample.filename, "image": f"{image}.{suffix}"}
        self._tree.append(RENAMED, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._tally.add(
            "Y23",
            f"images differ only in the suffix; {RENAMED} gives the later ones a new name",
            Severity.WARNING,
            sample.filename,
        )

    def _finish(self) -> None:
        self._numbers.all([*self.labels])
        self._numbers.tell_missing(self.found)
        names = [name for name, _ in self._numbers.items()]
        if self._classes is not None:
            self._classes.finish(names, [*self._splits.values()])
            return
        if self._pose is not None:
            self._more["kpt_shape"] = [max(self._pose.points, 1), 3]
        splits = {home.rstrip("/"): f"images/{home}".rstrip("/") for home in self._splits.values()}
        first = next(iter(splits.values()), "images/train")
        # Ultralytics refuses a yaml without both keys.
        for key in ("train", "val"):
            splits.setdefault(key, first)
        splits.pop("", None)
        ordered = {key: splits.pop(key) for key in ("train", "val", "test") if key in splits}
        text = dataset_yaml(
            splits=ordered | splits,
            task=self._task,
            names=names,
            more=self._more,
        )
        self._tree.append("data.yaml", text)


def _box_columns(
    sample: Sample,
) -> tuple[Iterable[tuple[str, float, float, float, float]], int] | None:
    """Label and ``x, y, w, h`` of each shape, and how many are polygons; what has no plain box of its own is left out."""
    shapes: Sequence[Any] = sample.shapes
    boxes = as_boxes(sample.shapes)
    if boxes is not None:
        table = boxes.table.rows(boxes.start, boxes.stop)
        columns = zip(table.labels, table.x, table.y, table.w, table.h, strict=True)
        return columns, sum(map(bool, table.outlines or ()))
    if type(shapes[0]) is Rectangle:
        return [
            (shape.label, shape.x, shape.y, shape.w, shape.h)
            for shape in shapes
            if type(shape) is Rectangle and not shape.iscrowd
        ], 0
    if type(shapes[0]) is Polygon:
        return [
            (shape.label, *shape.bbox)
            for shape in shapes
            if type(shape) is Polygon and not shape.iscrowd and shape.bbox is not None
        ], len(shapes)
    return None


def _points(labels: Any, about: Any) -> int:
    """How many keypoints a row has, where labels or the source's yaml tell; else 0."""
    declared = max((len(label.keypoints) for label in labels), default=0)
    shape = about.get("kpt_shape")
    if not declared and isinstance(shape, list) and shape and isinstance(shape[0], int):
        declared = shape[0]
    return declared
