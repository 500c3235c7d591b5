"""The sample package for LabelMe, installed as people install it; and LabelMe itself, whose files it reads and writes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace import formats
from tests.interop.test_format_peers import BOXES, alike, dataset, draw, write
from tests.support.format_packages import importable
from tests.support.processes.peers import ask

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]

PACKAGE = Path(__file__).resolve().parents[2] / "examples" / "headrace-labelme"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built and installed into a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    uv = Path(sys.executable).with_name("uv")
    command = [
        uv,
        "pip",
        "install",
        "--no-deps",
        "--no-build-isolation",
        "--python",
        sys.executable,
    ]
    command += ["--target", folder, PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def labelme(installed: Path) -> Iterator[None]:
    with importable(installed):
        yield


def headrace(installed: Path, *arguments: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "headrace", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    return done.stdout


def test_the_installed_package_is_a_format_of_the_command_line(
    installed: Path, tmp_path: Path
) -> None:
    write(tmp_path, "coco", dataset())
    assert "voc, labelme]" in " ".join(
        headrace(installed, "convert", "--help", cwd=tmp_path).split()
    )
    headrace(installed, "convert", "coco/coco.json", "labelled", "--to", "labelme", cwd=tmp_path)
    shown = headrace(installed, "convert", "labelled", "back.json", "--to", "coco", cwd=tmp_path)
    assert "labelled: labelme (a.json has shapes and an imagePath; certain)" in shown
    assert "3 images, 3 shapes" in shown
    assert "A circle is read as a polygon" in headrace(installed, "explain", "lm02", cwd=tmp_path)


def test_the_installed_package_goes_through_a_lake(installed: Path, tmp_path: Path) -> None:
    write(tmp_path, "coco", dataset())
    headrace(installed, "convert", "coco/coco.json", "labelled", "--to", "labelme", cwd=tmp_path)
    draw(tmp_path / "labelled")
    for arguments in (
        ("init", "lake"),
        ("push", "lake", "cats/v1", "labelled"),
        ("import", "lake", "cats/v1", "labelled"),
        ("export", "lake", "cats/v1", "out", "--to", "labelme", "--media", "copy"),
    ):
        headrace(installed, *arguments, cwd=tmp_path)
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) == sorted(
        f"{stem}{suffix}" for stem in BOXES for suffix in (".jpg", ".json")
    )
    alike(ask("labelme", "read", "rectangle", out), BOXES, 1e-6)


@pytest.mark.parametrize("kind", ["embedded", "beside"])
@pytest.mark.usefixtures("labelme")
def test_files_that_labelme_writes(tmp_path: Path, kind: str) -> None:
    source = write(tmp_path / "ours", "coco", dataset())
    target = tmp_path / "theirs"
    draw(target)
    ask("labelme", "write", kind, source, target)
    assert formats.detect(target).format == "labelme"
    found = {
        Path(each.filename).stem: [[s.label, s.x, s.y, s.w, s.h] for s in each.shapes]  # type: ignore[union-attr]
        for each in formats.read(target, strict=True)
    }
    alike(found, BOXES, 1e-6)


@pytest.mark.usefixtures("labelme")
def test_labelme_reads_what_the_package_writes(tmp_path: Path) -> None:
    draw(tmp_path / "out" / "photos")
    samples = dataset()
    for sample in samples:
        sample.filename = f"photos/{sample.filename}"
        sample.split = None
    formats.write(samples, tmp_path / "files", "labelme")
    for path in (tmp_path / "files" / "photos").iterdir():
        path.rename(tmp_path / "out" / "photos" / path.name)
    alike(ask("labelme", "read", "rectangle", tmp_path / "out"), BOXES, 1e-6)
