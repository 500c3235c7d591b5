"""A target appears complete or not at all, whatever happens on the way."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from headrace.errors import FormatError
from headrace.formats.io.atomic import AtomicTarget


def listed(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(params=["file", "folder"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def put(path: Path, kind: str, content: str = "new") -> None:
    if kind == "file":
        path.write_text(content)
    else:
        path.mkdir()
        (path / "inside").write_text(content)


def content(path: Path) -> str:
    return (path / "inside" if path.is_dir() else path).read_text()


def test_nothing_is_there_before_and_all_of_it_after(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "out"
    publication = AtomicTarget(target, overwrite=False)
    put(publication.begin(), kind)
    assert not target.exists()
    publication.publish()
    assert content(target) == "new"
    assert listed(tmp_path) == {"out"}
    publication.discard()
    assert content(target) == "new"


def test_what_is_discarded_leaves_nothing(tmp_path: Path, kind: str) -> None:
    publication = AtomicTarget(tmp_path / "out", overwrite=False)
    put(publication.begin(), kind)
    publication.discard()
    assert listed(tmp_path) == set()


def published(target: Path, kind: str, text: str = "new", **options: bool) -> AtomicTarget:
    publication = AtomicTarget(target, **{"overwrite": False, **options})
    try:
        put(publication.begin(), kind, text)
        publication.publish()
    except BaseException:
        publication.discard()
        raise
    return publication


def test_what_headrace_wrote_is_replaced_where_allowed(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "out"
    published(target, kind, "old")
    with pytest.raises(FormatError, match="exists"):
        AtomicTarget(target, overwrite=False).begin()
    assert (content(target), listed(tmp_path)) == ("old", {"out"})
    publication = AtomicTarget(target, overwrite=True)
    put(publication.begin(), kind)
    assert content(target) == "old"
    publication.publish()
    assert (content(target), listed(tmp_path)) == ("new", {"out"})
    assert publication.replaced is None


def test_an_empty_folder_may_be_the_target(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    publication = AtomicTarget(target, overwrite=False)
    put(publication.begin(), "folder")
    publication.publish()
    assert content(target) == "new"


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="nowhere does not exist"):
        AtomicTarget(tmp_path / "nowhere" / "out", overwrite=False).begin()


def test_two_at_once_are_kept_apart(tmp_path: Path) -> None:
    first = AtomicTarget(tmp_path / "out", overwrite=True)
    put(first.begin(), "file", "first")
    with pytest.raises(FormatError, match="another process is writing"):
        AtomicTarget(tmp_path / "out", overwrite=True).begin()
    first.publish()
    second = AtomicTarget(tmp_path / "out", overwrite=True)
    put(second.begin(), "file", "second")
    second.publish()
    assert content(tmp_path / "out") == "second"


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "out"
    killed = f"""
        import os, signal
        from pathlib import Path
        from headrace.formats.io.atomic import AtomicTarget
        temp = AtomicTarget(Path({str(target)!r}), overwrite=False).begin()
        if {kind == "file"}:
            temp.write_text("half")
        else:
            temp.mkdir()
            (temp / "inside").write_text("half")
            (temp / "more").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(killed)], check=False)
    assert done.returncode == -9
    assert not target.exists()
    left = listed(tmp_path)
    assert left
    assert all(name.startswith(".out.headrace-") for name in left)
    publication = AtomicTarget(target, overwrite=False)
    put(publication.begin(), kind)
    publication.publish()
    assert listed(tmp_path) == {"out"}
    assert not target.is_dir() or listed(target) == {"inside"}


def test_a_death_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    put(tmp_path / ".out.headrace-old", "folder", "old")
    publication = AtomicTarget(tmp_path / "out", overwrite=False)
    with pytest.raises(FormatError, match="exists"):
        publication.begin()
    assert content(tmp_path / "out") == "old"
