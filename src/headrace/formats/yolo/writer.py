"""Writes YOLO datasets without images: ``labels/SPLIT/…/STEM.txt`` and ``data.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from headrace.errors import FormatError
from headrace.formats.base import Writer
from headrace.formats.class_order import ClassNumbers, note_unordered
from headrace.formats.findings.collect import Severity
from headrace.formats.findings.losses import FieldLosses, LossCounter
from headrace.formats.geometry.box_table import BoxTable, by_table
from headrace.formats.geometry.clip import clip_shape
from headrace.formats.io.file_tree import FileTree
from headrace.formats.yolo import INFO
from headrace.formats.yolo.classify_writer import ClassFolders
from headrace.formats.yolo.encode import (
    BOXED,
    ENCODERS,
    NOWHERE,
    PoseEncoder,
    RowEncoder,
    RowLoss,
    detect_row,
)
from headrace.formats.yolo.yaml_text import dataset_yaml
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Polygon, Rectangle

RENAMED = "renamed.jsonl"
_SPLIT_KEYS = {"valid": "val", "validation": "val"}
# Placeholder for a row that is encoded separately, and the line it is printed as.
_NO_ROW: Final[list[float]] = [0]
_ODD: Final = b"0"

# A label, a box ``x, y, w, h`` and the width and height of its image, all in pixels.
_Placed = tuple[str, float, float, float, float, int, int]


class YoloWriter(Writer):
    """Writes the rows of one task: ``options.task``, else the task of a YOLO source, else ``detect``.

    Crowds are left out, since a row would make a model learn the group as one object. Images whose names differ only
    in the suffix would share a label file; later ones get ``-2``, ``-3`` …, and ``renamed.jsonl`` lists the names that
    these images need for their label files.
    """

    info = INFO

    @property
    def small_files(self) -> bool:
        """True for boxes, which take some tens of bytes each; polygons take hundreds."""
        return self.options.task in (None, "detect")

    def _start(self, temp: Path) -> None:
        about = self.options.about or {}
        task = self.options.task or str(about.get("task", "detect"))
        says = self.info.capability(task)
        self._tree = FileTree(temp, self.file_sink)
        self._counter = LossCounter(self.found)
        self._losses = FieldLosses(says)
        self._more: dict[str, Any] = dict(about)
        self._pose = PoseEncoder(_points(self.labels.values(), about)) if task == "pose" else None
        self._classes = (
            ClassFolders(self._tree, self.options.images, self.found, self._counter)
            if task == "classify"
            else None
        )
        self._encode: RowEncoder = self._pose or ENCODERS.get(task, detect_row)
        self._task = task
        self._detects = task == "detect" and not self.options.clip
        self._splits: dict[str, str] = {}
        self._numbers = ClassNumbers(self.labels, self.options.class_order, first=0)
        if self._classes is not None:
            note_unordered(self.options.class_order, self.found)

    def _write(self, samples: Sequence[Sample]) -> None:
        self._losses.count(samples, self._counter)
        for table, run in by_table(samples):
            lines = self._lines_of(table, run) if table is not None and self._detects else []
            polygon_texts = (table and table.polygon_texts) or ()
            stop = 0
            for sample in run:
                start, stop = stop, stop + len(sample.shapes)
                own_lines = lines[start:stop]
                polygons = sum(map(bool, polygon_texts[start:stop]))
                self._write_one(sample, [] if _ODD in own_lines else own_lines, polygons)
        self._counter.flush()

    def _write_one(self, sample: Sample, lines: list[bytes], polygons: int) -> None:
        """Write an image; ``lines`` are those of its shapes if encoded already, ``polygons`` of which were polygons."""
        try:
            folder, stem = self._tree.folder_and_stem(sample.filename)
            split_folder = self._split_folder(sample.split)
        except FormatError as error:
            self._leave_out(sample, "S01", error.message)
            return
        if self._classes is not None:
            self._classes.write(sample, split_folder)
            return
        if sample.shapes and not (sample.width and sample.height):
            self._leave_out(sample, "Y10", "the width and height of the image are unknown")
            return
        if not lines:
            lines = _printed(self._rows(sample))
        elif polygons:
            self._note_boxed(polygons, sample)
        self.found.images_out += 1
        self.found.shapes_out += len(lines)
        if not lines and (self.options.background == "none" or not sample.annotated):
            return
        text = b"\n".join(lines) + b"\n" if lines else b""
        used = self._tree.create(f"labels/{split_folder}{folder}", stem, ".txt", text)
        if used != stem:
            self._renamed(sample, f"images/{split_folder}{folder}{used}")

    def _lines_of(self, table: BoxTable, run: Sequence[Sample]) -> list[bytes]:
        """Return the line of each box; ``_ODD`` for one with a new label or partly outside its image."""
        widths: list[int] = []
        heights: list[int] = []
        for sample in run:
            widths += [sample.width or 1] * len(sample.shapes)
            heights += [sample.height or 1] * len(sample.shapes)
        columns = table.labels, table.x, table.y, table.w, table.h, widths, heights
        return _printed(self._detected(zip(*columns, strict=True)))

    def _detected(self, boxes: Iterable[_Placed]) -> list[list[float]]:
        """Return the row of each box; ``_NO_ROW`` for one with a new label or partly outside its image."""
        numbers = self._numbers.known
        return [
            [numbers[label], x, y, w, h]
            if label in numbers
            and 0 <= (w := box_width / width) <= 1
            and 0 <= (h := box_height / height) <= 1
            and 0 <= (x := (left + box_width / 2) / width) <= 1
            and 0 <= (y := (top + box_height / 2) / height) <= 1
            else _NO_ROW
            for label, left, top, box_width, box_height, width, height in boxes
        ]

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
        """Encode all shapes of an image at once, where all are boxes or all are polygons with a given box.

        Returns None for other shapes, or where one is not inside the image.
        """
        shapes: Sequence[Any] = sample.shapes
        rows = self._detected(_placed(shapes, sample.width or 1, sample.height or 1))
        if len(rows) < len(shapes) or _NO_ROW in rows:
            return None
        if type(shapes[0]) is Polygon:
            self._note_boxed(len(shapes), sample)
        return rows

    def _note_boxed(self, polygons: int, sample: Sample) -> None:
        message = BOXED % "polygon"
        self._counter.add("LOSS", message, Severity.LOSS, sample.filename, count=polygons)

    def _row(self, shape: AnyShape, sample: Sample) -> list[float] | None:
        width, height = sample.width or 0, sample.height or 0
        try:
            if shape.iscrowd:
                raise RowLoss("a crowd is left out: YOLO would treat it as one object")
            if self.options.clip:
                clipped = clip_shape(shape, width, height)
                if clipped is None:
                    raise RowLoss(NOWHERE, code="Y11", severity=Severity.WARNING)
                shape = clipped
            return self._encode(shape, width, height)
        except RowLoss as loss:
            dropped = 0 if loss.row is not None else 1
            self._counter.add(
                loss.code, loss.message, loss.severity, sample.filename, dropped=dropped
            )
            return loss.row

    def _leave_out(self, sample: Sample, code: str, why: str) -> None:
        self._counter.add(
            code,
            f"image left out: {why}",
            Severity.ERROR,
            sample.filename,
            dropped=len(sample.shapes),
            dropped_images=1,
        )

    def _split_folder(self, split: str | None) -> str:
        """Return the folder of a split below ``labels`` and ``images``, ending in ``/``."""
        split = self.options.split if split is None else split
        split_folder = self._splits.get(split)
        if split_folder is None:
            split_folder = _SPLIT_KEYS.get(split, split)
            if split_folder:
                # Checked as a folder: ".." and "a." would pass as the stem of a file.
                split_folder, _ = self._tree.folder_and_stem(f"{split_folder}/x")
            self._splits[split] = split_folder
        return split_folder

    def _renamed(self, sample: Sample, image: str) -> None:
        suffix = sample.filename.rpartition(".")[2]
        line = {"filename": sample.filename, "image": f"{image}.{suffix}"}
        self._tree.append(RENAMED, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._counter.add(
            "Y23",
            f"images differ only in the suffix; {RENAMED} lists new names for the later ones",
            Severity.WARNING,
            sample.filename,
        )

    def _finish(self) -> None:
        self._numbers.all([*self.labels])
        self._numbers.note_missing(self.found)
        names = self._numbers.names()
        if self._classes is not None:
            self._classes.finish(names, [*self._splits.values()])
            return
        if self._pose is not None:
            self._more["kpt_shape"] = [max(self._pose.points, 1), 3]
        splits = {
            split_folder.rstrip("/"): f"images/{split_folder}".rstrip("/")
            for split_folder in self._splits.values()
        }
        first = next(iter(splits.values()), "images/train")
        # Ultralytics rejects a yaml without both keys.
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


def _placed(shapes: Sequence[Any], width: int, height: int) -> list[_Placed]:
    """Return the boxes of all shapes of the first one's type; omits shapes without a plain box."""
    if type(shapes[0]) is Rectangle:
        return [
            (shape.label, shape.x, shape.y, shape.w, shape.h, width, height)
            for shape in shapes
            if type(shape) is Rectangle and not shape.iscrowd
        ]
    return [
        (shape.label, *shape.bbox, width, height)
        for shape in shapes
        if type(shape) is Polygon and not shape.iscrowd and shape.bbox is not None
    ]


def _printed(rows: list[list[float]]) -> list[bytes]:
    """Format rows as lines: one C call prints all numbers, in the shortest form that reads back unchanged."""
    text = orjson.dumps(rows)[2:-2].replace(b"],[", b"\n").replace(b",", b" ")
    return text.split(b"\n") if rows else []


def _points(labels: Any, about: Any) -> int:
    """Return the number of keypoints in a row, from the labels or the source's yaml; 0 if unknown."""
    declared = max((len(label.keypoints) for label in labels), default=0)
    shape = about.get("kpt_shape")
    if not declared and isinstance(shape, list) and shape and isinstance(shape[0], int):
        declared = shape[0]
    return declared
