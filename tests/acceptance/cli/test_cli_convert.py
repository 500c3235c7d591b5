"""``headrace convert``: the order of classes, the report of findings, video COCO, and the state after an interruption."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.data.formats import class_numbers
from tests.support.data.sources import SOURCES, coco, coco_video, voc, yolo
from tests.support.processes.cli import Outcome, assert_interrupted, headrace, interrupted
from tests.support.tiers import slow

ORDERED = {
    "source": ["zebra", "ant", "bee, wild"],
    "name": ["ant", "bee, wild", "zebra"],
    "cow, zebra": ["cow", "zebra", "ant", "bee, wild"],
    "cow": ["cow", "zebra", "ant", "bee, wild"],
    "@classes.txt": ["bee, wild", "cow", "ant", "zebra"],
}


def small(root: Path) -> Path:
    """Three classes with unordered ids, one with a comma in its name."""
    named = {70: "zebra", 9: "ant", 30: "bee, wild"}
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": n, "bbox": [1, 1, 4, 4], "iscrowd": 0}
            for n in named
        ],
        "categories": [{"id": number, "name": name} for number, name in named.items()],
    }
    path = root / "small.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("target", ["coco", "yolo", "coco-video"])
@pytest.mark.parametrize("order", ORDERED)
def test_the_order_of_classes(tmp_path: Path, target: str, order: str) -> None:
    source, out = small(tmp_path), tmp_path / ("out.json" if target == "coco" else "out")
    (tmp_path / "classes.txt").write_bytes(b"\xef\xbb\xbfbee, wild\r\n\r\n  cow\n\nant\nzebra\n\n")
    options = ["--class-order", order, "--json", *["--allow-empty"][: target == "coco-video"]]
    done = headrace("convert", source, out, "--to", target, *options, cwd=tmp_path)
    assert done.status == 0, done
    first = 0 if target == "yolo" else 1
    expected = {name: number for number, name in enumerate(ORDERED[order], start=first)}
    if order == "source" and target != "yolo":
        expected = {"zebra": 70, "ant": 9, "bee, wild": 30}
    assert class_numbers(out, target) == expected
    notes = [each for each in done.json()["findings"] if each["code"] == "CLASS"]
    assert [note["examples"] for note in notes] == ([["'cow'"]] if "cow" in expected else [])


def test_voc_has_the_order_in_its_map(tmp_path: Path) -> None:
    done = headrace(
        "convert", small(tmp_path), tmp_path / "out", "--to", "voc", "--class-order", "name"
    )
    assert done.status == 0, done
    lines = (tmp_path / "out/labelmap.txt").read_text().splitlines()
    assert lines[1:] == ["ant:::", "bee, wild:::", "zebra:::"]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("nmae", "unknown class order 'nmae'. Did you mean 'name'?"),
        ("Source", "Did you mean 'source'? To give a class of that name, use a file: @FILE"),
        ("", "name 1 in the class order is empty. Remove it"),
        ("ant,,zebra", "name 2 in the class order is empty. Remove it"),
        ("ant,zebra,ant", "names 'ant' twice, at 1 and 3. Remove one of them"),
        ("@nowhere.txt", "nowhere.txt: no such file or directory. @ is followed by a text file"),
        ("@folder", "folder: is a directory. @ is followed by a text file"),
        ("@empty.txt", "the class order is an empty list"),
        ("@twice.txt", "names 'ant' twice"),
        ("@latin.txt", "latin.txt at byte 1: the file is not UTF-8. It must be UTF-8"),
    ],
)
def test_an_order_that_is_none(tmp_path: Path, order: str, words: str) -> None:
    source = small(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "twice.txt").write_text("ant\nzebra\nant\n")
    (tmp_path / "latin.txt").write_bytes(b"f\xe9e\n")
    before = set(os.listdir(tmp_path))
    arguments = ["convert", source, "out", "--to", "yolo", "--class-order", order]
    done = headrace(*arguments, cwd=tmp_path)
    assert done.status == 2, done
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert words in done.err
    assert headrace(*arguments, "--json", cwd=tmp_path).json()["error"]["code"]
    assert set(os.listdir(tmp_path)) == before


LAST_RUN = '{"code":"C09","severity":"error","message":"of the last run"}\n'


def lines(report: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]


def summed(answer: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    """Return the counts by code and message, of report lines or of a summary."""
    sums = Counter[tuple[str, str]]()
    for line in answer:
        sums[line["code"], line["message"]] += line.get("count", 1)
    return sums


def reported(tmp_path: Path, source: Path, to: str, *options: str) -> Outcome:
    """Run a conversion with a report inside the folder of all files."""
    arguments = ["convert", source, "out", "--to", to, "--report", "all.jsonl", "--json"]
    return headrace(*arguments, *options, cwd=tmp_path)


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize(("source", "to"), [("coco", "yolo"), ("voc", "coco"), ("yolo", "voc")])
def test_a_report_adds_up_to_the_summary(
    tmp_path: Path, source: str, to: str, workers: str
) -> None:
    path, report = SOURCES[source](tmp_path / "source"), tmp_path / "all.jsonl"
    report.write_text(LAST_RUN)
    done = reported(tmp_path, path, to, "--on-error", "skip", "--workers", workers)
    assert done.status == 0, done
    answer = done.json()
    assert answer["report"] == str(report)
    assert summed(lines(report)) == summed(answer["findings"])
    assert {line["severity"] for line in lines(report)} >= {"error", "warning"}
    assert set(os.listdir(tmp_path)) == {"source", "out", "all.jsonl"}


def test_people_are_told_where_the_report_is(tmp_path: Path) -> None:
    source, report = small(tmp_path), tmp_path / "all.jsonl"
    done = headrace("convert", source, tmp_path / "out", "--to", "coco", "--report", report)
    assert done.out.splitlines()[-1] == f"all findings: {report}"
    without = headrace("convert", source, tmp_path / "other", "--to", "coco", "--json")
    assert without.json()["report"] is None


def test_a_dry_run_writes_the_report_alone(tmp_path: Path) -> None:
    path, report = coco(tmp_path / "source"), tmp_path / "all.jsonl"
    dry = reported(tmp_path, path, "yolo", "--on-error", "skip", "--dry-run")
    assert dry.status == 0, dry
    assert set(os.listdir(tmp_path)) == {"source", "all.jsonl"}
    answer = report.read_bytes()
    assert summed(lines(report)) == summed(dry.json()["findings"])
    reported(tmp_path, path, "yolo", "--on-error", "skip")
    assert report.read_bytes() == answer


def test_what_makes_a_conversion_fail_is_in_the_report(tmp_path: Path) -> None:
    path, report = yolo(tmp_path / "source"), tmp_path / "all.jsonl"
    failed = reported(tmp_path, path, "coco")
    assert failed.status == 1
    error, last = failed.json()["error"], lines(report)[-1]
    assert error["message"].startswith(f"{last['code']}  {last['message']}")
    assert (error["path"], error["line"]) == (last["path"], last["line"])

    collected = reported(tmp_path, path, "coco", "--on-error", "collect")
    assert collected.status == 1
    assert sum(line["severity"] == "error" for line in lines(report)) == int(
        collected.json()["error"]["message"].split()[0]
    )

    strict = reported(tmp_path, voc(tmp_path / "voc"), "yolo", "--strict")
    assert strict.status == 1
    assert strict.json()["error"]["message"].startswith(lines(report)[-1]["code"])
    assert set(os.listdir(tmp_path)) == {"source", "voc", "all.jsonl"}


def test_an_error_with_examples_says_how_to_see_them_all(tmp_path: Path) -> None:
    """Counts by kind, three examples of each, and a way to the rest."""
    folder = tmp_path / "data"
    (folder / "labels").mkdir(parents=True)
    (folder / "data.yaml").write_text("train: images\nnames: [cat]\n")
    (folder / "image-sizes.jsonl").write_text('["images/1.jpg",9,9]\n')
    (folder / "labels" / "1.txt").write_text("0 0.5\n" * 5 + "0 a\n")
    failed = headrace(
        "convert", "data", "o.json", "--to", "coco", "--on-error", "collect", cwd=tmp_path
    )
    first, *kinds, cure = failed.err.splitlines()
    assert first == "error: 6 records do not conform to the format; nothing was written"
    assert [line.split()[:2] for line in kinds] == [["Y10", "5"], ["Y10", "1"]]
    assert kinds[0].count("labels/1.txt:") == 3
    assert cure == (
        "Pass --on-error skip to leave bad records out; pass --report findings.jsonl to list them all"
    )


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("out/all.jsonl", "would be inside the target"),
        ("nowhere/all.jsonl", "does not exist. Create it first"),
        ("small.json", "is the source. Choose another path"),
        ("folder", "is not a report"),
    ],
)
def test_places_for_no_report(tmp_path: Path, place: str, words: str) -> None:
    source = small(tmp_path)
    (tmp_path / "folder").mkdir()
    content = source.read_bytes()
    done = headrace("convert", source.name, "out", "--to", "yolo", "--report", place, cwd=tmp_path)
    assert done.status == 1, done
    assert words in done.err
    assert set(os.listdir(tmp_path)) == {"small.json", "folder"}
    assert source.read_bytes() == content


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes long enough to convert to be interrupted; every box is a finding, since it has no extent."""
    path = tmp_path_factory.mktemp("large") / "large.json"
    images = ",".join(
        f'{{"id":{n},"file_name":"{n}.jpg","width":64,"height":48}}' for n in range(3_000)
    )
    annotations = ",".join(
        f'{{"id":{n},"image_id":{n % 3_000},"category_id":1,"bbox":[1,1,0,4]}}'
        for n in range(60_000)
    )
    categories = '[{"id":1,"name":"a"}]'
    path.write_text(
        f'{{"images":[{images}],"annotations":[{annotations}],"categories":{categories}}}'
    )
    return path


