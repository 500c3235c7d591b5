"""The perceptual hash of an image: which changes alter it and which do not."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from PIL import Image

from headrace.errors import MissingExtraError
from headrace.processing.duplicates import hash_pixels, image_hasher


def drawn(path: Path, seed: int, **save: object) -> Path:
    """A picture of blocks in many greys."""
    numbers = random.Random(seed)
    blocks = Image.new("L", (9, 8))
    blocks.putdata([numbers.randrange(256) for _ in range(72)])
    picture(blocks).save(path, **save)
    return path


def picture(blocks: Image.Image) -> Image.Image:
    return blocks.resize((360, 320), Image.Resampling.BICUBIC).convert("RGB")


def distance(one: int | None, other: int | None) -> int:
    assert one is not None
    assert other is not None
    return ((one ^ other) & ((1 << 64) - 1)).bit_count()


def test_known_bits() -> None:
    falling = bytes(range(250, 250 - 9, -1)) * 8
    assert hash_pixels(falling) == -1
    assert hash_pixels(falling[::-1]) == 0
    # The first bit is the highest one.
    assert hash_pixels(bytes([9, 0]) + bytes(70)) == -(1 << 63)
    assert hash_pixels(bytes(64 + 6) + bytes([9, 0])) == 1
    assert hash_pixels(bytes([7] * 72)) is None


def test_size_and_quality_hardly_move_it(tmp_path: Path) -> None:
    hash_file = image_hasher()
    original = hash_file(drawn(tmp_path / "a.png", 1))
    assert distance(original, hash_file(drawn(tmp_path / "a.jpg", 1, quality=40))) <= 4
    with Image.open(tmp_path / "a.png") as image:
        image.resize((123, 77)).save(tmp_path / "small.png")
        # Rotated, with an EXIF orientation that undoes the rotation.
        exif = Image.Exif()
        exif[0x0112] = 6
        image.rotate(90, expand=True).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert distance(original, hash_file(tmp_path / "small.png")) <= 4
    assert distance(original, hash_file(tmp_path / "turned.jpg")) <= 4
    assert distance(original, hash_file(drawn(tmp_path / "b.png", 2))) > 12


def test_what_has_no_hash(tmp_path: Path) -> None:
    hash_file = image_hasher()
    (tmp_path / "words.png").write_text("no picture")
    whole = drawn(tmp_path / "whole.png", 3).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (50, 50), "red").save(tmp_path / "plain.png")
    assert [hash_file(tmp_path / f"{name}.png") for name in ("words", "cut", "plain", "none")] == [
        None,
        None,
        None,
        None,
    ]


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"headrace\[images\]"):
        image_hasher()
