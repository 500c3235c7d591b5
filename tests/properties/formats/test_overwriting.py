"""Whatever a person does in a folder between two writings: their files stay, or the writing is refused as a whole."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import FormatError
from headrace.formats.io.atomic import AtomicTarget
from tests.support.tiers import scaled

PATHS = ["a", "b", "a/a", "a/b", "b/a", "a/a/a", "a/b/c", "c/c/c"]
"""Some of them are files where others need a folder."""

trees = st.lists(st.sampled_from(PATHS), unique=True, min_size=1).map(
    lambda paths: [
        path for path in paths if not any(other.startswith(f"{path}/") for other in paths)
    ]
)
acts = st.one_of(
    st.tuples(st.just("write"), trees),
    st.tuples(st.sampled_from(["edit", "add", "delete", "touch"]), st.sampled_from(PATHS)),
)


@pytest.fixture(scope="module", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_STATE", str(tmp_path_factory.mktemp("state")))
        yield


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


def put(path: Path, text: str) -> bool:
    """Write a file where the path is free for one; returns whether it was."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError:
        return False
    return True


def collides(path: str, others: list[str]) -> bool:
    return any(
        path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")
        for other in others
    )


def write(out: Path, paths: list[str], text: str) -> None:
    publication = AtomicTarget(out, overwrite=True)
    try:
        temp = publication.begin(folder=True)
        temp.mkdir()
        for path in paths:
            assert put(temp / path, f"{text} {path}")
        publication.publish()
    finally:
        publication.discard()


def mine(number: int) -> str:
    return f"mine {number} and longer"


def check_writing(out: Path, paths: list[str], number: int, foreign: dict[str, str]) -> None:
    before = tree(out)
    blocked = any(collides(path, paths) for path in foreign)
    # An empty folder that a person made is in the way of a file too.
    folders = any((out / path).is_dir() for path in paths)
    try:
        write(out, paths, f"written {number}")
    except FormatError:
        assert blocked or folders
        assert tree(out) == before
    else:
        assert not blocked
        assert tree(out) == foreign | {path: f"written {number} {path}" for path in paths}


@given(first=trees, history=st.lists(acts, max_size=8))
@settings(max_examples=scaled(100))
def test_foreign_files_outlive_every_writing(
    first: list[str], history: list[tuple[str, list[str]]]
) -> None:
    numbers = itertools.count()
    with TemporaryDirectory() as place:
        out = Path(place, "out")
        write(out, first, "written 0")
        foreign: dict[str, str] = {}
        for act, what in history:
            number = next(numbers)
            path = out / str(what)
            is_there = path.is_file()
            if act == "write":
                check_writing(out, list(what), number, foreign)
            elif act == "delete" and is_there:
                path.unlink()
                foreign.pop(str(what), None)
            elif act == "touch" and is_there:
                os.utime(path, ns=(number, number))
                foreign[str(what)] = path.read_text()
            elif act in ("add", "edit") and is_there == (act == "edit") and put(path, mine(number)):
                foreign[str(what)] = mine(number)
            assert os.listdir(place) == ["out"]
