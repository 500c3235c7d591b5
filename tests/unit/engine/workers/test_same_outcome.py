"""However many processes convert, what is written, reported and raised is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.convert import convert_blocking
from headrace.errors import ConfigurationError, FormatError, HeadraceError
from tests.support.formats import lay_out

COUNT = 150
XML = """<annotation><filename>{name}.jpg</filename>
<size><width>64</width><height>48</height><depth>3</depth></size>{objects}</annotation>
"""
OBJECT = """<object><name>{label}</name><truncated>{flag}</truncated><bndbox><xmin>{x}</xmin><ymin>2</ymin>
<xmax>{right}</xmax><ymax>9.5</ymax></bndbox></object>
"""


def coco(root: Path) -> Path:
    """Polygons, crowds, a label that nothing declares, images whose names differ in their suffix alone."""
    root.mkdir()
    annotations: list[dict[str, Any]] = [
        {
            "id": n + 1,
            "image_id": n * 7 % COUNT,
            "category_id": n % 3,
            "bbox": [n % 40, 1.5, n % 30, 4],
            "area": 13.5,
            "iscrowd": 0,
            "segmentation": [[1, 1, 9, 1, 9, n % 9 + 2]] if n % 2 else [],
        }
        for n in range(4 * COUNT)
    ]
    annotations[30] |= {"category_id": 77}
    annotations[90] |= {"keypoints": [1, 1, 2], "num_keypoints": 1}
    annotations[200] |= {"iscrowd": 1, "segmentation": {"size": [48, 64], "counts": [3000, 72]}}
    images = [
        {"id": n, "file_name": f"{n % 5}/{n // 2}.{'jpg' if n % 2 else 'png'}"}
        | ({} if n == 40 else {"width": 64, "height": 48})
        for n in range(COUNT)
    ]
    images[60]["file_name"] = "../out.jpg"
    names = [{"id": n, "name": f"label {n}"} for n in range(4)]
    path = root / "source.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": names}))
    return path


def voc(root: Path) -> Path:
    """Plain files, a polygon, entities, damaged and foreign files, two splits, a file that is in no list."""
    files: dict[str, str | bytes | tuple[int, int]] = {}
    for n in range(COUNT):
        objects = "".join(
            OBJECT.format(label=f"l{(n + k) % 7}", flag=k % 2, x=k + 1, right=k + 5 - n % 4)
            for k in range(n % 5)
        )
        files[f"Annotations/{n % 3}/{n:03}.xml"] = XML.format(name=f"{n:03}", objects=objects)
    files["Annotations/0/030.xml"] = XML.format(
        name="30 &amp; 1", objects=OBJECT.format(label="a &lt; b", flag=1, x=0, right=64)
    )
    files["Annotations/1/061.xml"] = "<annotation><object></annotation>"
    files["Annotations/2/092.xml"] = "<html/>"
    files["ImageSets/Main/train.txt"] = "".join(f"{n % 3}/{n:03}\n" for n in range(100))
    files["ImageSets/Main/val.txt"] = "".join(f"{n % 3}/{n:03}\n" for n in range(95, 140))
    return lay_out(root, files)


def yolo(root: Path) -> Path:
    """Plain rows, polygons, damaged rows, an unknown class, images without labels and labels without images."""
    files: dict[str, str | bytes | tuple[int, int]] = {"data.yaml": "names: [a, b, c]\n"}
    for n in range(COUNT):
        files[f"images/train/{n:03}.png"] = (64, 48 + n % 3)
        rows = [f"{k % 3} 0.5 0.5 0.{k + 1} 0.25" for k in range(n % 6)]
        files[f"labels/train/{n:03}.txt"] = "\n".join(rows)
    files["labels/train/020.txt"] = "0 0.1 0.1 0.9 0.1 0.9 0.9\n1 .5 +0.5 0.1 0.1\n"
    files["labels/train/050.txt"] = "0 0.5 0.5 0.1\n2 0.5 0.5 0.1 0.1\n9 0.5 0.5 0.1 0.1\n"
    files["labels/train/080.txt"] = b"\xff\xfe\n"
    files["labels/train/lonely.txt"] = "0 0.5 0.5 0.1 0.1\n"
    del files["labels/train/100.txt"]
    files["images/train/110.png"] = b"no image"
    return lay_out(root, files)


SOURCES = {"coco": coco, "voc": voc, "yolo": yolo}
PAIRS = [(source, target) for source in SOURCES for target in SOURCES]


def content(path: Path) -> dict[str, bytes]:
    """Every file below a path."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return {str(each.relative_to(path)): each.read_bytes() for each in files}


