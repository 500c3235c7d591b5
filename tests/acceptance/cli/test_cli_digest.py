"""``headrace version digest``, and names of versions that demand one."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place


def test_a_digest_is_printed_and_demanded(place: Place, drawn: Drawn, tmp_path: Path) -> None:
    place.done("push", "demo/v1", drawn.images)
    place.done("import", "demo/v1", drawn.annotations)
    first, counts = place.run("version digest", "demo/v1").out.splitlines()
    found = place.done("version digest", "demo/v1")
    assert first == f"demo/v1@{found['digest']}"
    assert found["schema"] == "headrace.version.digest/1"
    assert (found["assets"], found["fetched"]) == (12, 0)
    assert counts.startswith("12 assets, 12 annotations, ")

    assert place.run("version digest", first).status == 0
    assert place.done("pull", first, tmp_path / "files")["version"] == "demo/v1"
    assert place.done("export", first, tmp_path / "a.json", "--format", "coco")["images"] == 12

    other = first[:-1] + ("0" if first[-1] != "0" else "1")
    for command, *more in (
        ("pull", tmp_path / "other"),
        ("export", tmp_path / "other.json", "--format", "coco"),
        ("version digest",),
    ):
        refused = place.run(command, other, *more)
        assert refused.status == 1, command
        assert f"demo/v1 is not {other[8:]}" in refused.err, command
        assert first[8:] in refused.err
    assert not list(tmp_path.glob("other*"))


def test_names_with_a_damaged_or_unwanted_digest(lake: Place, drawn: Drawn) -> None:
    damaged = lake.run("version digest", "demo/v1@sha256:12")
    assert (damaged.status, "ends in no digest" in damaged.err) == (2, True)
    unwanted = lake.run("stats", f"demo/v1@sha256:{'0' * 64}")
    assert unwanted.status == 2
    assert "copy and version digest take one; write dataset/version" in unwanted.err
