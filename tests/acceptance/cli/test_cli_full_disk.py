"""A full disk: the error names the disk and the cure; with free space the same command continues."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.data.formats import lay_out
from tests.support.processes.cli import Place, environment

ALONE = ["unshare", "--user", "--mount", "--map-root-user"]


def can_mount(folder: Path) -> bool:
    """Whether this process may mount a small file system that only its children see."""
    if shutil.which("unshare") is None:
        return False
    mount = [*ALONE, "mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    return subprocess.run(mount, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    if not can_mount(folder):
        pytest.skip("no small file system can be mounted here")
    return folder


def on_small_disk(disk: Path, script: str, size: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with a small disk mounted; ``headrace`` is the command, ``DISK`` the folder."""
    prelude = (
        f'mount -t tmpfs -o size={size} none "$DISK" || exit 99\n'
        f'headrace() {{ "{sys.executable}" -m headrace.cli "$@"; }}\n'
    )
    return subprocess.run(
        [*ALONE, "sh", "-c", prelude + script],
        env=environment(DISK=str(disk)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("error: ")]


@pytest.mark.slow
def test_pull_to_a_full_disk(lake: Place, drawn: Drawn, disk: Path) -> None:
    lake.done("push", "demo/v1", drawn.images)
    script = f"""
        head -c 1000000 /dev/zero > "$DISK/filler"
        headrace pull {lake.target} demo/v1 "$DISK/out"; echo "first $?"
        rm "$DISK/filler"
        headrace pull {lake.target} demo/v1 "$DISK/out"; echo "second $?"
        cp -r "$DISK/out" {disk}.copy
    """
    done = on_small_disk(disk, script, "1m")
    assert "first 1" in done.stdout, done
    assert "second 0" in done.stdout, done
    (line,) = errors(done.stderr)
    assert "disk" in line or "space" in line
    assert "Traceback" not in done.stderr
    copied = Path(f"{disk}.copy")
    for source in drawn.images.iterdir():
        assert (copied / source.name).read_bytes() == source.read_bytes()


def test_a_lake_on_a_full_disk(drawn: Drawn, disk: Path) -> None:
    script = f"""
        headrace init "$DISK/lake"; echo "init $?"
        dd if=/dev/zero of="$DISK/filler" bs=4096 2>/dev/null
        headrace push "$DISK/lake" demo/v1 {drawn.images}; echo "first $?"
        rm "$DISK/filler"
        headrace push "$DISK/lake" demo/v1 {drawn.images}; echo "second $?"
        headrace import "$DISK/lake" demo/v1 {drawn.annotations}; echo "import $?"
        headrace stats "$DISK/lake" demo/v1
    """
    done = on_small_disk(disk, script, "8m")
    for words in ("init 0", "first 1", "second 0", "import 0"):
        assert words in done.stdout, done
    (line,) = errors(done.stderr)
    assert "disk" in line or "space" in line
    assert "Traceback" not in done.stderr
    assert f"demo/v1: {len(drawn.coco['images'])} assets" in done.stdout


def test_a_report_on_a_full_disk(disk: Path, tmp_path: Path) -> None:
    rows = "".join(f"0 {n} 0.5 0.1 0.1\n" for n in range(2, 20_002))
    source = lay_out(
        tmp_path / "source",
        {
            "data.yaml": "names: [a]\n",
            "images/train/1.png": (10, 10),
            "labels/train/1.txt": rows + "0 0.5 0.5 0.1 0.1\n",
        },
    )
    target = tmp_path / "out.json"
    old = '{"code":"Y07","severity":"error","message":"of the last run"}'
    convert = f'headrace convert {source} {target} --to coco --on-error skip --report "$DISK/all"'
    script = f"""
        echo '{old}' > "$DISK/all"
        head -c 7500000 /dev/zero > "$DISK/filler"
        {convert}; echo "first $?"
        ls -A "$DISK"; cat "$DISK/all"; ls {target}
        rm "$DISK/filler"
        {convert}; echo "second $?"
        wc -l < "$DISK/all"
    """
    done = on_small_disk(disk, script, "8m")
    before, _, after = done.stdout.partition("first 1\n")
    assert before == "", done
    assert after.splitlines()[:3] == ["all", "filler", old]
    (line,) = errors(done.stderr)
    assert line.startswith(f"error: {disk}/all: no space left on device. Free some space")
    assert "Traceback" not in done.stderr
    assert f"{target}: coco, 1 image, 1 shape" in after
    *_, status, count = after.splitlines()
    assert status == "second 0"
    assert int(count) >= 20_000
    assert target.exists()


def test_standard_input_on_a_full_disk(disk: Path, tmp_path: Path) -> None:
    line = f"headrace convert - {tmp_path / 'out.json'} --from coco --to coco"
    script = f'head -c 3000000 /dev/zero | TMPDIR="$DISK" {line}; echo "status $?"; ls -A "$DISK"'
    done = on_small_disk(disk, script, "1m")
    assert done.stdout == "status 1\n", done
    (error,) = errors(done.stderr)
    assert f"{disk}/" in error
    assert "no space left" in error
    assert "ree some space" in error
