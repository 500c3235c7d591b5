"""The example of the README, unchanged, over a folder and over HTTP to a server: the same words, the same files."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.main_job import main_job
from examples.make_sample import draw_dataset
from examples.make_sample import main as make_sample
from tests.support.processes.cli import Place, new_lake, served
from tests.support.storage import on_lake


async def carried(place: Place, drawn: tuple[Path, Path], out: Path) -> dict[str, bytes]:
    """Run the job; every file that it wrote, by its path."""
    out.mkdir()
    images, annotations = drawn
    await main_job(place.target, sorted(images.iterdir()), annotations, out)
    return {
        file.relative_to(out).as_posix(): file.read_bytes()
        for file in sorted(out.rglob("*"))
        if file.is_file()
    }


async def test_a_lake_and_a_server_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = draw_dataset(tmp_path / "drawn")
    with on_lake():
        lake = new_lake(tmp_path / "lake")
    by_folder = await carried(lake, drawn, tmp_path / "out-1")
    said_by_folder = capsys.readouterr().out

    with served(tmp_path / "served") as server:
        monkeypatch.setenv("HEADRACE_TOKEN", server.variables["HEADRACE_TOKEN"])
        by_http = await carried(server, drawn, tmp_path / "out-2")
        said_by_http = capsys.readouterr().out

    assert by_folder == by_http
    # coco.json, 24 pictures, 24 label files of YOLO and of VOC, and what binds each of those together.
    assert len(by_folder) >= 1 + 24 + 25 + 25
    plain = said_by_http.replace(server.target, lake.target).replace("out-2", "out-1")
    assert plain == said_by_folder
    assert "imported    24 annotations, 49 shapes" in said_by_folder


async def test_a_second_run_keeps_what_is_there(tmp_path: Path) -> None:
    drawn = draw_dataset(tmp_path / "drawn")
    lake = new_lake(tmp_path / "lake")
    out = tmp_path / "out"
    (out / "yolo").mkdir(parents=True)
    (out / "yolo" / "weights.pt").write_text("a person's own")
    (out / "coco.json").write_text("a person's own too")
    images, annotations = drawn
    for _ in range(2):
        await main_job(lake.target, sorted(images.iterdir()), annotations, out)
    assert (out / "yolo" / "weights.pt").read_text() == "a person's own"
    assert (out / "coco.json").read_text() == "a person's own too"
    assert (out / "voc" / "labelmap.txt").is_file()


def test_the_sample_is_never_drawn_over_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "annotations.json").write_text("a person's own")
    assert make_sample([str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'annotations.json'} exists")
    assert (tmp_path / "annotations.json").read_text() == "a person's own"
    assert [make_sample([str(tmp_path / "new")]) for _ in range(2)] == [0, 0]
