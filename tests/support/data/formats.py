"""What tests of formats share: small images, datasets laid out by hand, reading with all findings at hand."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct

from headrace.errors import FormatError, HeadraceError
from headrace.formats import ReadOptions, get
from headrace.formats.findings.collect import Finding, Findings
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Keypoints, Polygon, Rectangle

SAMPLES = Path(os.environ.get("HEADRACE_SAMPLES") or Path(__file__).parents[4] / "shared" / "data")


def samples(*parts: str) -> Path:
    """A folder of other people's files; the test is skipped where they are not at hand."""
    path = SAMPLES.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"sample data {'/'.join(parts)} is not beside this checkout")
    return path


def png(width: int, height: int) -> bytes:
    """A PNG of this size, black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = (b"\0" + bytes((width + 7) // 8)) * height if width * height < 1_000_000 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def jpeg(width: int, height: int, orientation: int) -> bytes:
    """The head of a JPEG with EXIF's orientation."""
    ifd = struct.pack("<HHHLHHL", 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<L", 8) + ifd
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"
    return (
        b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        + b"\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"
    )  # fmt: skip


def lay_out(root: Path, files: Mapping[str, str | bytes | tuple[int, int]]) -> Path:
    """Make files below ``root``: text, bytes, or an image of a size."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, tuple):
            path.write_bytes(png(*content))
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


class Reading(Struct):
    """What came of reading: samples, labels, findings, and what the source says of itself."""

    samples: list[Sample]
    labels: list[LabelInfo]
    findings: Findings
    about: dict[str, Any]

    @property
    def codes(self) -> set[str]:
        return {finding.code for finding in self.findings}

    @property
    def names(self) -> list[str]:
        return [label.name for label in self.labels]

    @property
    def shapes(self) -> list[Any]:
        return [shape for sample in self.samples for shape in sample.shapes]

    def of(self, code: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.code == code]

    def sample(self, filename: str) -> Sample:
        (found,) = [sample for sample in self.samples if sample.filename == filename]
        return found


def read(
    path: Path, format: str, *, strict: bool = False, on_error: str = "raise", **options: Any
) -> Reading:
    """Read everything, twice, and check that nothing vanished and that both times it is the same."""
    findings = Findings(on_error, strict=strict)  # type: ignore[arg-type]
    reader = get(format).open(path, options=ReadOptions(**options), findings=findings)
    with reader:
        labels = reader.labels()
        found = [sample for batch in reader.batches() for sample in batch]
        findings.check()
        again = [sample for batch in reader.batches() for sample in batch]
        names = [name for batch in reader.filenames() for name in batch]
        assert again == found
        if not any(finding.dropped_images for finding in findings):
            assert names == [sample.filename for sample in found]
        findings.check()
        return Reading(found, labels, findings, reader.about())


def strict_fails(path: Path, format: str, code: str, **options: Any) -> None:
    """Reading strictly ends in an error that names the rule."""
    with pytest.raises(FormatError) as caught:
        read(path, format, strict=True, **options)
    assert code in str(caught.value)


def fails(path: Path, format: str, **options: Any) -> HeadraceError:
    """Reading ends in a typed error, also leniently."""
    with pytest.raises(HeadraceError) as caught:
        read(path, format, **options)
    return caught.value


def numbers(shape: Any) -> list[float]:
    """A shape's coordinates, for comparing with tolerance."""
    if isinstance(shape, Rectangle):
        return [shape.x, shape.y, shape.w, shape.h]
    if isinstance(shape, Polygon):
        return [value for ring in shape.rings for value in ring]
    assert isinstance(shape, Keypoints)
    return list(shape.points)


def class_numbers(target: Path, format: str) -> dict[str, int]:
    """The classes of a COCO file or a YOLO folder with their numbers, in its order."""
    if format == "yolo":
        names = yaml.safe_load((target / "data.yaml").read_text())["names"]
        return {name: number for number, name in names.items()}
    found = json.loads(target.read_text())["categories"]
    return {category["name"]: category["id"] for category in found}
