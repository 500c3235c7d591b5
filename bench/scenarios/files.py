"""Write many small files: by the batch in a thread, as headrace does, or one by one through aiofiles."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.scenario import Contender, RunSetup, Scenario, Setting


def prepare(setting: Setting) -> None:
    """Nothing is shared between runs."""
    del setting


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """As many files of 20 kB as the data has images, in a folder that never held any."""
    del contender
    target = folder / "files"
    target.mkdir()
    yield RunSetup({"folder": str(target), "files": setting.spec.images, "size": 20_000})


FILES = Scenario(
    name="files",
    summary="write small files: why aiofiles is not used",
    ours=(Contender("batches", "files_batches.py"),),
    peers=(Contender("aiofiles", "files_aiofiles.py", environment="aiofiles"),),
    prepare=prepare,
    set_up=set_up,
)
