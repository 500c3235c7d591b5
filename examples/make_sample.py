"""Draw sample images, with a COCO file that says what is on them.

    python examples/make_sample.py sample

makes ``sample/images`` (24 PNG files of 160 x 120 pixels) and ``sample/annotations.json``. It needs the standard
library only, and the same seed always draws the same images.
"""

from __future__ import annotations

import argparse
import json
import random
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 160, 120
LABELS = ("box", "disc", "triangle")

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Drawing:
    """One drawn object: its label, its bounding square in pixels, and its colour."""

    label: str
    x: int
    y: int
    side: int
    colour: Colour

    def polygon(self) -> list[int]:
        """Return the outline as a flat list of x and y; a disc becomes an octagon."""
        x, y, s = self.x, self.y, self.side
        if self.label == "triangle":
            return [x, y + s, x + s // 2, y, x + s, y + s]
        if self.label == "box":
            return [x, y, x + s, y, x + s, y + s, x, y + s]
        c = round(s * 0.29)
        return [x + c, y, x + s - c, y, x + s, y + c, x + s, y + s - c,
                x + s - c, y + s, x + c, y + s, x, y + s - c, x, y + c]  # fmt: skip

    def covers(self, px: int, py: int) -> bool:
        """Return whether the object covers the pixel."""
        dx, dy = px + 0.5 - self.x, py + 0.5 - self.y
        if not (0 <= dx <= self.side and 0 <= dy <= self.side):
            return False
        half = self.side / 2
        if self.label == "disc":
            return (dx - half) ** 2 + (dy - half) ** 2 <= half**2
        return self.label == "box" or abs(dx - half) <= dy / 2


def draw_dataset(folder: Path, *, count: int = 24, seed: int = 7) -> tuple[Path, Path]:
    """Draw ``count`` images below ``folder``.

    Returns:
        The folder of the images, and the COCO file.

    Raises:
        FileExistsError: A file exists already and has other content; it is left as it is.
    """
    chance = random.Random(seed)
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    scenes = [_scene(chance) for _ in range(count)]
    for number, scene in enumerate(scenes):
        _write(images / _name(number), _png(scene, _background(chance)))
    annotations = folder / "annotations.json"
    _write(annotations, json.dumps(_coco(scenes)).encode())
    return images, annotations


def main(arguments: list[str] | None = None) -> int:
    """Draw the sample that the command line asks for."""
    parser = argparse.ArgumentParser(description="Draw sample images and their COCO annotations.")
    parser.add_argument("folder", type=Path, help="where to put them; made where it is missing")
    parser.add_argument("--count", type=int, default=24, help="how many images (default: 24)")
    parser.add_argument("--seed", type=int, default=7, help="another seed draws other images")
    options = parser.parse_args(arguments)
    try:
        images, annotations = draw_dataset(options.folder, count=options.count, seed=options.seed)
    except FileExistsError as error:
        print(f"error: {error.filename} exists already. Choose another folder", file=sys.stderr)
        return 1
    print(f"{options.count} images in {images}, their annotations in {annotations}")
    return 0


def _write(path: Path, content: bytes) -> None:
    """Write a file, but never over another one; the same content may be there from an earlier run."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        if not path.is_file() or path.read_bytes() != content:
            raise


def _scene(chance: random.Random) -> list[Drawing]:
    objects = []
    for _ in range(chance.randint(1, 4)):
        side = chance.randint(16, 48)
        corner = chance.randint(0, WIDTH - side), chance.randint(0, HEIGHT - side)
        colour = (chance.randint(120, 255), chance.randint(60, 255), chance.randint(60, 255))
        objects.append(Drawing(chance.choice(LABELS), *corner, side, colour))
    return objects


def _background(chance: random.Random) -> Colour:
    grey = chance.randint(10, 60)
    return grey, grey, grey + 20


def _name(number: int) -> str:
    return f"scene_{number:03d}.png"


def _png(scene: list[Drawing], background: Colour) -> bytes:
    rows = [bytearray(bytes(background) * WIDTH) for _ in range(HEIGHT)]
    for drawing in scene:
        for y in range(drawing.y, drawing.y + drawing.side):
            for x in range(drawing.x, drawing.x + drawing.side):
                if drawing.covers(x, y):
                    rows[y][3 * x : 3 * x + 3] = bytes(drawing.colour)
    # Every row begins with the number of its filter; 0 is none.
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def _coco(scenes: list[list[Drawing]]) -> dict[str, object]:
    return {
        "info": {"description": "sample images, drawn by headrace's examples/make_sample.py"},
        "images": [
            {"id": number, "file_name": _name(number), "width": WIDTH, "height": HEIGHT}
            for number in range(len(scenes))
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(LABELS, 1)],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": LABELS.index(drawing.label) + 1,
                "bbox": [drawing.x, drawing.y, drawing.side, drawing.side],
                "segmentation": [drawing.polygon()],
                "area": drawing.side**2,
                "iscrowd": 0,
            }
            for number, (image, drawing) in enumerate(
                ((image, drawing) for image, scene in enumerate(scenes) for drawing in scene), 1
            )
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
