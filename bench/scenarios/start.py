"""Start: what a person waits for before anything happens. The job's seconds are those of ten starts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.scenario import Contender, RunSetup, Scenario, Setting

STARTS = 10

LINES = {
    "version": ["-m", "headrace", "--version"],
    "help": ["-m", "headrace", "--help"],
    "import": ["-c", "import headrace"],
    "python": ["-c", "pass"],
    "picsellia": ["-c", "import picsellia"],
}
"""What each contender starts."""


def prepare(setting: Setting) -> None:
    """Prepare nothing: the warm-up round fills the page cache."""
    del setting


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Return the line of the contender."""
    del setting, folder
    yield RunSetup({"arguments": LINES[contender.name], "starts": STARTS})


def data(setting: Setting) -> Mapping[str, Any]:
    """Describe how often each line is started."""
    del setting
    return {"starts": STARTS}


START = Scenario(
    name="start",
    summary=f"start {STARTS} times: --version, --help, import; the limit is Python alone",
    ours=(
        Contender("version", "start.py"),
        Contender("help", "start.py"),
        Contender("import", "start.py"),
    ),
    peers=(
        Contender("python", "start.py", whole=False),
        Contender("picsellia", "start.py", "picsellia", packages=("picsellia",)),
    ),
    prepare=prepare,
    set_up=set_up,
    data=data,
    coco=False,
)
