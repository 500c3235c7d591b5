"""The report of a conversion: every single finding as a line of JSON, whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.convert.report import ConversionReport
from headrace.engine.convert.run import convert, convert_blocking
from headrace.engine.threads import Stop, StoppedError
from headrace.errors import (
    ConfigurationError,
    ConservationError,
    FormatError,
    LossyWriteError,
    ParseError,
    SourceNotFoundError,
)
from headrace.formats.coco import encode as coco_encode
from headrace.formats.findings.collect import Occurrence
from tests.support.data.formats import lay_out
from tests.support.data.sources import SOURCES, coco, coco_video, voc, yolo
from tests.support.tiers import slow

EVERY = SOURCES | {"coco-video": coco_video}
TARGETS = ["coco", "coco-video", "yolo", "voc"]
WITH_WORKERS = {("coco", "yolo"), ("yolo", "voc"), ("voc", "coco-video"), ("coco-video", "coco")}
"""Each source and each target once: these run with workers in a default run, too."""
SOME = [("voc", "coco"), ("yolo", "voc"), ("coco", "yolo")]
LAST_RUN = '{"code":"C09","severity":"error","message":"of the last run"}\n'
KEYS = {
    "code",
    "severity",
    "message",
    "path",
    "line",
    "offset",
    "column",
    "json_path",
    "detail",
    "count",
    "dropped_images",
    "dropped_shapes",
}


def lines(report: Path) -> list[dict[str, Any]]:
    """What stands in a report; every line ends."""
    text = report.read_text(encoding="utf-8")
    assert not text or text.endswith("\n")
    found = [json.loads(line) for line in text.splitlines()]
    for line in found:
        assert {"code", "severity", "message"} <= line.keys() <= KEYS
        assert None not in line.values()
    return found


def summed(told: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Counts by code and message."""
    sums: dict[tuple[str, str], tuple[int, int, int]] = {}
    for line in told:
        counts = (
            line.get("count", 1),
            line.get("dropped_images", 0),
            line.get("dropped_shapes", 0),
        )
        kind = line["code"], line["message"]
        before = sums.get(kind, (0, 0, 0))
        sums[kind] = tuple(map(sum, zip(before, counts, strict=True)))  # type: ignore[assignment]
    return sums


def summary(outcome: ConversionReport) -> dict[tuple[str, str], tuple[int, int, int]]:
    """The same of what a conversion returned."""
    return summed(
        [
            {
                name: getattr(finding, name)
                for name in ("code", "message", "count", "dropped_images", "dropped_shapes")
            }
            for finding in outcome.findings
        ]
    )


@pytest.mark.parametrize(
    ("source", "target", "workers"),
    [
        *((source, target, 1) for source in EVERY for target in TARGETS),
        *(
            (source, target, 3) if (source, target) in WITH_WORKERS else slow(source, target, 3)
            for source in EVERY
            for target in TARGETS
        ),
    ],
)
def test_the_lines_add_up_to_the_summary(
    tmp_path: Path, source: str, target: str, workers: int
) -> None:
    path, report = EVERY[source](tmp_path / "source"), tmp_path / "findings.jsonl"
    heard: list[Occurrence] = []
    outcome = convert_blocking(
        path,
        tmp_path / "out",
        to=target,
        on_error="skip",
        workers=workers,
        batch=16,
        report=report,
        on_finding=heard.append,
        class_order=["nowhere", "label 1"],
        allow_empty=True,
    )
    told = lines(report)
    assert summed(told) == summary(outcome)
    assert len(told) == len(heard) >= len(outcome.findings)
    assert {path.name for path in tmp_path.iterdir()} == {"source", "out", report.name}


async def test_places_are_told_where_they_are_known(tmp_path: Path) -> None:
    source = lay_out(
        tmp_path / "source",
        {
            "data.yaml": "names: [a]\n",
            "images/train/1.png": (10, 10),
            "labels/train/1.txt": "0 0.5 0.5 0.1 0.1\n0 9 0.5 0.1 0.1\n",
        },
    )
    report = tmp_path / "findings.jsonl"
    await convert(source, tmp_path / "out", to="voc", on_error="skip", report=str(report))
    (line,) = [line for line in lines(report) if line["severity"] == "error"]
    assert line["line"] == 2
    assert line["path"] == str(source / "labels/train/1.txt")
    assert line["dropped_shapes"] == 1
    assert "count" not in line
    assert "offset" not in line


