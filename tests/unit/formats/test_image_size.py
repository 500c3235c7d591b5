"""Sizes from headers, against Pillow on real files, and on hostile ones."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from headrace.formats.io.image_size import ImageSize, read_size
from tests.support.data.formats import samples
from tests.support.tiers import scaled

FORMATS = ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "MPO"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (640, 481), (3000, 2)])
def test_what_pillow_writes(tmp_path: Path, format: str, size: tuple[int, int]) -> None:
    path = tmp_path / "x"
    Image.new("RGB", size).save(path, format)
    assert read_size(path) == ImageSize(*size)
    assert read_size(str(path)) == ImageSize(*size)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_told_not_applied(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "x.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (30, 20)).save(path, exif=exif)
    assert read_size(path) == ImageSize(30, 20, orientation)


def test_a_frame_far_behind_the_start(tmp_path: Path) -> None:
    plain = io.BytesIO()
    Image.new("RGB", (30, 20)).save(plain, "JPEG")
    comment = b"\xff\xfe" + (60_000).to_bytes(2, "big") + b"x" * 59_998
    path = tmp_path / "x.jpg"
    path.write_bytes(plain.getvalue()[:2] + comment * 20 + plain.getvalue()[2:])
    assert read_size(path) == ImageSize(30, 20)


def test_a_header_like_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    written = io.BytesIO()
    for size in ((30, 20), (31, 22), (4000, 3)):
        written = io.BytesIO()
        Image.new("RGB", size).save(written, "JPEG")
        path.write_bytes(written.getvalue())
        assert read_size(path) == ImageSize(*size)
    frame = written.getvalue().index(b"\xff\xc0")
    for length in range(frame, frame + 9):
        path.write_bytes(written.getvalue()[:length])
        assert read_size(path) is None
    path.write_bytes(written.getvalue()[: frame + 5] + bytes(50))
    assert read_size(path) is None


def test_portable_float_maps(tmp_path: Path) -> None:
    path = tmp_path / "x.pfm"
    path.write_bytes(b"PF\n12 34\n-1.0\n" + bytes(100))
    assert read_size(path) == ImageSize(12, 34)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"x", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"<svg width='1' height='1'/>", b"\xff\xd8\xff",
        b"\xff\xd8\xff\xda" + bytes(50), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20), b"BM" + bytes(60),
        b"II*\0" + b"\xff" * 60, b"RIFF0000WEBPVP8 ", b"\0\0\0\x18ftypheic" + bytes(100),
        b"\xff\xd8" + b"\xff\xe0\0\2" * 1000,
    ],
)  # fmt: skip
def test_what_is_no_image_has_no_size(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    assert read_size(path) is None


def test_a_pipe_is_not_waited_on(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "x.jpg")
    assert read_size(tmp_path / "x.jpg") is None


MAGIC = [
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1\0\x20Exif\0\0II*\0", b"GIF89a",
    b"BM", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"RIFF\0\0\0\0WEBPVP8X", b"\0\0\0\x18ftypmif1", b"P6\n",
    b"\0\0\0\x0cjP  \r\n\x87\n", b"PF\n",
]  # fmt: skip


@settings(max_examples=scaled(400), deadline=1000)
@given(st.sampled_from(MAGIC), st.binary(max_size=300))
def test_any_bytes_have_a_size_or_none(
    tmp_path_factory: pytest.TempPathFactory, magic: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jpg"
    path.write_bytes(magic + rest)
    size = read_size(path)
    assert size is None or (size.width > 0 and size.height > 0 and 1 <= size.orientation <= 8)


def test_real_files_like_pillow() -> None:
    count = 0
    for folder in ("raccoon", "bccd", "roboflow-cones", "ultralytics-hub", "cvat-polygons"):
        for path in sorted(samples(folder).rglob("*")):
            if path.suffix.lower() in (".jpg", ".png", ".jpeg"):
                with Image.open(path) as image:
                    size = read_size(path)
                    assert size is not None
                    assert (size.width, size.height) == image.size
                    count += 1
    assert count > 600
