#!/usr/bin/env python3
"""Feed damaged files to the readers: only typed errors may come out, in bounded time and memory.

tools/python tools/fuzz.py coco --seconds 60 --seed 1
tools/python tools/fuzz.py all --keep failing/
tools/python tools/fuzz.py all --cases 1000000

Besides the formats there are `results` (COCO's lists), `voc-devkit` (split lists, label maps, images' headers), `yolo-lists`
(lists of images, class names), `yolo-dota`, `yolo-sizes` (`image-sizes.jsonl`) and `rle`. Of the wire there are `requests`,
`answers`, `queries`, `texts` (cursors, signed URLs, headers) and `blobs` (packed shapes); `tools/fuzz_wire.py` has them.

The inputs are mutations of small valid files, or with ``--atheris`` chosen by coverage (atheris must be installed). An
input that causes another error is reported with its bytes, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

# It is started as a script, from any directory.
if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from headrace.errors import ConservationError, HeadraceError
from headrace.formats import ReadOptions, get
from headrace.formats.findings.collect import Findings
from headrace.formats.geometry import rle
from tools import fuzz_wire

SECONDS_PER_MB = 1.0
SLACK_SECONDS = 2.0

COCO = b"""{"info": {"y": 1}, "images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9, "x": [1, {"y": null}]},
{"id": 2, "file_name": "b\\u00e9.jpg", "width": 9, "height": 9}], "annotations": [
{"id": 1, "image_id": 2, "category_id": 1, "bbox": [1, 2.5, 3e0, 4], "segmentation": [[1, 1, 2, 2, 3, 1]], "area": 1, "iscrowd": 0},
{"id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": {"size": [9, 9], "counts": "X13V1"}, "score": 0.5},
{"id": 3, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "keypoints": [1, 2, 2], "attributes": {"k": "},{"}}],
"categories": [{"id": 1, "name": "cat", "keypoints": ["nose"], "skeleton": [[1, 1]]}]}"""

VIDEO = b"""{"videos": [{"id": 1, "file_name": "a.mp4", "width": 9, "height": 9}],
"images": [{"id": 1, "video_id": 1, "frame_id": 0}, {"id": 2, "video_id": 1, "frame_id": 1}], "annotations": [
{"id": 1, "image_id": 1, "video_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "frame_attributes": {"track_id": 1, "frame_id": 0,
"keyframe": true}}, {"id": 2, "video_id": 1, "category_id": 1, "bboxes": [[1, 2, 3, 4], null], "segmentations": [null, [[1, 1, 2, 2,
3, 1]]]}], "categories": [{"id": 1, "name": "cat"}]}"""

VOC = b"""<?xml version="1.0" encoding="utf-8"?><annotation><filename>a.jpg</filename><size><width>9</width><height>9</height>
<depth>3</depth></size><object><name>cat</name><pose/><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3.5</xmax>
<ymax>4</ymax></bndbox><polygon><x1>1</x1><y1>1</y1><x2>2</x2><y2>2</y2><x3>3</x3><y3>1</y3></polygon></object></annotation>"""

YAML = b"path: .\ntrain: images\nnames: {0: cat, 1: 'no', 2: 1e3}\nnc: 3\nkpt_shape: [2, 3]\ndownload: x\n"
RESULTS = b"""[{"image_id": 42, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}, {"image_id": 7, "category_id": 0,
"segmentation": {"size": [9, 9], "counts": "X13V1"}, "score": 1e-3}]"""
SPLITS = b"a  -1\n# b\nsub/c 1\r\na 0\n"
LABEL_MAP = b"# label:color_rgb:parts:actions\ncat:128,0,0:head,tail:jump\n"
LIST = b"\xef\xbb\xbf./images/a.png\r\ndata/images/a.png\n\n/somebody/images/a.png\n"
COUNTS = (b"P128000V1", b"PhV^;o0P12PdV^;", b"01222O", b"Xl41100Sl4")
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x09\x00\x00\x00\x09\x08"
JPEG = b"\xff\xd8\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0\xff\xc0\x00\x0b\x08\0\x09\0\x09\x01\x01\x11\0"
ROWS = b"0 0.5 0.5 0.5 0.5\n1 1e-1 0.2 0.3 0.4\r\n2.0 0.1 0.1 0.9 0.1 0.9 0.9\n1 .5 .5 .5 .5 .1 .2 2 .3 .4 1\n"

TOKENS = [
    b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0", b"[]", b"{}", b'""', b"[[", b"]]", b"},{", b'"', b"\\", b"\\ud800",
    b"\xff", b"\xef\xbb\xbf", b"\x00", b"99999999999999999999999", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<![CDATA[", b"-->",
    b"- ", b": ", b"!!python/object:os.system", b"&a [*a]", b"../../x", b"C:\\x", b"\n", b"\t",
]  # fmt: skip


def mutate(draw: random.Random, data: bytes) -> bytes:
    """Make a few random changes: flip bytes, cut or repeat parts, insert tokens that often break readers."""
    for _ in range(draw.choice((1, 1, 2, 3, 8))):
        at, end = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
        kind = draw.randrange(6)
        if kind == 0 and at < len(data):
            data = data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + data[min(end, at + 40) :]
        elif kind == 2:
            data = data[:at] + data[at:end] + data[at:]
        elif kind == 3:
            data = data[:at] + draw.choice(TOKENS) + data[at:]
        elif kind == 4:
            data = data[:at] + draw.choice(TOKENS) + data[end:]
        else:
            data = data[:end]
    return data[:1_000_000]


Change = Callable[[bytes], bytes]


def lay_json(folder: Path, seed: bytes, change: Change) -> Path:
    """Write one JSON file."""
    path = folder / "fuzz.json"
    path.write_bytes(change(seed))
    return path


def lay_voc(folder: Path, change: Change) -> Path:
    """Write one XML file."""
    path = folder / "fuzz.xml"
    path.write_bytes(change(VOC))
    return path


def lay_devkit(folder: Path, change: Change) -> Path:
    """Write a devkit: split lists, a label map, and an image with the size that the XML lacks."""
    return lay_files(
        folder,
        {
            "Annotations/a.xml": VOC.replace(b"<size>", b"<no>").replace(b"</size>", b"</no>"),
            "ImageSets/Main/train.txt": change(SPLITS),
            "ImageSets/Main/cat_val.txt": change(SPLITS),
            "labelmap.txt": change(LABEL_MAP),
            "JPEGImages/a.jpg": change(JPEG),
        },
    )


def lay_yolo(folder: Path, change: Change) -> Path:
    """Write a data.yaml, an invalid image, and its label file."""
    files = {"images/a.png": PNG, "labels/a.txt": ROWS, "data.yaml": YAML}
    return lay_files(folder, {name: change(content) for name, content in files.items()})


def lay_lists(folder: Path, change: Change) -> Path:
    """Write lists of images and of names, as for Darknet."""
    files = {
        "images/a.png": PNG,
        "labels/a.txt": ROWS,
        "train.txt": change(LIST),
        "classes.txt": change(b"cat\nno\n1e3\n"),
    }
    return lay_files(folder, files)


def lay_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


# The targets: the format that reads them, and the function that writes their files.
def lay_dota(folder: Path, change: Change) -> Path:
    """Write a label file of DOTA."""
    rows = (
        b"imagesource:GoogleEarth\ngsd:0.14\n1 1 5.5 1 5.5 4 1 4 plane 1\n2 2 3 2 3 3 2 3 ship 0\n"
    )
    return lay_files(folder, {"images/a.png": PNG, "labelTxt/a.txt": change(rows)})


def lay_sizes(folder: Path, change: Change) -> Path:
    """Write a list of sizes and label files, without images."""
    sizes = b'["images/a.png",10,20]\n["images/sub/b.png",5,5]\n["images/c.png",null,null]\n'
    files = {"data.yaml": YAML, "image-sizes.jsonl": change(sizes)}
    return lay_files(folder, files | {"labels/a.txt": ROWS, "labels/sub/b.txt": ROWS})


LAYERS: dict[str, tuple[str, Callable[[Path, Change], Path]]] = {
    "coco": ("coco", lambda folder, change: lay_json(folder, COCO, change)),
    "results": ("coco", lambda folder, change: lay_json(folder, RESULTS, change)),
    "coco-video": ("coco-video", lambda folder, change: lay_json(folder, VIDEO, change)),
    "voc": ("voc", lay_voc),
    "voc-devkit": ("voc", lay_devkit),
    "yolo": ("yolo", lay_yolo),
    "yolo-lists": ("yolo", lay_lists),
    "yolo-dota": ("yolo", lay_dota),
    "yolo-sizes": ("yolo", lay_sizes),
}
FILES = (*LAYERS, "rle")
TARGETS = (*FILES, *fuzz_wire.TARGETS)


def attempt(target: str, folder: Path, change: Change) -> int:
    """Read damaged input completely, and return in how many cases; raise every error that is not typed."""
    if target in fuzz_wire.TARGETS:
        return fuzz_wire.TARGETS[target](change)
    if target == "rle":
        return attempt_rle(change)
    attempt_files(target, folder, change)
    return 1


def attempt_files(target: str, folder: Path, change: Change) -> None:
    """Read a damaged source, twice: until its first error, and past all of them."""
    name, lay = LAYERS[target]
    path = lay(folder, change)
    options = ReadOptions(predictions=target == "results")
    for on_error in ("raise", "skip"):
        findings = Findings(on_error)
        started = time.perf_counter()
        try:
            read_all(name, path, findings, options)
        except ConservationError:
            # Typed, but a bug: the counts of a reader do not add up.
            raise
        except HeadraceError:
            pass
        seconds = time.perf_counter() - started
        size = sum(file.stat().st_size for file in _files(path))
        if seconds > SLACK_SECONDS + SECONDS_PER_MB * size / 1e6:
            raise TimeoutError(f"{seconds:.1f} s")


def attempt_rle(change: Change) -> int:
    """Decode damaged run lengths and return how many; accepted ones must fill the mask and survive a round trip."""
    for seed, (height, width) in zip(
        COUNTS, ((10, 10), (4000, 6000), (3, 4), (100, 100)), strict=True
    ):
        text = change(seed).decode("latin-1")
        try:
            counts = rle.decode(text, height, width)
        except HeadraceError:
            continue
        if sum(counts) != height * width or min(counts) < 0:
            raise ValueError(f"{text!r} became {counts}")
        if rle.decode(rle.encode(counts), height, width) != counts:
            raise ValueError(f"{text!r} does not survive a round trip")
        if not 0 <= rle.area(counts) <= height * width:
            raise ValueError(f"{text!r} has an area of {rle.area(counts)}")
        rle.bounds(counts, height)
    return len(COUNTS)


def read_all(format: str, path: Path, findings: Findings, options: ReadOptions) -> None:
    """Call every method of a reader."""
    with get(format).open(path, options=options, findings=findings) as reader:
        reader.labels()
        for _ in reader.filenames():
            pass
        for _ in reader.batches():
            pass
        reader.about()
        findings.check()


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def bound_memory(bytes_: int = 2 << 30) -> None:
    """Limit the memory of this process."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))


