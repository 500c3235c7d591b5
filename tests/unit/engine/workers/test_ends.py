"""However a conversion with workers ends, no process and no half result stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.convert.run import convert, convert_blocking
from headrace.engine.convert.workers.distribute import worker_count
from headrace.errors import WorkerProcessError
from tests.support.tiers import slow
from tests.unit.engine.workers.test_same_outcome import COUNT, SOURCES, content, images

PAIRS = [("voc", "coco"), ("yolo", "coco"), ("coco", "voc"), ("coco", "yolo")]
LISTING = Path("/proc/self/task")
pytestmark = pytest.mark.skipif(not LISTING.exists(), reason="children are looked up in /proc")


def children() -> set[int]:
    """The processes that this one started and that still run."""
    return {
        int(pid) for task in LISTING.iterdir() for pid in (task / "children").read_text().split()
    }


@pytest.fixture(autouse=True)
def every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told of every batch, however quick they are."""
    monkeypatch.setattr("headrace.transfer.progress.INTERVAL", 0)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_killed_worker_ends_the_conversion(tmp_path: Path, source: str, target: str) -> None:
    path, before = SOURCES[source](tmp_path / "source"), children()

    def progress(event: Any) -> None:
        if event.done and not event.finished:
            for pid in children() - before:
                os.kill(pid, signal.SIGKILL)

    (tmp_path / "to").mkdir()
    options: dict[str, Any] = {"to": target, "on_error": "skip", "batch": 4, "workers": 2}
    with pytest.raises(WorkerProcessError, match="signal 9"):
        convert_blocking(path, tmp_path / "to" / "out", progress=progress, **options)
    assert os.listdir(tmp_path / "to") == []
    assert children() == before
    report = convert_blocking(path, tmp_path / "to" / "out", **options)
    assert report.images_out > COUNT - 5
    assert children() == before


@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_a_cancelled_conversion_leaves_no_process(
    tmp_path: Path, source: str, target: str
) -> None:
    path, before = SOURCES[source](tmp_path / "source"), children()
    seen, loop = asyncio.Event(), asyncio.get_running_loop()

    def progress(event: Any) -> None:
        if event.done and not event.finished:
            assert children() > before
            loop.call_soon_threadsafe(seen.set)
            # Wait for the cancellation: the work may not win the race.
            time.sleep(0.2)

    (tmp_path / "to").mkdir()
    task = asyncio.create_task(
        convert(
            path,
            tmp_path / "to" / "out",
            to=target,
            on_error="skip",
            batch=1,
            workers=2,
            progress=progress,
        )
    )
    waiting = asyncio.create_task(seen.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert os.listdir(tmp_path / "to") == []
    assert children() == before


# A program without the usual guard: a worker that ran it again would convert again.
PROGRAM = """
import os, signal, sys
from headrace.engine.convert.run import convert_blocking
from headrace.transfer import progress as module
module.INTERVAL = 0
print("once", flush=True)
def workers():
    tasks = os.listdir("/proc/self/task")
    return [pid for task in tasks for pid in open(f"/proc/self/task/{task}/children").read().split()]
def progress(event):
    if event.done and not event.finished and sys.argv[4] != "0":
        print(*workers(), flush=True)
        os.kill(os.getpid(), int(sys.argv[4]))
convert_blocking(sys.argv[1], sys.argv[2], to=sys.argv[3], on_error="skip", batch=4, workers=2, progress=progress)
"""


def run(
    folder: Path, source: Path, target: str, how: int, *more: str, program: str = PROGRAM
) -> tuple[int, list[str]]:
    """Run the program; its status and what it printed."""
    script = folder / "program.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, script, source, folder / "to" / "out", target, str(how), *more],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert how or done.returncode == 0, done.stderr
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("how", [signal.SIGKILL, *map(slow, (signal.SIGTERM, signal.SIGINT))])
def test_a_killed_program_takes_its_workers_along(
    tmp_path: Path, source: str, target: str, how: signal.Signals
) -> None:
    path = SOURCES[source](tmp_path / "source")
    (tmp_path / "to").mkdir()
    status, printed = run(tmp_path, path, target, how)
    assert status == -how
    assert printed[0] == "once"
    for pid in map(int, printed[1].split()):
        wait_for_the_end(pid)
    assert not (tmp_path / "to" / "out").exists()
    assert run(tmp_path, path, target, 0) == (0, ["once"])
    assert os.listdir(tmp_path / "to") == ["out"]
    convert_blocking(path, tmp_path / "alone", to=target, on_error="skip", batch=4, workers=1)
    assert content(tmp_path / "to" / "out") == content(tmp_path / "alone")


def test_a_worker_that_writes_holds_the_lock(tmp_path: Path) -> None:
    path, before, held = SOURCES["coco"](tmp_path / "source"), children(), list[set[str]]()

    def progress(event: Any) -> None:
        held.extend(handles(pid) for pid in children() - before if not event.finished)

    convert_blocking(
        path, tmp_path / "out", to="voc", on_error="skip", workers=2, progress=progress
    )
    assert held
    assert all(str(tmp_path / ".out.headrace-lock") in each for each in held)


def handles(pid: int) -> set[str]:
    """The files that a process holds open."""
    held = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held.add(os.readlink(each))
    return held


# Both, so that the one that is asked may write no more than its worker: a file beyond the limit is an error.
TIGHT = """
import resource, signal, sys
from headrace.engine.convert.run import convert_blocking
resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))
try:
    convert_blocking(sys.argv[1], sys.argv[2], to=sys.argv[3], workers=int(sys.argv[5]))
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize("target", ["yolo", "voc"])
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, target: str) -> None:
    path = images(tmp_path / "source", [f"{n}.jpg" for n in range(COUNT)])
    document = json.loads(path.read_text())
    document["annotations"][70:71] = [
        {"id": 1000 + n, "image_id": 70, "category_id": 1, "bbox": [n % 50, 0.123456, 9, 5]}
        for n in range(4000)
    ]
    path.write_text(json.dumps(document))
    (tmp_path / "to").mkdir()
    said = [run(tmp_path, path, target, 0, workers, program=TIGHT)[1] for workers in ("1", "2")]
    assert said[0] == said[1]
    assert "File too large" in said[0][0]
    assert f"{os.sep}70." in said[0][0]
    assert os.listdir(tmp_path / "to") == []


@pytest.mark.skipif(worker_count(None) < 2, reason="a single processor")
@pytest.mark.parametrize(
    ("target", "count", "started"),
    [("yolo", 500, False), ("yolo", 4600, True), ("voc", 4600, False)],
)
def test_many_small_files_have_a_worker_by_themselves(
    tmp_path: Path, target: str, count: int, started: bool
) -> None:
    source = images(tmp_path / "source", [f"{n}.jpg" for n in range(count)])
    before, seen = children(), set[int]()

    def progress(event: Any) -> None:
        if not event.finished:
            seen.update(children() - before)

    convert_blocking(source, tmp_path / "out", to=target, progress=progress)
    assert bool(seen) == started
    assert children() == before


def wait_for_the_end(pid: int) -> None:
    """Wait until a process that is not our child is gone; pytest's time-out is the limit."""
    while running(pid):
        time.sleep(0.01)


def running(pid: int) -> bool:
    """Whether a process runs; one that waits to be buried does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
