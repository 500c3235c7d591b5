"""Headers of videos: files that FFmpeg wrote, and the same cut short or changed.

The files in ``tests/data/videos`` show FFmpeg's test picture, 96 x 64 pixels at 10 frames per second.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.formats.io.video import VideoInfo, read_video
from headrace.formats.io.video.parts import MAX_READ
from tests.support.tiers import scaled

FOLDER = Path(__file__).resolve().parents[2] / "data" / "videos"
FILES = sorted(path.name for path in FOLDER.iterdir())
CONTENT = {name: (FOLDER / name).read_bytes() for name in FILES}


def whole(**more: object) -> VideoInfo:
    return VideoInfo(**({"width": 96, "height": 64, "duration": 1.2, "fps": 10.0} | more))  # type: ignore[arg-type]


FOUND = {
    "faststart.mp4": whole(frames=12),
    "fragmented.mp4": VideoInfo(width=96, height=64),
    "h264.mp4": whole(frames=12),
    "mjpeg.avi": whole(duration=0.3, frames=3),
    "mpeg4.avi": whole(frames=12),
    "quicktime.mov": whole(frames=12),
    "sound_first.avi": whole(duration=0.6, frames=6),
    "sound_first.mkv": whole(duration=1.225),
    "sound_first.mp4": whole(frames=12),
    "streamed.webm": whole(duration=None),
    "turned.mov": whole(width=64, height=96, frames=12),
    "unknown.mpg": None,
    "vp9.webm": whole(),
    "wide_pixels.mp4": whole(frames=12),
}


def test_every_file_is_expected() -> None:
    assert set(FOUND) == set(FILES)
    assert all(len(content) < 20_000 for content in CONTENT.values())


@pytest.mark.parametrize("name", FILES)
def test_what_the_header_says(name: str) -> None:
    assert read_video(FOLDER / name) == FOUND[name]


@pytest.mark.parametrize("content", [b"", b"ftyp", b"\0\0\0\x08moov", b"RIFF\0\0\0\0AVI LIST"])
def test_a_stump_is_unknown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert read_video(tmp_path / "x") is None


def test_old_quicktime_begins_without_a_type(tmp_path: Path) -> None:
    content = CONTENT["quicktime.mov"]
    (tmp_path / "x.mov").write_bytes(content[int.from_bytes(content[:4], "big") :])
    assert read_video(tmp_path / "x.mov") == FOUND["quicktime.mov"]


def test_a_size_of_64_bits_and_one_to_the_end(tmp_path: Path) -> None:
    content = CONTENT["faststart.mp4"]
    at = content.index(b"mdat") - 4
    ahead = b"\0\0\0\1mdat" + (3 << 32).to_bytes(8, "big")
    with (tmp_path / "huge.mp4").open("wb") as file:
        file.write(content[: content.index(b"moov") - 4] + ahead)
        file.seek(-16 + (3 << 32), os.SEEK_CUR)
        file.write(b"\0\0\0\0" + content[content.index(b"moov") : at])
    assert read_video(tmp_path / "huge.mp4") == FOUND["faststart.mp4"]


@pytest.mark.parametrize(
    ("first", "part"),
    [
        (b"\0\0\0\x08ftyp\0\0\0\0", b"\0\0\0\x08free"),
        (b"RIFF\0\0\0\0AVI ", b"JUNK\0\0\0\0"),
        (b"\x1a\x45\xdf\xa3\x80", b"\xec\x80"),
        (b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff", b"\x1f\x43\xb6\x75\x80"),
    ],
)
def test_a_file_of_nothing_but_parts_is_left_soon(
    tmp_path: Path, first: bytes, part: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(first + part * 1_000_000)
    lengths = []

    def counted(fd: int, length: int, at: int) -> bytes:
        lengths.append(length)
        return pread(fd, length, at)

    pread = os.pread
    monkeypatch.setattr(os, "pread", counted)
    assert read_video(tmp_path / "x") is None
    assert 0 < sum(lengths) <= MAX_READ
    assert len(lengths) < 100_000


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos") / "changed"


@settings(max_examples=scaled(1500))
@given(data=st.data())
def test_a_changed_file_is_read_or_unknown(scratch: Path, data: st.DataObject) -> None:
    """Whatever was changed in a file, its size is positive or unknown, and nothing is raised."""
    name = data.draw(st.sampled_from(FILES))
    content = bytearray(CONTENT[name])
    ends = st.integers(0, min(len(content) - 1, 800)) | st.integers(0, len(content) - 1)
    for at in data.draw(st.lists(ends, min_size=1, max_size=6)):
        content[at : at + 1] = data.draw(st.binary(min_size=0, max_size=9))
        if at >= len(content):
            break
    cut = data.draw(st.none() | st.integers(0, len(content)))
    scratch.write_bytes(content[:cut])
    found = read_video(scratch)
    if found is not None:
        assert found.width > 0
        assert found.height > 0
        assert all(
            value is None or 0 < value < float("inf")
            for value in (found.duration, found.fps, found.frames)
        )
