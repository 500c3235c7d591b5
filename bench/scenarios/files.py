"""Write many small files: in batches in a thread, as headrace does, or one by one with aiofiles."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.scenario import Contender, RunSetup, Scenario, Setting


def prepare(setting: Setting) -> None:
    """Do nothing: the runs share no data."""
    del setting


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up an empty folder for as many files of 20 kB as the data has images."""
    del contender
    target = folder / "files"
    target.mkdir()
    yield RunSetup({"folder": str(target), "files": setting.spec.images, "size": 20_000})


FILES = Scenario(
    name="files",
    summary="write small files: why batches are written in threads, not with aiofiles",
    ours=(Contender("batches", "files_batches.py"),),
    peers=(Contender("aiofiles", "files_aiofiles.py", environment="aiofiles"),),
    prepare=prepare,
    set_up=set_up,
)
