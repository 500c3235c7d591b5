"""``-`` is standard input and standard output: copied where a reader must seek, and results apart from messages."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import COMMAND, Place, environment, fed

COCO = ["--from", "coco", "--to", "coco"]


def test_a_conversion_from_a_pipe_into_a_pipe(drawn: Drawn, tmp_path: Path) -> None:
    content = drawn.annotations.read_bytes()
    want = fed(b"", "convert", drawn.annotations, tmp_path / "file.json", "--to", "coco")
    assert want.status == 0
    for given in (content, gzip.compress(content)):
        done = fed(given, "convert", "-", "-", *COCO)
        assert done.status == 0, done
        assert done.out == (tmp_path / "file.json").read_text()
        assert "standard input: coco" not in done.out
        assert "12 images" in done.err
        assert "/tmp/" not in done.err
    as_json = fed(content, "convert", "-", "-", "--to", "coco", "--json")
    assert json.loads(as_json.out)["images"]
    report = json.loads(as_json.err)
    assert (report["src"], report["dst"], report["images"]) == ("-", "-", 12)


def test_the_format_of_a_stream_is_detected_or_named(drawn: Drawn, tmp_path: Path) -> None:
    done = fed(drawn.annotations.read_bytes(), "convert", "-", tmp_path / "out", "--to", "yolo")
    assert done.status == 0, done
    unclear = fed(b"what?", "convert", "-", tmp_path / "two", "--to", "yolo")
    assert unclear.status == 2
    assert "--from" in unclear.err
    for line in (["-", tmp_path / "x", "--from", "yolo"], [drawn.annotations, "-"]):
        folder = fed(b"{}", "convert", *line, "--to", "yolo")
        assert (folder.status, folder.out) == (2, "")
        assert "yolo is a folder" in folder.err


def test_a_broken_stream_is_named_as_one(tmp_path: Path) -> None:
    broken = b'{"images": [], "categories": [], "annotations": [{"id"'
    done = fed(broken, "convert", "-", "-", *COCO, "--json")
    assert (done.status, done.out) == (1, "")
    error = json.loads(done.err)["error"]
    assert error["path"] == "standard input"
    assert "/tmp/" not in done.err


def test_an_import_from_a_pipe_and_an_export_into_one(place: Place, drawn: Drawn) -> None:
    place.done("push", "demo/v1", drawn.images)
    done = fed(
        drawn.annotations.read_bytes(),
        *["import", place.target, "demo/v1", "-", "--from", "coco", "--json"],
        **place.variables,
    )
    assert done.status == 0, done
    (file,) = done.json()["files"]
    assert (file["source"], file["annotations"]) == ("standard input", 12)
    assert place.done("stats", "demo/v1")["labels"] == drawn.labels
    out = fed(b"", "export", place.target, "demo/v1", "-", "--format", "coco", **place.variables)
    assert out.status == 0, out
    assert len(json.loads(out.out)["annotations"]) == sum(drawn.labels.values())
    assert "12 images" in out.err
    dry = fed(
        b"",
        *["export", place.target, "demo/v1", "-", "--format", "coco", "--dry-run", "--json"],
        **place.variables,
    )
    assert (dry.status, dry.out) == (0, "")
    assert json.loads(dry.err)["dry_run"] is True


def test_standard_input_is_read_once(lake: Place, drawn: Drawn) -> None:
    lake.done("push", "demo/v1", drawn.images)
    for line in (["convert", "-", "-", *COCO], ["import", lake.target, "demo/v1", "-"]):
        done = fed(b"", *line, "--files-from", "-")
        assert done.status == 2
        assert "only once" in done.err


def test_an_import_of_several_files_goes_on_after_a_bad_one(
    lake: Place, drawn: Drawn, tmp_path: Path
) -> None:
    lake.done("push", "demo/v1", drawn.images)
    bad, gone = tmp_path / "bad.json", tmp_path / "gone.json"
    bad.write_text("{")
    line = ["demo/v1", bad, gone, drawn.annotations, "--from", "coco"]
    assert lake.run("import", *line).status == 1
    assert lake.done("stats", "demo/v1")["annotations"] == 0
    done = lake.run("import", *line, "--on-error", "skip", "--json")
    assert done.status == 1
    report = done.json()
    assert [failure["path"] for failure in report["failures"]] == [str(bad), str(gone)]
    assert all(failure["message"] for failure in report["failures"])
    assert lake.done("stats", "demo/v1")["labels"] == drawn.labels


def test_a_reader_that_leaves_is_no_error(drawn: Drawn) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*COMMAND, "convert", str(drawn.annotations), "-", "--to", "coco"],
            env=environment(),
            stdout=write,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(write)
    assert done.returncode == 130
    assert b"Traceback" not in done.stderr
    assert b"rror" not in done.stderr


def test_ctrl_c_while_nothing_comes(drawn: Drawn) -> None:
    process = subprocess.Popen(
        [*COMMAND, "convert", "-", "-", *COCO],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(b"{")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        process.terminate()
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.communicate()
