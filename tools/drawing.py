"""Seeded pictures of discs, boxes and triangles, with a COCO file that says where they are."""

from __future__ import annotations

import json
import random
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 160, 120
LABELS = ("box", "disc", "triangle")

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Thing:
    """One drawn thing: its label, its bounding square and its colour."""

    label: str
    x: int
    y: int
    side: int
    colour: Colour

    def outline(self) -> list[int]:
        """Its polygon, flat; a disc's is an octagon."""
        x, y, s = self.x, self.y, self.side
        if self.label == "triangle":
            return [x, y + s, x + s // 2, y, x + s, y + s]
        if self.label == "box":
            return [x, y, x + s, y, x + s, y + s, x, y + s]
        c = round(s * 0.29)
        return [x + c, y, x + s - c, y, x + s, y + c, x + s, y + s - c,
                x + s - c, y + s, x + c, y + s, x, y + s - c, x, y + c]  # fmt: skip

    def covers(self, px: int, py: int) -> bool:
        """Whether it paints a pixel."""
        dx, dy = px + 0.5 - self.x, py + 0.5 - self.y
        if not (0 <= dx <= self.side and 0 <= dy <= self.side):
            return False
        half = self.side / 2
        if self.label == "disc":
            return (dx - half) ** 2 + (dy - half) ** 2 <= half**2
        return self.label == "box" or abs(dx - half) <= dy / 2


def draw_dataset(folder: Path, *, count: int = 24, seed: int = 7) -> tuple[Path, Path]:
    """Draw ``count`` pictures; returns the folder of images and the COCO file beside it."""
    chance = random.Random(seed)
    images = folder / "images"
    images.mkdir(parents=True)
    scenes = [_scene(chance) for _ in range(count)]
    for number, scene in enumerate(scenes):
        (images / _name(number)).write_bytes(_png(scene, _background(chance)))
    annotations = folder / "instances.json"
    annotations.write_text(json.dumps(_coco(scenes)), encoding="utf-8")
    return images, annotations


def _scene(chance: random.Random) -> list[Thing]:
    things = []
    for _ in range(chance.randint(1, 4)):
        side = chance.randint(16, 48)
        place = chance.randint(0, WIDTH - side), chance.randint(0, HEIGHT - side)
        colour = (chance.randint(120, 255), chance.randint(60, 255), chance.randint(60, 255))
        things.append(Thing(chance.choice(LABELS), *place, side, colour))
    return things


def _background(chance: random.Random) -> Colour:
    grey = chance.randint(10, 60)
    return grey, grey, grey + 20


def _name(number: int) -> str:
    return f"scene_{number:03d}.png"


def _png(scene: list[Thing], background: Colour) -> bytes:
    rows = [bytearray(bytes(background) * WIDTH) for _ in range(HEIGHT)]
    for thing in scene:
        for y in range(thing.y, thing.y + thing.side):
            for x in range(thing.x, thing.x + thing.side):
                if thing.covers(x, y):
                    rows[y][3 * x : 3 * x + 3] = bytes(thing.colour)
    # Each row is led by its filter: none.
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def _coco(scenes: list[list[Thing]]) -> dict[str, object]:
    return {
        "info": {"description": "seeded scenes, drawn by headrace's demo"},
        "images": [
            {"id": number, "file_name": _name(number), "width": WIDTH, "height": HEIGHT}
            for number in range(len(scenes))
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(LABELS, 1)],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": LABELS.index(thing.label) + 1,
                "bbox": [thing.x, thing.y, thing.side, thing.side],
                "segmentation": [thing.outline()],
                "area": thing.side**2,
                "iscrowd": 0,
            }
            for number, (image, thing) in enumerate(
                ((image, thing) for image, scene in enumerate(scenes) for thing in scene), 1
            )
        ],
    }
