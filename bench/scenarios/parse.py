"""Load a COCO file whole: the limits that readers of the format can be held against."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.scenario import Contender, RunSetup, Scenario, Setting


def prepare(setting: Setting) -> None:
    """The file is all that the runs share; reading it once puts it into the page cache."""
    with setting.coco_file.open("rb") as stream:
        while stream.read(1 << 20):
            pass


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Every contender reads the same file and writes nothing."""
    del contender, folder
    yield RunSetup({"file": str(setting.coco_file)})


PARSE = Scenario(
    name="parse",
    summary="load a COCO file whole, by typed decoding and by general JSON readers",
    ours=(Contender("msgspec", "parse_msgspec.py", packages=("msgspec",)),),
    peers=(
        Contender("orjson", "parse_orjson.py", packages=("orjson",)),
        Contender("json", "parse_json.py"),
    ),
    prepare=prepare,
    set_up=set_up,
)
