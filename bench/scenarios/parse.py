"""Load a whole COCO file into memory: the limits for readers of the format."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.scenario import Contender, RunSetup, Scenario, Setting


def prepare(setting: Setting) -> None:
    """Read the file into the page cache."""
    with setting.coco_file.open("rb") as stream:
        while stream.read(1 << 20):
            pass


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up nothing: every contender reads the same file."""
    del contender, folder
    yield RunSetup({"file": str(setting.coco_file)})


PARSE = Scenario(
    name="parse",
    summary="load a whole COCO file, with typed decoding and with general JSON readers",
    ours=(Contender("msgspec", "parse_msgspec.py", packages=("msgspec",)),),
    peers=(
        Contender("orjson", "parse_orjson.py", packages=("orjson",)),
        Contender("json", "parse_json.py"),
    ),
    prepare=prepare,
    set_up=set_up,
)