def run(target: str, seconds: float, seed: int, keep: Path | None, cases: int = 0) -> int:
    """Fuzz one target for some seconds, or for some cases, and return the number of failures."""
    failures = tries = done = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        while done < cases if cases else time.monotonic() < began + seconds:
            draw = random.Random(f"{target}-{seed}-{tries}")
            tries += 1
            try:
                done += attempt(target, Path(name), lambda data, draw=draw: mutate(draw, data))  # type: ignore[misc]
            except Exception:  # noqa: BLE001  any other error is a failure
                failures, done = failures + 1, done + 1
                print(
                    f"{target}: try {tries - 1} of seed {seed}\n{traceback.format_exc()}",
                    file=sys.stderr,
                )
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    for file in _files(Path(name)):
                        (keep / f"{target}-{tries}-{file.name}").write_bytes(file.read_bytes())
    took = time.monotonic() - began
    print(f"{target}: {done} cases in {took:.0f} s, {failures} failures", flush=True)
    return failures


def run_atheris(target: str, arguments: list[str]) -> None:
    """Let atheris choose the inputs; does not return."""
    import atheris

    folder = Path(tempfile.mkdtemp(prefix="headrace-fuzz-"))
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *arguments], lambda data: attempt(target, folder, lambda _: data))
    atheris.Fuzz()


def main() -> int:
    """Fuzz the targets of the command line."""
    parser = argparse.ArgumentParser(description="Feed damaged files to the readers.")
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=float, default=30.0, help="for each target")
    parser.add_argument("--cases", type=int, default=0, help="for each target, in place of a time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder for failing files")
    parser.add_argument("--atheris", action="store_true", help="coverage-guided; needs atheris")
    given, rest = parser.parse_known_args()
    bound_memory()
    if given.atheris:
        run_atheris(given.target, rest)
    if rest:
        parser.error(f"unknown arguments: {' '.join(rest)}")
    targets = TARGETS if given.target == "all" else (given.target,)
    return (
        1
        if sum(run(each, given.seconds, given.seed, given.keep, given.cases) for each in targets)
        else 0
    )


if __name__ == "__main__":
    sys.exit(main())
