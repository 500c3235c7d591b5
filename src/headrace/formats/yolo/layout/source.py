"""One source of a split of a YOLO dataset, and the images that a walk finds in it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct


class SplitSource(Struct, kw_only=True):
    """One source of a split.

    Attributes:
        split: Name of the split; None without splits.
        kind: A folder of ``images``, a folder of ``labels`` (with images elsewhere or missing), a text file that is a
            ``list`` of images, or one ``image``.
        path: Path of the folder or file.
        prefix: Prefix of the sample names, where several sources share a split.
    """

    split: str | None
    kind: Literal["images", "labels", "list", "image"]
    path: Path
    prefix: str = ""


class YoloImage(NamedTuple):
    """An image of a dataset.

    Attributes:
        name: Name of the sample.
        split: Its split; None without splits.
        image: The image file; None if it is missing.
        label: The label file; None without one.
        path: Path of the image below the folder of the dataset, without a suffix where only the label file is known;
            None outside that folder.
        size: Width and height in pixels that the rows refer to, where they are known without the image file.
    """

    name: str
    split: str | None
    image: str | None
    label: str | None
    path: str | None = None
    size: tuple[int, int] | None = None
