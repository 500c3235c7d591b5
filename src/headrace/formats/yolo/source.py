"""One source of a split of a YOLO dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

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
