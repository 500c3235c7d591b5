"""However many processes convert, what is written, reported and raised is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.convert.run import convert_blocking
from headrace.errors import ConfigurationError, FormatError, HeadraceError
from tests.support.data.sources import COUNT, SOURCES, coco, yolo
from tests.support.tiers import slow

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
            on_finding=told.append,
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


@pytest.mark.parametrize(
    ("source", "target", "policy"),
    [
        ("voc", "coco", {}),
        ("yolo", "voc", {"on_error": "collect"}),
        ("coco", "yolo", {"strict": True}),
        slow("voc", "coco", {"on_error": "collect"}),
        slow("voc", "coco", {"strict": True}),
        slow("yolo", "voc", {}),
        slow("yolo", "voc", {"strict": True}),
        slow("coco", "yolo", {}),
        slow("coco", "yolo", {"on_error": "collect"}),
    ],
)
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


def images(root: Path, names: list[str]) -> Path:
    """Images of these names, each with one box."""
    root.mkdir()
    document = {
        "images": [
            {"id": n, "file_name": name, "width": 64, "height": 48} for n, name in enumerate(names)
        ],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "bbox": [n % 40, 1, 9, 5]}
            for n in range(len(names))
        ],
        "categories": [{"id": 1, "name": "a"}],
    }
    path = root / "source.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("target", ["yolo", "voc"])
def test_names_that_come_again_are_the_same(tmp_path: Path, target: str) -> None:
    """So many that files are no longer handed over; in other cases, with numbers that others have, as folders."""
    names = [f"{n}.{suffix}" for n in range(1500) for suffix in ("jpg", "png")]
    names += ["7-2.bmp", "x.jpg", "x-2.jpg", "x.png", "X.JPG", "\u00c5.jpg", "A\u030a.jpg"]
    names += ["y.txt/1.jpg", "y.xml/1.jpg", "y.jpg", "y.xml/1.png"]
    seen = both(images(tmp_path / "source", names), tmp_path, to=target)
    assert len(seen["files"]) >= len(names)


@pytest.mark.parametrize(("target", "suffix"), [("yolo", "txt"), ("voc", "xml")])
def test_a_folder_in_the_place_of_a_file_is_the_same(
    tmp_path: Path, target: str, suffix: str
) -> None:
    names = [*(f"{n}.jpg" for n in range(50)), f"7.{suffix}/1.jpg"]
    source = images(tmp_path / "source", names)
    for workers in (1, 3):
        (tmp_path / str(workers)).mkdir()
        with pytest.raises(FileExistsError, match=rf"7\.{suffix}'$"):
            convert_blocking(source, tmp_path / str(workers) / "out", to=target, workers=workers)
        assert not [*(tmp_path / str(workers)).iterdir()]


def test_classes_that_nothing_names_are_the_same(tmp_path: Path) -> None:
    path = yolo(tmp_path / "source")
    (path / "data.yaml").unlink()
    both(path, tmp_path, to="coco", from_="yolo", on_error="skip")


def test_at_least_one_worker(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="workers=0 is too small"):
        convert_blocking(coco(tmp_path / "source"), tmp_path / "out", to="yolo", workers=0)