def outcome(source: Path, target: Path, workers: int, **options: Any) -> dict[str, Any]:
    """All that can be seen of a conversion."""
    told: list[Any] = []
    seen: dict[str, Any] = {}
    try:
        report = convert_blocking(
            source,
            target,
            workers=workers,
            batch=16,
            on_finding=lambda *finding: told.append(finding),
            **options,
        )
    except HeadraceError as error:
        seen |= {"error": type(error), "text": str(error)}
    else:
        report.seconds = 0
        report.target = ""
        seen |= {"report": report, "told": sorted(told, key=repr)}
    seen["files"] = content(target) if target.exists() else None
    # Nothing of it lies beside the target.
    assert {each.name for each in target.parent.iterdir()} <= {target.name}
    return seen


def both(source: Path, tmp_path: Path, **options: Any) -> dict[str, Any]:
    """The outcome of one process, and of several, which must be equal."""
    outcomes = []
    for workers in (1, 3):
        folder = tmp_path / f"by {workers}"
        folder.mkdir()
        outcomes.append(outcome(source, folder / "out", workers, **options))
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_everything_is_the_same(tmp_path: Path, source: str, target: str) -> None:
    seen = both(SOURCES[source](tmp_path / "source"), tmp_path, to=target, on_error="skip")
    assert seen["report"].images_out > COUNT - 5
    assert seen["report"].findings


@pytest.mark.parametrize(("source", "target"), [("voc", "coco"), ("yolo", "voc"), ("coco", "yolo")])
@pytest.mark.parametrize("policy", [{}, {"on_error": "collect"}, {"strict": True}])
def test_the_same_error_and_no_trace(
    tmp_path: Path, source: str, target: str, policy: dict[str, Any]
) -> None:
    seen = both(SOURCES[source](tmp_path / "source"), tmp_path, to=target, **policy)
    assert issubclass(seen["error"], FormatError)
    assert seen["files"] is None


def test_what_could_not_be_written_comes_before_what_cannot_be_read(tmp_path: Path) -> None:
    path = coco(tmp_path / "source")
    document = json.loads(path.read_text())
    for annotation in document["annotations"]:
        if annotation["image_id"] == 149:
            annotation["segmentation"] = {"size": [48, 64], "counts": "~"}
    path.write_text(json.dumps(document))
    seen = both(path, tmp_path, to="voc", on_error="raise", images=str(tmp_path))
    assert issubclass(seen["error"], FormatError)


@pytest.mark.parametrize("target", ["yolo", "voc"])
def test_a_dry_run_is_the_same(tmp_path: Path, target: str) -> None:
    seen = both(coco(tmp_path / "source"), tmp_path, to=target, on_error="skip", dry_run=True)
    assert seen["files"] is None


@pytest.mark.parametrize("task", ["segment", "pose", "obb", "classify"])
def test_every_task_is_the_same(tmp_path: Path, task: str) -> None:
    both(coco(tmp_path / "source"), tmp_path, to="yolo", on_error="skip", task=task)


def test_classes_that_nothing_names_are_the_same(tmp_path: Path) -> None:
    path = yolo(tmp_path / "source")
    (path / "data.yaml").unlink()
    both(path, tmp_path, to="coco", from_="yolo", on_error="skip")


def test_at_least_one_worker(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="0 workers"):
        convert_blocking(coco(tmp_path / "source"), tmp_path / "out", to="yolo", workers=0)
