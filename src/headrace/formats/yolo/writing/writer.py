"""Writes YOLO datasets without images: ``labels/SPLIT/…/STEM.txt``, ``data.yaml`` and ``image-sizes.jsonl``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from headrace.errors import FormatError
from headrace.formats.base import Writer
from headrace.formats.class_order import ClassNumbers, note_unordered
from headrace.formats.findings.collect import Severity
from headrace.formats.findings.losses import FieldLosses, LossCounter
from headrace.formats.geometry.box_table import by_table
from headrace.formats.io.file_tree import FileTree
from headrace.formats.io.split_names import ALIASES
from headrace.formats.yolo import INFO
from headrace.formats.yolo.writing.choose_task import TaskChooser, as_outlines, has_outlines
from headrace.formats.yolo.writing.classify_writer import ClassFolders
from headrace.formats.yolo.writing.encode import ENCODERS, PoseEncoder, RowEncoder, detect_row
from headrace.formats.yolo.writing.image_list import ImageList, folder_in_split
from headrace.formats.yolo.writing.rows import ODD, RowPrinter
from headrace.formats.yolo.yaml_text import dataset_yaml
from headrace.model.sample import Sample

RENAMED = "renamed.jsonl"
_REQUIRED: Final = ("train", "val")
_REMEMBERED: Final = 10_000
# Keys of data.yaml, and the folder that Ultralytics replaces to find labels.
_RESERVED: Final = frozenset(
    {"path", "names", "nc", "task", "download", "kpt_shape", "channels", "images"}
)


class YoloWriter(Writer):
    """Writes the rows of one task: ``options.task``, else the task of a YOLO source, else by the shapes.

    Crowds are left out, since a row would make a model learn the group as one object. Images that would share a label
    file, because their names differ only in the suffix, get ``-2``, ``-3`` …, and ``renamed.jsonl`` lists the names
    that these images need. An image without annotation gets no label file, one without objects an empty one.
    """

    info = INFO
    takes_numbers = True

    @property
    def small_files(self) -> bool:
        """True for boxes, which take some tens of bytes each; polygons take hundreds."""
        return self.options.task in (None, "detect")

    @property
    def task(self) -> str | None:
        """The task of the rows; None until the first shapes tell."""
        return self._task

    def _start(self, temp: Path) -> None:
        self._temp = temp
        self._about = self.options.about or {}
        self._tree = FileTree(temp, self.file_sink)
        self._counter = LossCounter(self.found)
        self._images = ImageList(self._tree)
        self._splits: dict[str, str] = {}
        self._folders: dict[tuple[str, str], str] = {}
        self._numbers = ClassNumbers(self.labels, self.options.class_order, first=0)
        self._held: list[Sample] = []
        self._chooser: TaskChooser | None = None
        self._task: str | None = None
        task = self.options.task or self._about.get("task")
        if task is None:
            self._chooser = TaskChooser()
        else:
            self._begin(str(task))

    def _begin(self, task: str) -> None:
        """Begin the rows of a task."""
        says = self.info.capability(task)
        self._task = task
        self._losses = FieldLosses(says)
        self._classes: ClassFolders | None = None
        self._pose: PoseEncoder | None = None
        if task == "classify":
            self._classes = ClassFolders(
                self._tree,
                self.options.images,
                self.found,
                self._counter,
                self.shapes_lost,
                placed=self.image_paths is not None,
            )
            note_unordered(self.options.class_order, self.found)
        elif task == "pose":
            self._pose = PoseEncoder(_points(self.labels.values(), self._about))
        encode: RowEncoder = self._pose or ENCODERS.get(task, detect_row)
        self._rows = RowPrinter(
            encode,
            self._numbers,
            self._counter,
            self.shapes_lost,
            task=task,
            clip=self.options.clip,
        )

    def _write(self, samples: Sequence[Sample]) -> None:
        if self._task is None:
            assert self._chooser is not None
            self._held += samples
            task = self._chooser.look(samples)
            if task is None:
                return
            self._begin_chosen(task)
            return
        if self._chooser is not None and self._task == "detect" and has_outlines(samples):
            self._change_to_outlines()
        self._write_all(samples)

    def _begin_chosen(self, task: str) -> None:
        self._begin(task)
        held, self._held = self._held, []
        self._write_all(held)

    def _change_to_outlines(self) -> None:
        """Turn the boxes written so far into outlines, since boxes and outlines do not mix."""
        self.flush()
        boxes = as_outlines(self._temp / "labels")
        self._begin("segment")
        if boxes:
            message = "a rectangle becomes the corners of its box"
            self.found.add("LOSS", message, severity=Severity.LOSS, count=boxes)

    def _write_all(self, samples: Sequence[Sample]) -> None:
        self._losses.count(samples, self._counter)
        for table, run in by_table(samples):
            lines = self._rows.table(table, run)
            boxed = table.outlines if table is not None and self._task == "detect" else ()
            stop = 0
            for sample in run:
                start, stop = stop, stop + len(sample.shapes)
                own_lines = lines[start:stop]
                polygons = sum(map(bool, boxed[start:stop])) if own_lines else 0
                self._write_one(sample, [] if ODD in own_lines else own_lines, polygons)
        self._images.flush()
        self._counter.flush()

    def _write_one(self, sample: Sample, lines: list[bytes], polygons: int) -> None:
        """Write an image; ``lines`` are those of its shapes if encoded already; of ``polygons`` only the box."""
        try:
            folder, stem, suffix = self._tree.folder_stem_suffix(sample.filename)
            split_folder = self._split_folder(sample.split)
        except FormatError as error:
            self._leave_out(sample, "S01", error.message)
            return
        if self._classes is not None:
            self._place(self._classes.write(sample, split_folder))
            return
        if sample.shapes and not (sample.width and sample.height):
            self._leave_out(sample, "Y10", "the width and height of the image are unknown")
            return
        if not lines:
            lines = self._rows.image(sample)
        elif polygons:
            self._rows.note_boxed(polygons, sample)
        self.found.images_out += 1
        self.found.shapes_out += len(lines)
        if folder:
            folder = self._folder(folder, split_folder)
        label_folder = f"labels/{split_folder}{folder}"
        if not lines and (self.options.background == "none" or not sample.annotated):
            used = self._tree.reserve(label_folder, stem, ".txt")
        else:
            text = b"\n".join(lines) + b"\n" if lines else b""
            used = self._tree.create(label_folder, stem, ".txt", text)
        image = f"images/{split_folder}{folder}{used}{suffix}"
        self._images.add(image, sample.width, sample.height)
        self._place(image)
        if used != stem:
            self._renamed(sample, image)

    def _leave_out(self, sample: Sample, code: str, why: str) -> None:
        self._place(None)
        self._counter.add(
            code,
            f"image left out: {why}",
            Severity.ERROR,
            sample.filename,
            dropped=self._left_out(sample.shapes),
            dropped_images=1,
        )

    def _folder(self, folder: str, split_folder: str) -> str:
        """Return the folder of an image below that of its split."""
        key = folder, split_folder
        below = self._folders.get(key)
        if below is None:
            if len(self._folders) >= _REMEMBERED:
                self._folders.clear()
            below = self._folders[key] = folder_in_split(folder, split_folder)
        return below

    def _split_folder(self, split: str | None) -> str:
        """Return the folder of a split below ``labels`` and ``images``, ending in ``/``."""
        split = self.options.split if split is None else split
        split_folder = self._splits.get(split)
        if split_folder is None:
            split_folder = ALIASES.get(split, split)
            if split_folder:
                # Checked as a folder: ".." and "a." would pass as the stem of a file.
                split_folder, _ = self._tree.folder_and_stem(f"{split_folder}/x")
                if not _RESERVED.isdisjoint(split_folder.split("/")):
                    raise FormatError(
                        f"a split cannot be called {split!r}: data.yaml uses the name"
                    )
            self._splits[split] = split_folder
        return split_folder

    def _renamed(self, sample: Sample, image: str) -> None:
        line = {"filename": sample.filename, "image": image}
        self._tree.append(RENAMED, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._counter.add(
            "Y23",
            f"images differ only in the suffix; {RENAMED} lists new names for the later ones",
            Severity.WARNING,
            sample.filename,
        )

    def _finish(self) -> None:
        if self._task is None:
            assert self._chooser is not None
            self._begin_chosen(self._chooser.choose())
        self._tree.remove_reserved()
        self._numbers.all([*self.labels])
        self._numbers.note_missing(self.found)
        names = self._numbers.names()
        if self._classes is not None:
            self._classes.finish(names, [*self._splits.values()])
            if self._splits and "val/" not in self._splits.values():
                self._note_missing("val", "the folder has no images to validate with")
            return
        more: dict[str, Any] = dict(self._about)
        if self._pose is not None:
            more["kpt_shape"] = [max(self._pose.points, 1), 3]
        splits = {
            split_folder.rstrip("/"): f"images/{split_folder}".rstrip("/")
            for split_folder in self._splits.values()
        }
        notes = self._fill_required(splits)
        splits.pop("", None)
        ordered = {key: splits.pop(key) for key in ("train", "val", "test") if key in splits}
        text = dataset_yaml(
            splits=ordered | splits,
            task=self._task or "detect",
            names=names,
            more=more,
            notes=notes,
        )
        self._tree.append("data.yaml", text)

    def _fill_required(self, splits: dict[str, str]) -> dict[str, str]:
        """Add the splits that Ultralytics requires and the dataset does not have; return a note on each."""
        first = next(iter(splits.values()), "images/train")
        notes = {}
        for key in _REQUIRED:
            if key not in splits and splits.keys() - {""}:
                other = first.rpartition("/")[2]
                notes[key] = (
                    f"There is no split {key}: these are the images of {other}."
                    " To make one: headrace export --split-by 80/20"
                )
                self._note_missing(
                    key,
                    f"data.yaml names the images of {other} for it, since trainers require one",
                )
            splits.setdefault(key, first)
        return notes

    def _note_missing(self, split: str, what_then: str) -> None:
        self.found.add(
            "Y27",
            f"no split {split}: {what_then}",
            severity=Severity.NOTE,
            detail="headrace export --split-by 80/20 makes one",
        )

    def _abandon(self) -> None:
        if hasattr(self, "_tree"):
            self._tree.close()


def _points(labels: Any, about: Any) -> int:
    """Return the number of keypoints in a row, from the labels or the source's yaml; 0 if unknown."""
    declared = max((len(label.keypoints) for label in labels), default=0)
    shape = about.get("kpt_shape")
    if not declared and isinstance(shape, list) and shape and isinstance(shape[0], int):
        declared = shape[0]
    return declared
