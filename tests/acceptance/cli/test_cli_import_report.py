"""``headrace import --report``: every finding of an import, one line each, also of an import that fails."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.data.formats import lay_out
from tests.support.processes.cli import Place

ROWS = "0 0.5 0.5 0.5 0.5\n0 0.1 a 0.1 0.1\n0 0.1\n"


@pytest.fixture
def dataset(place: Place, tmp_path: Path) -> Path:
    """A version with two images, and labels for them of which four rows are bad."""
    files: dict[str, Any] = {"data.yaml": "names: [cat]\ntrain: images\n"}
    for name in ("1", "2"):
        files |= {f"images/{name}.png": (8, 8), f"labels/{name}.txt": ROWS}
    folder = lay_out(tmp_path / "dataset", files)
    place.done("push", "demo/v1", folder / "images")
    return folder


def lines(report: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]


def test_every_finding_stands_in_the_report_once(
    place: Place, dataset: Path, tmp_path: Path
) -> None:
    report = tmp_path / "all.jsonl"
    done = place.run("import", "demo/v1", dataset, "--on-error", "skip", "--report", report)
    assert done.status == 0, done
    assert f"all findings: {report}" in done.out
    found = [(one["code"], Path(one["path"]).name, one["line"]) for one in lines(report)]
    assert found == [("Y10", name, line) for name in ("1.txt", "2.txt") for line in (2, 3)]
    assert "column" in lines(report)[0]


def test_a_failed_import_leaves_its_report_and_writes_nothing(
    place: Place, dataset: Path, tmp_path: Path
) -> None:
    report = tmp_path / "all.jsonl"
    failed = place.run("import", "demo/v1", dataset, "--report", report)
    assert failed.status == 1
    assert "Y10  not a number" in failed.err
    assert len(lines(report)) == 1
    collected = place.run("import", "demo/v1", dataset, "--on-error", "collect", "--report", report)
    assert collected.status == 1
    assert len(lines(report)) == 4
    assert "--report" not in collected.err
    assert place.done("stats", "demo/v1")["shapes"] == 0
    assert not [name for name in os.listdir(tmp_path) if "headrace-part" in name]


def test_a_report_is_not_its_source_and_has_one_file(
    place: Place, dataset: Path, tmp_path: Path
) -> None:
    yaml = dataset / "data.yaml"
    before = yaml.read_bytes()
    same = place.run("import", "demo/v1", yaml, "--report", yaml)
    assert same.status == 1
    assert "is the source" in same.err
    assert yaml.read_bytes() == before
    two = place.run("import", "demo/v1", yaml, dataset, "--report", tmp_path / "all.jsonl")
    assert two.status == 2
    assert "--report takes the findings of one FILE" in two.err
