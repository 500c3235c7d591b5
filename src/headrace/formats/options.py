"""Options of readers and writers: as immutable structs, and as the keyword arguments of functions.

A function that takes them as keyword arguments annotates ``**options: Unpack[ReadKeywords]`` and builds the struct with
:func:`read_options`. A test holds structs and keywords to the same names and types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar

from msgspec import Struct
from msgspec.structs import force_setattr

from headrace.errors import ConfigurationError
from headrace.formats.class_order import ClassOrder, checked_order
from headrace.formats.label_map import LabelMap, LabelMapSource, as_label_map
from headrace.model.shapes import Attributes

VocOrigin = Literal["zero", "one_inclusive"]
Geometry = Literal["floats", "raw"]
Background = Literal["empty", "none"]


class ReadOptions(Struct, frozen=True, kw_only=True):
    """Options of a reader. Each format uses those that apply to it.

    Attributes:
        images: Folder of the image files. Readers take an image's size (pixels) from there where the annotations do
            not give it; COCO also compares the sizes that it gives.
        split: Read only this split.
        task: What the rows of label files mean (YOLO), or which geometry of an annotation to prefer. None, or ``auto``
            as a keyword argument: as the source says.
        labels: Class names by number, for a source that has only numbers.
        predictions: Accept results with scores.
        voc_origin: Pascal VOC: corners count from 0 (``zero``), or from 1 with the last pixel inside
            (``one_inclusive``).
        keep_extra: Keep keys and ids that the model does not define.
        batch: Maximum number of images in a batch.
        geometry: ``raw`` may leave polygons of shapes as text until their first use; otherwise they are lists. Either way
            shapes may be made when something asks for them.
        gather: False defers grouping shapes by image until samples are requested.
        labels_map: New names of labels, or labels to leave out. As a keyword argument also the path of a TOML file, or
            its content as a mapping; see ``headrace.formats.label_map``.
    """

    images: Path | None = None
    split: str | None = None
    task: str | None = None
    labels: Sequence[str] | None = None
    predictions: bool = False
    voc_origin: VocOrigin = "zero"
    keep_extra: bool = True
    batch: int = 256
    geometry: Geometry = "floats"
    gather: bool = True
    labels_map: LabelMap | None = None


class WriteOptions(Struct, frozen=True, kw_only=True):
    """Options of a writer. Each format uses those that apply to it.

    Attributes:
        overwrite: Replace an existing file; of an existing folder only the files that headrace wrote there and that
            were not changed since. All other files stay where they are.
        force: Like ``overwrite``, and rename what it must not replace to ``NAME.replaced-TIME``.
        task: What to write of each shape (YOLO and VOC). None, or ``auto`` as a keyword argument: for YOLO the task of a
            YOLO source, else the one that fits the shapes; for VOC boxes and polygons.
        class_order: Order of the classes, which decides their numbers: as in the source (``source``), sorted by name
            (``name``), or a list of names. See :class:`~headrace.formats.class_order.ClassNumbers`.
        split: Split of the samples that name none.
        background: Whether an image without objects gets an ``empty`` annotation file or ``none``.
        images: Folder of the image files, for formats that link them.
        voc_origin: As in :class:`ReadOptions`.
        clip: Cut shapes at the edge of their image.
        about: File-level metadata of a source in the same format, from :meth:`~headrace.formats.base.Reader.about`.

    Raises:
        ConfigurationError: ``class_order`` is not valid.
    """

    overwrite: bool = False
    force: bool = False
    task: str | None = None
    class_order: ClassOrder | Sequence[str] = "source"
    split: str = "train"
    background: Background = "empty"
    images: Path | None = None
    voc_origin: VocOrigin = "zero"
    clip: bool = False
    about: Attributes | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "class_order", checked_order(self.class_order))


class ReadKeywords(TypedDict, total=False):
    """:class:`ReadOptions` as keyword arguments; ``images`` may be a string too, ``labels_map`` a path or a mapping."""

    images: str | Path | None
    split: str | None
    task: str | None
    labels: Sequence[str] | None
    predictions: bool
    voc_origin: VocOrigin
    keep_extra: bool
    batch: int
    geometry: Geometry
    gather: bool
    labels_map: LabelMapSource | None


class WriteKeywords(TypedDict, total=False):
    """:class:`WriteOptions` as keyword arguments; ``images`` may be a string too."""

    overwrite: bool
    force: bool
    task: str | None
    class_order: ClassOrder | Sequence[str]
    split: str
    background: Background
    images: str | Path | None
    voc_origin: VocOrigin
    clip: bool
    about: Attributes | None


class ConvertKeywords(ReadKeywords, total=False):
    """:class:`ReadKeywords` and :class:`WriteKeywords` together, for a conversion."""

    overwrite: bool
    force: bool
    class_order: ClassOrder | Sequence[str]
    background: Background
    clip: bool
    about: Attributes | None


Options = TypeVar("Options", ReadOptions, WriteOptions)


def read_options(keywords: Mapping[str, object]) -> ReadOptions:
    """Build :class:`ReadOptions`; raises ConfigurationError for an unknown name."""
    return _options(ReadOptions, keywords)


def write_options(keywords: Mapping[str, object]) -> WriteOptions:
    """Build :class:`WriteOptions`; raises ConfigurationError for an unknown name or a wrong ``class_order``."""
    return _options(WriteOptions, keywords)


def _options(kind: type[Options], keywords: Mapping[str, object]) -> Options:
    unknown = sorted(set(keywords) - set(kind.__struct_fields__))
    if unknown:
        known = " ".join(kind.__struct_fields__)
        raise ConfigurationError(f"no option {unknown[0]!r}", hint=f"options: {known}")
    values: dict[str, Any] = dict(keywords)
    if values.get("task") == "auto":
        values["task"] = None
    if isinstance(values.get("images"), str):
        values["images"] = Path(values["images"])
    if values.get("labels_map") is not None:
        values["labels_map"] = as_label_map(values["labels_map"])
    return kind(**values)