@pytest.mark.parametrize("how", [signal.SIGINT, *map(slow, (signal.SIGTERM, signal.SIGKILL))])
def test_a_stop_leaves_the_last_report(tmp_path: Path, large: Path, how: signal.Signals) -> None:
    report = tmp_path / "all.jsonl"
    report.write_text(LAST_RUN)
    convert = ["convert", large, tmp_path / "out", "--to", "voc", "--report", report]
    stopped = interrupted(*convert, how=how)
    assert report.read_text() == LAST_RUN
    assert not (tmp_path / "out").exists()
    if how != signal.SIGKILL:
        assert_interrupted(stopped)
        assert os.listdir(tmp_path) == ["all.jsonl"]
    else:
        assert stopped.status == -how
    # What a kill leaves beside them is hidden, and gone with the next run.
    again = headrace(*convert[:3], "--to", "coco", "--report", report, "--json")
    assert again.status == 0, again
    assert set(os.listdir(tmp_path)) == {"all.jsonl", "out"}
    assert summed(lines(report)) == summed(again.json()["findings"])


def test_video_coco_is_read_and_written(tmp_path: Path) -> None:
    source, out, back = coco_video(tmp_path / "source"), tmp_path / "out.json", tmp_path / "back"
    to = ["--to", "coco-video", "--on-error", "skip", "--json"]
    first = headrace("convert", source, out, *to)
    assert first.status == 0, first
    assert (first.json()["from"], first.json()["to"]) == ("coco-video", "coco-video")
    again = headrace("convert", out, back, "--from", "coco-video", *to)
    assert again.status == 0, again
    assert again.json()["shapes"] == first.json()["shapes"] > 20
    assert back.read_bytes() == out.read_bytes()
    assert len(json.loads(out.read_text())["videos"]) == first.json()["images"] == 15


