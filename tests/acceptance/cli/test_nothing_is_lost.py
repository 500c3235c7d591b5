"""Every command that writes meets a folder of a person's, a lake, a folder in it, and a foreign file: nothing is lost.

The commands are those of the command line itself: a new one without an entry here fails.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from headrace.cli.app import COMMANDS, SUBCOMMANDS
from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Outcome, Place, headrace, new_lake

FORMATS = ("coco", "yolo")
"""A format of one file, and one of a folder."""
NOWHERE = "postgresql://me@127.0.0.1:1/x"
"""A database that cannot be reached; tests/conformance/migration has those that can."""
PERMISSIONS = ([], ["--overwrite"], ["--force"])

Arguments = list[str | Path]
Lines = Callable[[Place, Drawn, Path], Iterator[Arguments]]


# --- what each command writes ------------------------------------------------------------------------------


def _init(_: Place, __: Drawn, dst: Path) -> Iterator[Arguments]:
    yield [dst]


def _convert(_: Place, drawn: Drawn, dst: Path) -> Iterator[Arguments]:
    for to, more in product(FORMATS, PERMISSIONS):
        yield [drawn.annotations, dst, "--to", to, *more]
    yield [drawn.annotations, dst.with_name("free.json"), "--to", "coco", "--report", dst]


def _export(place: Place, _: Drawn, dst: Path) -> Iterator[Arguments]:
    for to, more in product(FORMATS, PERMISSIONS):
        yield [place.target, "demo/v1", dst, "--format", to, *more]


def _pull(place: Place, _: Drawn, dst: Path) -> Iterator[Arguments]:
    yield [place.target, "demo/v1", dst]
    yield [place.target, "demo/v1", dst, "--tree"]


def _sync(place: Place, _: Drawn, dst: Path) -> Iterator[Arguments]:
    for more in ([], ["--down"], ["--up"], ["--delete"], ["--down", "--delete"]):
        yield [place.target, "demo/v1", dst, *more]


def _backup(place: Place, _: Drawn, dst: Path) -> Iterator[Arguments]:
    yield [place.target, dst]


def _restore(place: Place, _: Drawn, dst: Path) -> Iterator[Arguments]:
    backups = place.lake.with_name("backups")
    assert headrace("backup", place.target, backups).status == 0
    yield [backups, dst]


def _migrate(place: Place, _: Drawn, dst: Path) -> Iterator[Arguments]:
    objects = place.lake.with_name("objects")
    for source, target, files in (
        (NOWHERE, dst, objects),
        (place.target, NOWHERE, dst),
        (dst, NOWHERE, objects),
    ):
        yield [source, target, "--objects", files]
    yield [dst, "--reopen"]


def _reads(*before: str, after: tuple[str, ...] = ()) -> Lines:
    """A command that only reads what is at the path, or takes the path for its lake."""

    def lines(place: Place, _: Drawn, dst: Path) -> Iterator[Arguments]:
        yield [*[each.format(lake=place.target) for each in before], dst, *after]

    return lines


WRITING: dict[str, Lines] = {
    "init": _init,
    "convert": _convert,
    "export": _export,
    "pull": _pull,
    "sync": _sync,
    "backup": _backup,
    "restore": _restore,
    "migrate": _migrate,
}
READING: dict[str, Lines] = {
    "push": _reads("{lake}", "demo/v2"),
    "import": _reads("{lake}", "demo/v1"),
    "copy": _reads("{lake}", "demo/v1"),
    "ls": _reads(),
    "stats": _reads(after=("demo/v1",)),
    "explain": _reads(),
    "version digest": _reads(after=("demo/v1",)),
    "serve": _reads(),
    "migrate-schema": _reads(),
    "completion": _reads(),
    "version list": _reads(),
    "version show": _reads(after=("demo/v1",)),
    "version create": _reads(after=("demo/v2",)),
    "version fork": _reads(after=("demo/v1", "v2")),
    "version rename": _reads(after=("demo/v1", "v2")),
    "version remove": _reads(after=("demo/v1", "-q", "data.width > 0", "--yes")),
    "version delete": _reads(after=("demo/v1", "--yes")),
    "version add": _reads(after=("demo/v1", "-q", "width > 0")),
    "version merge": _reads(after=("demo/v1", "v2")),
    "version split": _reads(after=("demo/v1", "80/20")),
    "version metadata": _reads(after=("demo/v1", "a=1")),
    "tag convert": _reads(after=("demo/v1", "night")),
    "version lock": _reads(after=("demo/v1",)),
    "version unlock": _reads(after=("demo/v1",)),
    "tag list": _reads(),
    "tag create": _reads(after=("demo/v1", "night")),
    "tag add": _reads(after=("demo/v1", "night")),
    "tag remove": _reads(after=("demo/v1", "night")),
    "tag rename": _reads(after=("demo/v1", "night", "day")),
    "tag delete": _reads(after=("demo/v1", "night", "--yes")),
    "label list": _reads(after=("demo/v1",)),
    "label show": _reads(after=("demo/v1", "box")),
    "label add": _reads(after=("demo/v1", "new")),
    "label rename": _reads(after=("demo/v1", "box", "new")),
    "label merge": _reads(after=("demo/v1", "box", "--into", "disc", "--yes")),
    "label delete": _reads(after=("demo/v1", "box", "--yes")),
    "job list": _reads(),
    "job show": _reads(after=("00000000-0000-0000-0000-000000000000",)),
    "campaign list": _reads(),
    "campaign create": _reads(after=("demo/v1",)),
    "campaign show": _reads(after=("demo/v1",)),
    "campaign edit": _reads(after=("demo/v1", "--description", "x")),
    "campaign add-step": _reads(after=("demo/v1", "draw")),
    "campaign remove-step": _reads(after=("demo/v1", "draw", "--to", "check")),
    "campaign sync": _reads(after=("demo/v1",)),
    "campaign assignments": _reads(after=("demo/v1",)),
    "campaign assign": _reads(after=("demo/v1", "local")),
    "campaign submit": _reads(after=("demo/v1", "a.png")),
    "campaign close": _reads(after=("demo/v1", "--yes")),
    "campaign delete": _reads(after=("demo/v1", "--yes")),
    "user list": _reads(),
    "user add": _reads(after=("demo", "local")),
    "processing add": _reads(after=("name", "--command", "true")),
    "processing list": _reads(),
    "processing remove": _reads(after=("name",)),
    "processing run": _reads(after=("demo/v1", "name")),
    "job log": _reads(after=("00000000-0000-0000-0000-000000000000",)),
    "job cancel": _reads(after=("00000000-0000-0000-0000-000000000000",)),
    "login": _reads(),
    "logout": _reads(),
    "whoami": _reads(),
    "undo list": _reads(),
    "undo show": _reads(after=("1",)),
    "undo run": _reads(after=("1",)),
    "token create": _reads(),
    "token list": _reads(),
    "token revoke": _reads(after=("name",)),
    "token rotate-key": _reads(),
    "user remove": _reads(after=("local",)),
    "organization list": _reads(),
    "organization create": _reads(after=("other",)),
    "organization rename": _reads(after=("local", "other")),
    "organization add": _reads(after=("local", "me")),
    "audit": _reads(),
    "check": _reads(after=("--repair",)),
    "gc": _reads(after=("--older-than", "1h")),
    "du": _reads(),
    "doctor": _reads(),
}


def test_every_command_has_an_entry() -> None:
    found = {
        *COMMANDS,
        *(f"{name} {sub}" for name, (_, _, subs) in SUBCOMMANDS.items() for sub in subs),
    }
    assert found == WRITING.keys() | READING.keys()
    assert not WRITING.keys() & READING.keys()


# --- the places --------------------------------------------------------------------------------------------

MINE = (
    "thesis.txt",
    "scene_000.png",
    "data.yaml",
    "labels/train/scene_000.txt",
    "labels/train.cache",
    "images/train/scene_000.png",
    "Annotations/scene_000.xml",
    "annotations/instances.json",
    "out.json",
)


def _own_folder(dst: Path) -> Path:
    for name in MINE:
        (dst / name).parent.mkdir(parents=True, exist_ok=True)
        (dst / name).write_text(f"mine: {name}")
    return dst


def _lake(dst: Path) -> Path:
    new_lake(dst)
    (dst / "objects" / "ab").mkdir(parents=True, exist_ok=True)
    (dst / "objects" / "ab" / "object").write_text("bytes of an image")
    return dst


def _objects(dst: Path) -> Path:
    return _lake(dst) / "objects"


def _new_in_lake(dst: Path) -> Path:
    return _lake(dst) / "new"


def _around(dst: Path) -> Path:
    _own_folder(dst)
    _lake(dst / "deep" / "lake")
    return dst


def _file(dst: Path) -> Path:
    dst.write_text("mine")
    return dst


LAKES = {"lake": _lake, "objects": _objects, "new in a lake": _new_in_lake, "around": _around}
PLACES = {"own folder": _own_folder, "file": _file, **LAKES}


def content(root: Path) -> dict[str, str]:
    """The digest of every file below a folder."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def lost(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The files that are neither where they were nor in a renamed folder."""
    kept = set(after.items())
    for path, digest in after.items():
        kept.add((re.sub(r"\.replaced-[0-9TZ]+(-\d+)?(?=/|$)", "", path, count=1), digest))
    return [path for path, digest in before.items() if (path, digest) not in kept]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, drawn: Drawn) -> Path:
    place = new_lake(tmp_path_factory.mktemp("filled") / "lake")
    place.done("push", "demo/v1", drawn.images)
    place.done("import", "demo/v1", drawn.annotations)
    return place.lake