@pytest.mark.parametrize(
    ("source", "target", "workers"),
    [
        *((source, target, 1) for source, target in SOME),
        (*SOME[0], 3),
        *(slow(source, target, 3) for source, target in SOME[1:]),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_the_record_that_ends_it_is_the_last_line(
    tmp_path: Path, source: str, target: str, strict: bool, workers: int
) -> None:
    path, report = EVERY[source](tmp_path / "source"), tmp_path / "findings.jsonl"
    report.write_text(LAST_RUN)
    with pytest.raises((ParseError, LossyWriteError)) as caught:
        convert_blocking(
            path,
            tmp_path / "out",
            to=target,
            strict=strict,
            workers=workers,
            batch=16,
            report=report,
        )
    last = lines(report)[-1]
    assert caught.value.message.startswith(f"{last['code']}  {last['message']}")
    assert last["severity"] in ("error", "warning", "loss")
    if isinstance(caught.value, ParseError):
        assert (last.get("path"), last.get("line"), last.get("offset")) == (
            caught.value.path,
            caught.value.line,
            caught.value.offset,
        )
    assert {path.name for path in tmp_path.iterdir()} == {"source", report.name}


@pytest.mark.parametrize(
    ("source", "target", "workers"),
    [
        *((source, target, 1) for source, target in SOME),
        (*SOME[0], 3),
        *(slow(source, target, 3) for source, target in SOME[1:]),
    ],
)
def test_collecting_tells_all_of_them(
    tmp_path: Path, source: str, target: str, workers: int
) -> None:
    path, report = EVERY[source](tmp_path / "source"), tmp_path / "findings.jsonl"
    options: dict[str, Any] = {"to": target, "workers": workers, "batch": 16, "report": report}
    with pytest.raises(ParseError, match="not conform to the format"):
        convert_blocking(path, tmp_path / "out", on_error="collect", **options)
    collected = lines(report)
    convert_blocking(path, tmp_path / "out", on_error="skip", **options)
    assert collected == lines(report)


def test_a_source_that_no_policy_lets_pass_is_told_as_well(tmp_path: Path) -> None:
    path, report = coco(tmp_path / "source"), tmp_path / "findings.jsonl"
    path.write_text(path.read_text()[:20_000])
    with pytest.raises(ParseError) as caught:
        convert_blocking(
            path, tmp_path / "out", to="voc", from_="coco", on_error="skip", report=report
        )
    last = lines(report)[-1]
    assert (last["severity"], last["message"]) == ("error", caught.value.message)
    assert (last["path"], last["offset"]) == (str(path), caught.value.offset)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_dry_run_writes_the_report_and_nothing_else(tmp_path: Path, workers: int) -> None:
    path = coco(tmp_path / "source")
    options: dict[str, Any] = {"to": "yolo", "on_error": "skip", "workers": workers, "batch": 16}
    dry, real = tmp_path / "dry.jsonl", tmp_path / "real.jsonl"
    convert_blocking(path, tmp_path / "out", dry_run=True, report=dry, **options)
    assert {path.name for path in tmp_path.iterdir()} == {"source", dry.name}
    convert_blocking(path, tmp_path / "out", report=real, **options)
    assert dry.read_bytes() == real.read_bytes()


def test_a_report_of_nothing_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "source.json"
    path.write_text('{"images": [], "annotations": [], "categories": []}')
    report = tmp_path / "findings.jsonl"
    convert_blocking(path, tmp_path / "out", to="coco", from_="coco", report=report)
    assert report.read_bytes() == b""


def test_names_that_are_no_text_are_told_readably(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    path = voc(Path(folder))
    report = tmp_path / "findings.jsonl"
    outcome = convert_blocking(path, tmp_path / "out", to="coco", on_error="skip", report=report)
    told = lines(report)
    assert summed(told) == summary(outcome)
    assert any("\\udcff" in line.get("path", "") for line in told)


def stays(tmp_path: Path, error: type[Exception], source: Path, **options: Any) -> None:
    """A conversion fails for a reason that is none of its records: the report is the last run's."""
    report = tmp_path / "findings.jsonl"
    report.write_text(LAST_RUN)
    before = set(os.listdir(tmp_path))
    with pytest.raises(error):
        convert_blocking(source, tmp_path / "out", report=report, **{"to": "yolo", **options})
    assert report.read_text() == LAST_RUN
    assert set(os.listdir(tmp_path)) == before


def test_a_target_that_exists(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    stays(tmp_path, FormatError, coco(tmp_path / "source"), on_error="skip")


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    stays(tmp_path, SourceNotFoundError, tmp_path / "nothing", from_="coco")


def test_a_conversion_that_is_stopped(tmp_path: Path) -> None:
    stop = Stop()
    stop.ask()
    stays(tmp_path, StoppedError, coco(tmp_path / "source"), on_error="skip", stop=stop)


def test_records_that_vanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = coco_encode.boxes
    monkeypatch.setattr(
        coco_encode, "boxes", lambda *given: (records[1:] for records in whole(*given))
    )
    stays(tmp_path, ConservationError, yolo(tmp_path / "source"), to="coco", on_error="skip")


@pytest.mark.parametrize(
    ("place", "error", "words"),
    [
        ("out", ConfigurationError, "would be inside the target"),
        ("out/findings.jsonl", ConfigurationError, "would be inside the target"),
        ("other/../out/findings.jsonl", ConfigurationError, "would be inside the target"),
        ("source/source.json", ConfigurationError, "is the source"),
        ("nowhere/findings.jsonl", FormatError, "nowhere does not exist .create it first"),
        ("source", FormatError, "exists and is not a report"),
        ("link", FormatError, "exists and is not a report"),
        ("pipe", FormatError, "exists and is not a report"),
        ("notes.txt", FormatError, "exists and is not a report"),
        ("other.json", FormatError, "exists and is not a report"),
    ],
)
def test_places_that_a_report_may_not_take(
    tmp_path: Path, place: str, error: type[Exception], words: str
) -> None:
    path = coco(tmp_path / "source")
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "other.jsonl")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "notes.txt").write_text("a person's notes")
    (tmp_path / "other.json").write_text('{"images": []}')
    before = set(os.listdir(tmp_path)), path.read_bytes()
    with pytest.raises(error, match=words):
        convert_blocking(
            path, tmp_path / "out", to="yolo", on_error="skip", report=tmp_path / place
        )
    assert (set(os.listdir(tmp_path)), path.read_bytes()) == before
    assert os.listdir(tmp_path / "source") == ["source.json"]


def test_a_killed_conversion_leaves_the_last_report_and_the_next_goes_through(
    tmp_path: Path,
) -> None:
    path, report = coco(tmp_path / "source"), tmp_path / "findings.jsonl"
    report.write_text(LAST_RUN)
    options = {"to": "yolo", "on_error": "skip", "report": str(report)}
    killed = f"""
        import os, signal
        from headrace.engine.convert.run import convert_blocking
        def heard(one):
            if one.code == "LOSS":
                os.kill(os.getpid(), signal.SIGKILL)
        convert_blocking({str(path)!r}, {str(tmp_path / "out")!r}, on_finding=heard, **{options!r})
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(killed)], check=False, capture_output=True, text=True
    )
    assert done.returncode == -9, done.stderr
    assert report.read_text() == LAST_RUN
    outcome = convert_blocking(path, tmp_path / "out", **options)  # type: ignore[arg-type]
    assert summed(lines(report)) == summary(outcome)
    assert set(os.listdir(tmp_path)) == {"source", "out", report.name}
    assert Counter(line["code"] for line in lines(report))["LOSS"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("to", ["coco", "voc"])
def test_memory_does_not_follow_the_bad_records(tmp_path: Path, to: str) -> None:
    count, path = 8_000, tmp_path / "source.json"
    document = {
        "images": [
            {"id": n, "file_name": f"{n}.jpg", "width": 64, "height": 48}
            for n in range(count // 20)
        ],
        "annotations": [
            {
                "id": n,
                "image_id": n // 20,
                "category_id": 1,
                "bbox": [1, 1, 3, 4],
                "segmentation": [[1, 1, 2]],
            }
            for n in range(count)
        ],
        "categories": [{"id": 1, "name": "a"}],
    }
    path.write_text(json.dumps(document))
    heard, held = 0, []

    def hear(one: Occurrence) -> None:
        nonlocal heard
        heard += one.code == "C09"
        if one.code == "C09" and heard in (count // 4, count - count // 20):
            held.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        convert_blocking(
            path, tmp_path / "out", to=to, report=tmp_path / "all.jsonl", on_finding=hear
        )
    finally:
        tracemalloc.stop()
    assert heard == count
    assert held[1] - held[0] < 1_000_000
