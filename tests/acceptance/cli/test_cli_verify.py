"""``headrace pull --verify``: what differs is named, nothing is fetched, and a plain pull repairs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place


@pytest.fixture
def names(place: Place, drawn: Drawn) -> list[str]:
    place.done("push", "demo/v1", drawn.images)
    return sorted(path.name for path in drawn.images.iterdir())


def test_what_differs_is_named_and_a_pull_repairs(
    place: Place, names: list[str], tmp_path: Path
) -> None:
    out, listed = tmp_path / "out", tmp_path / "list"
    place.done("pull", "demo/v1", out)
    report = place.done("pull", "demo/v1", out, "--verify", "--combined", listed)
    assert (report["equal"], report["same"]) == (True, len(names))
    assert sorted(listed.read_text().splitlines()) == [f"= {name}" for name in names]

    changed = (out / names[0]).read_bytes()
    about = (out / names[0]).stat()
    (out / names[0]).write_bytes(changed[:-1] + bytes([changed[-1] ^ 1]))
    os.utime(out / names[0], ns=(about.st_atime_ns, about.st_mtime_ns))  # as a failing disk would
    (out / names[1]).unlink()
    (out / names[2]).unlink()
    (out / names[2]).mkdir()
    (out / "mine.txt").write_text("mine")
    (out / "odd\nname").touch()
    (out / ".hidden").touch()
    before = sorted(os.listdir(out))
    found = place.run("pull", "demo/v1", out, "--verify", "--combined", listed, "--json")
    assert found.status == 1
    data = found.json()
    assert (data["equal"], data["same"], data["different"]) == (False, len(names) - 3, 1)
    assert (data["missing"], data["extra"], data["errors"]) == (1, 2, 1)
    want = [f"* {names[0]}", f"+ {names[1]}", f"! {names[2]}", "- mine.txt", "- odd\\nname"]
    lines = listed.read_text().splitlines()
    assert sorted(line for line in lines if line[0] != "=") == sorted(want)
    assert sorted(os.listdir(out)) == before
    text = place.run("pull", "demo/v1", out, "--verify")
    assert f"  * {names[0]}" in text.out.splitlines()

    (out / names[2]).rmdir()
    for name in ("mine.txt", "odd\nname"):
        (out / name).unlink()
    place.done("pull", "demo/v1", out, "--force")
    assert place.done("pull", "demo/v1", out, "--verify")["equal"]


def test_some_files_and_other_names(place: Place, names: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    place.done("pull", "demo/v1", out, "--use-id", "--include", "*_00[01].png")
    place.done("pull", "demo/v1", out, "--use-id", "--verify", "--include", "*_00[01].png")
    whole = place.run("pull", "demo/v1", out, "--use-id", "--verify", "--json")
    assert (whole.status, whole.json()["missing"]) == (1, len(names) - 2)
    other = place.run("pull", "demo/v1", out, "--verify", "--json")
    assert (other.json()["missing"], other.json()["extra"]) == (len(names), 2)


def test_a_list_on_standard_output_and_one_in_place_of_a_file(
    lake: Place, drawn: Drawn, tmp_path: Path
) -> None:
    lake.done("push", "demo/v1", drawn.images)
    lake.done("pull", "demo/v1", tmp_path / "out")
    line = ["demo/v1", tmp_path / "out", "--verify", "--combined"]
    piped = lake.run("pull", *line, "-")
    assert piped.status == 0
    assert {text[:2] for text in piped.out.splitlines()} == {"= "}
    assert "12 files the same" in piped.err
    mine = tmp_path / "mine"
    mine.write_text("mine")
    refused = lake.run("pull", *line, mine)
    assert (refused.status, mine.read_text()) == (2, "mine")
    listed = tmp_path / "list"
    for _ in range(2):
        assert lake.run("pull", *line, listed).status == 0
    assert len(listed.read_text().splitlines()) == 12


def test_what_does_not_go_together(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", drawn.images)
    for more in (["--verify", "--force"], ["--combined", "x"], ["--verify", "--retry-failed"]):
        assert lake.run("pull", "demo/v1", tmp_path / "out", *more).status == 2
    gone = lake.run("pull", "demo/v1", tmp_path / "gone", "--verify")
    assert gone.status == 1
    assert not (tmp_path / "gone").exists()