@pytest.fixture
def source(filled: Path, tmp_path: Path) -> Place:
    lake = tmp_path / "source"
    shutil.copytree(filled, lake)
    return Place(str(lake), lake, {})


def run(command: str, arguments: Arguments) -> Outcome:
    outcome = headrace(*command.split(), *arguments)
    assert "Traceback" not in outcome.err, outcome
    assert "bug in headrace" not in outcome.err, outcome
    return outcome


def replaces(command: str, kind: str, arguments: Arguments) -> bool:
    """Whether a person asked for their file to be replaced."""
    asked = {"--overwrite", "--force"} & {*map(str, arguments)}
    return kind == "file" and bool(asked) and "coco" in arguments


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("command", WRITING)
def test_a_command_that_writes_loses_nothing(
    source: Place, drawn: Drawn, tmp_path: Path, command: str, kind: str
) -> None:
    for number, arguments in enumerate(WRITING[command](source, drawn, Path("DST"))):
        arena = tmp_path / f"arena-{number}"
        arena.mkdir()
        dst = PLACES[kind](arena / "out")
        real = [
            dst
            if each == Path("DST")
            else dst.with_name(each.name)
            if each == Path("free.json")
            else each
            for each in arguments
        ]
        before = content(arena)
        outcome = run(command, real)
        after = content(arena)
        if not replaces(command, kind, arguments):
            assert lost(before, after) == [], real
        if outcome.status and command not in ("pull", "sync"):
            assert after == before, real
        if kind in LAKES:
            assert outcome.status == 1, outcome
            assert after == before
            assert kind != "new in a lake" or not dst.exists()
        shutil.rmtree(arena)


@pytest.mark.parametrize("kind", ["own folder", "file", "objects", "around"])
@pytest.mark.parametrize("command", READING)
def test_a_command_that_reads_changes_nothing(
    source: Place, drawn: Drawn, tmp_path: Path, command: str, kind: str
) -> None:
    arena = tmp_path / "arena"
    arena.mkdir()
    dst = PLACES[kind](arena / "out")
    before = content(arena)
    for arguments in READING[command](source, drawn, dst):
        run(command, arguments)
    assert content(arena) == before


@pytest.mark.parametrize("more", [[], ["--yes"], ["--up"], ["--yes", "--max-delete", "100%"]])
def test_an_emptied_folder_takes_nothing_from_a_version(
    source: Place, tmp_path: Path, more: list[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert source.run("sync", "demo/v1", folder).status == 0
    before = source.done("ls", "demo/v1"), source.done("stats", "demo/v1")
    for image in folder.iterdir():
        image.unlink()
    outcome = source.run("sync", "demo/v1", folder, "--delete", *more)
    assert outcome.status == 1, outcome
    assert "12 assets with 28 shapes would be removed" in outcome.err
    assert (source.done("ls", "demo/v1"), source.done("stats", "demo/v1")) == before
