"""Data sets as people have them, each in the exact spelling of the tool that writes it.

A builder ``build_NAME(folder) -> Expected`` writes one layout below an empty or missing folder, images included, and
returns what any reader of it must find. The content is the same small scene wherever a layout can hold it: see
:data:`SCENE`.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from bench.images import jpeg
from tests.support.data.formats import png


class Expected(Struct, kw_only=True):
    """What a layout holds.

    Attributes:
        images: Number of images that the annotations know, with those that have no annotation.
        shapes: Number of shapes.
        labels: Number of shapes by label, without labels that no shape has.
        splits: Number of images by split (``train``, ``val``, ``test``); empty where the layout has none.
        annotated: Number of images that count as annotated, those without objects included.
        paths: The path of each image file below the folder, by which assets are called after ``push``.
        format: The format that has to be detected.
        source: What to name as the source, below the folder; empty for the folder itself.
    """

    images: int
    shapes: int
    labels: dict[str, int]
    splits: dict[str, int] = field(default_factory=dict)
    annotated: int | None = None
    paths: list[str] = field(default_factory=list)
    format: Literal["coco", "coco-video", "yolo", "voc"] = "coco"
    source: str = ""


Build = Callable[[Path], Expected]


class SceneBox(Struct, frozen=True):
    """An object of the scene: its label and its box ``x, y, w, h`` in whole pixels."""

    label: str
    x: int
    y: int
    w: int
    h: int

    @property
    def bbox(self) -> list[int]:
        """The box as COCO writes it."""
        return [self.x, self.y, self.w, self.h]

    @property
    def ring(self) -> list[int]:
        """The corners as one ring of a polygon."""
        right, bottom = self.x + self.w, self.y + self.h
        return [self.x, self.y, right, self.y, right, bottom, self.x, bottom]


class SceneImage(Struct, frozen=True):
    """An image of the scene: its name without a suffix, its size in pixels, its split and its objects."""

    stem: str
    width: int
    height: int
    split: str
    boxes: tuple[SceneBox, ...] = ()


LABELS = ("cat", "dog", "car")

SCENE = (
    SceneImage(
        "street_01",
        64,
        48,
        "train",
        (SceneBox("cat", 4, 6, 20, 16), SceneBox("dog", 30, 8, 16, 24)),
    ),
    SceneImage("street_02", 72, 40, "train", (SceneBox("car", 10, 10, 32, 20),)),
    SceneImage("street_03", 80, 56, "train"),
    SceneImage(
        "street_04", 48, 64, "val", (SceneBox("dog", 2, 2, 24, 32), SceneBox("dog", 20, 30, 16, 16))
    ),
    SceneImage("street_05", 56, 44, "val", (SceneBox("cat", 8, 4, 40, 36),)),
    SceneImage("street_06", 64, 64, "test", (SceneBox("car", 16, 16, 32, 24),)),
)
"""Six images in three splits; the third one was looked at and has no objects."""


def draw(path: Path, width: int, height: int) -> Path:
    """Write a small real image of this size in pixels, as PNG or JPEG by its suffix.

    Files of different paths differ in their bytes, so that no two become one asset.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = "/".join(path.parts[-3:]).encode()
    if path.suffix.lower() == ".png":
        # A chunk of text, before the last chunk, makes the bytes differ.
        plain = png(width, height)
        body = b"tEXt" + b"Comment\0" + mark
        chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
        path.write_bytes(plain[:-12] + chunk + plain[-12:])
    else:
        path.write_bytes(jpeg(width, height, comment=mark))
    return path


def of_splits(*splits: str) -> tuple[SceneImage, ...]:
    """The images of some splits of the scene, in order; all without an argument."""
    return tuple(image for image in SCENE if not splits or image.split in splits)


def expected(
    paths: Mapping[str, SceneImage] | Iterable[tuple[str, SceneImage]],
    *,
    format: Literal["coco", "coco-video", "yolo", "voc"],
    has_splits: bool = True,
    annotated: int | None = None,
    source: str = "",
) -> Expected:
    """Count what images of the scene hold.

    Args:
        paths: The path of each image file below the folder, and the image.
        format: The format that has to be detected.
        has_splits: Whether the layout tells splits.
        annotated: Number of images that count as annotated. Default: all.
        source: As in :class:`Expected`.
    """
    pairs = list(paths.items() if isinstance(paths, Mapping) else paths)
    boxes = [box for _, image in pairs for box in image.boxes]
    return Expected(
        images=len(pairs),
        shapes=len(boxes),
        labels=dict(Counter(box.label for box in boxes)),
        splits=dict(Counter(image.split for _, image in pairs)) if has_splits else {},
        annotated=len(pairs) if annotated is None else annotated,
        paths=[path for path, _ in pairs],
        format=format,
        source=source,
    )