def test_frames_and_images_do_not_become_each_other_in_silence(tmp_path: Path) -> None:
    video, images = coco_video(tmp_path / "source"), small(tmp_path)
    for source, to in ((video, "coco"), (images, "coco-video")):
        command = ["convert", source, tmp_path / to, "--to", to, "--on-error", "skip"]
        done = headrace(*command)
        assert done.status == 1
        assert "shapes can be written" in done.err
        assert "--allow-empty" in done.err
        assert not (tmp_path / to).exists()
        allowed = headrace(*command, "--allow-empty", "--json")
        assert allowed.status == 0, allowed
        assert allowed.json()["shapes"] == 0
        assert allowed.json()["shapes_dropped"] > 0
        strict = headrace("convert", source, tmp_path / "strict", "--to", to, "--strict")
        assert strict.status == 1
        assert not (tmp_path / "strict").exists()


def test_the_chart_shows_what_was_written(tmp_path: Path) -> None:
    document = json.loads(small(tmp_path).read_text())
    crowd = {
        **document["annotations"][0],
        "id": 99,
        "iscrowd": 1,
        "segmentation": {"size": [48, 64], "counts": [0, 9, 3063]},
    }
    nowhere = {**document["annotations"][0], "id": 98, "bbox": [900, 900, 5, 5]}
    document["annotations"] += [crowd, nowhere]
    source = tmp_path / "more.json"
    source.write_text(json.dumps(document))
    for to in ("yolo", "voc", "coco"):
        done = headrace("convert", source, tmp_path / f"out-{to}", "--to", to, "--json")
        answer = done.json()
        assert done.status == 0, done
        assert sum(answer["labels"].values()) == answer["shapes"]
        assert answer["shapes"] + answer["shapes_dropped"] == len(document["annotations"])


def test_export_orders_classes_too(lake: Any, drawn: Any, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", drawn.images)
    lake.done("import", "demo/v1", drawn.annotations)
    names = sorted(drawn.labels, reverse=True)
    order = ",".join(["cow", *names])
    out = tmp_path / "out.json"
    lake.done("export", "demo/v1", out, "--format", "coco", "--class-order", order)
    assert class_numbers(out, "coco") == {
        name: number for number, name in enumerate(["cow", *names], start=1)
    }
    wrong = lake.run("export", "demo/v1", out, "--format", "coco", "--class-order", "a,a")
    assert wrong.status == 2
    assert "names 'a' twice" in wrong.err
