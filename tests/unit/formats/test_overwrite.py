"""Overwriting replaces what headrace wrote, and nothing of a person's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from headrace import create_lake
from headrace.errors import FormatError, LakeError
from headrace.folders import replace
from headrace.formats.io import atomic
from headrace.formats.io.atomic import AtomicTarget

Tree = Mapping[str, str]
OLD: Tree = {"data.yaml": "old", "labels/a.txt": "old a", "labels/only-old/b.txt": "b"}
NEW: Tree = {"data.yaml": "new", "labels/a.txt": "new a", "labels/c.txt": "c"}


@pytest.fixture(autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("HEADRACE_STATE", str(folder))
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def put(root: Path, tree: Tree) -> None:
    for path, text in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def write(
    target: Path, content: Tree | str, *, overwrite: bool = True, force: bool = False
) -> Path | None:
    publication = AtomicTarget(target, overwrite=overwrite, force=force)
    try:
        temp = publication.begin(folder=not isinstance(content, str))
        if isinstance(content, str):
            temp.write_text(content)
        else:
            temp.mkdir()
            put(temp, content)
        publication.publish()
    except BaseException:
        publication.discard()
        raise
    return publication.replaced


def refused(
    target: Path,
    content: Tree | str = NEW,
    *,
    force: bool = False,
    kind: type[Exception] = FormatError,
) -> str:
    """Write, be refused, and find that nothing has changed; returns the message."""
    before = tree(target.parent)
    with pytest.raises(kind) as caught:
        write(target, content, force=force)
    assert tree(target.parent) == before
    return str(caught.value)


# --- folders ---------------------------------------------------------------------------------------------


def test_foreign_files_stay_and_what_the_new_writing_lacks_goes(place: Path) -> None:
    out = place / "out"
    write(out, OLD)
    mine = {
        "labels/train.cache": "cache",
        "runs/exp/weights.pt": "weights",
        "labels/only-old/x": "x",
    }
    put(out, mine)
    (out / "nothing in it").mkdir()
    (out / "link").symlink_to("/somewhere")
    (out / "data.yaml").chmod(0o600)
    inode = (out / "runs/exp/weights.pt").stat().st_ino
    assert write(out, NEW) is None
    assert tree(out) == {**NEW, **mine}
    assert (out / "nothing in it").is_dir()
    assert os.readlink(out / "link") == "/somewhere"
    # A trainer that has the file open goes on writing to it.
    assert (out / "runs/exp/weights.pt").stat().st_ino == inode
    assert os.listdir(place) == ["out"]


def test_it_can_be_repeated(place: Path) -> None:
    write(place / "out", OLD)
    put(place / "out", {"labels/mine": "mine"})
    for content in (NEW, OLD, NEW, NEW):
        write(place / "out", content)
        assert tree(place / "out") == {**content, "labels/mine": "mine"}
    refused(place / "out", {**NEW, "labels/mine": "theirs"})


def test_a_file_that_a_person_changed_is_in_the_way(place: Path) -> None:
    write(place / "out", OLD)
    put(place / "out", {"labels/a.txt": "mended by hand"})
    said = refused(place / "out")
    assert "labels/a.txt" in said
    assert "data.yaml" not in said
    # What the new writing does not have is in nobody's way.
    assert write(place / "out", {"data.yaml": "new"}) is None
    assert tree(place / "out") == {"data.yaml": "new", "labels/a.txt": "mended by hand"}


@pytest.mark.parametrize(
    ("mine", "new"),
    [
        ({"labels/c.txt": "mine"}, NEW),
        ({"labels/c.txt/inside": "mine"}, NEW),
        ({"extra": "mine"}, {**NEW, "extra/file": "new"}),
        ({"labels/only-old/mine": "mine"}, {**NEW, "labels/only-old": "a file now"}),
    ],
)
def test_a_foreign_file_in_the_way_is_named(place: Path, mine: Tree, new: Tree) -> None:
    write(place / "out", OLD)
    put(place / "out", mine)
    said = refused(place / "out", new)
    assert next(iter(mine)).rpartition("/")[0] in said


def test_a_file_of_the_same_content_is_in_nobodys_way(place: Path) -> None:
    write(place / "out", OLD)
    put(place / "out", {"labels/c.txt": NEW["labels/c.txt"], "mine": "mine"})
    os.utime(place / "out" / "data.yaml", ns=(1, 1))
    assert "data.yaml" in refused(place / "out")
    (place / "out" / "data.yaml").write_text(NEW["data.yaml"])
    assert write(place / "out", NEW) is None
    assert tree(place / "out") == {**NEW, "mine": "mine"}
    assert os.listdir(place) == ["out"]


def test_a_folder_of_ones_own_is_refused_and_force_renames_it(place: Path) -> None:
    put(place / "out", {"thesis.txt": "years of work", "labels/a.txt": "mine"})
    said = refused(place / "out")
    assert "thesis.txt" in said
    assert "force=True" in said
    aside = write(place / "out", NEW, force=True)
    assert aside is not None
    assert aside.parent == place
    assert aside.name.startswith("out.replaced-")
    assert tree(aside) == {"thesis.txt": "years of work", "labels/a.txt": "mine"}
    assert tree(place / "out") == NEW


def test_force_renames_only_what_overwriting_would_refuse(place: Path) -> None:
    write(place / "out", OLD)
    put(place / "out", {"mine": "mine"})
    assert write(place / "out", NEW, force=True) is None
    assert tree(place / "out") == {**NEW, "mine": "mine"}
    put(place / "out", {"data.yaml": "mended by hand"})
    first = write(place / "out", OLD, force=True)
    put(place / "out", {"data.yaml": "mended again"})
    second = write(place / "out", NEW, force=True)
    assert first is not None
    assert second is not None
    assert first != second
    assert tree(first)["data.yaml"] == "mended by hand"
    assert tree(second)["data.yaml"] == "mended again"
    assert tree(place / "out") == NEW


def test_another_machine_knows_nothing_of_the_writing(
    place: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place / "out", OLD)
    monkeypatch.setenv("HEADRACE_STATE", str(state / "elsewhere"))
    assert "another machine" in refused(place / "out")


def test_a_folder_made_again_is_foreign(place: Path) -> None:
    write(place / "out", OLD)
    shutil.rmtree(place / "out")
    put(place / "out", OLD)
    os.utime(place / "out" / "data.yaml", ns=(1, 1))
    assert "data.yaml" in refused(place / "out")


def test_a_state_folder_that_cannot_be_written_stops_no_writing(
    place: Path, state: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (state / "file").write_text("")
    monkeypatch.setenv("HEADRACE_STATE", str(state / "file"))
    write(place / "out", OLD)
    assert tree(place / "out") == OLD
    assert "cannot note" in caplog.text
    refused(place / "out")


# --- files, and files against folders ----------------------------------------------------------------------


def test_a_file_is_replaced_with_its_mode_kept(place: Path) -> None:
    put(place, {"out.json": "mine"})
    (place / "out.json").chmod(0o600)
    assert write(place / "out.json", "new") is None
    assert (place / "out.json").read_text() == "new"
    assert (place / "out.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("empty", [False, True])
def test_no_folder_is_replaced_by_a_file(place: Path, empty: bool, force: bool) -> None:
    (place / "out").mkdir()
    if not empty:
        write(place / "out", OLD)
    assert "is a folder" in refused(place / "out", "new", force=force)


def test_no_file_is_replaced_by_a_folder_unasked(place: Path) -> None:
    put(place, {"out": "mine"})
    assert "is a file" in refused(place / "out")
    aside = write(place / "out", NEW, force=True)
    assert aside is not None
    assert aside.read_text() == "mine"
    assert tree(place / "out") == NEW


def test_a_file_that_came_in_the_meantime_is_not_replaced_unasked(place: Path) -> None:
    publication = AtomicTarget(place / "out", overwrite=False)
    publication.begin().write_text("new")
    put(place, {"out": "mine"})
    with pytest.raises(FormatError, match="exists"):
        publication.publish()
    publication.discard()
    assert tree(place) == {"out": "mine"}


def test_a_link_is_followed_and_stays(place: Path) -> None:
    put(place, {"v1.json": "one"})
    (place / "latest.json").symlink_to("v1.json")
    write(place / "latest.json", "new")
    write(place / "set-v1", OLD)
    (place / "latest").symlink_to("set-v1")
    write(place / "latest", NEW)
    assert os.readlink(place / "latest.json") == "v1.json"
    assert (place / "v1.json").read_text() == "new"
    assert os.readlink(place / "latest") == "set-v1"
    assert tree(place / "set-v1") == NEW


def test_the_working_folder_is_not_replaced_under_ones_feet(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    with pytest.raises(FormatError, match="working folder"):
        write(Path(), NEW)
    with pytest.raises(FormatError, match="neither a file nor a folder"):
        write(Path("/dev/null"), "new")


# --- lakes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("force", [False, True])
async def test_a_lake_is_never_a_target(place: Path, force: bool) -> None:
    lake = place / "data" / "lake"
    await create_lake(lake)
    (lake / "objects").mkdir(exist_ok=True)
    (place / "link").symlink_to(lake)
    before = sorted(map(str, place.rglob("*")))
    for target in (lake, lake / "objects", lake / "new", place / "data", place / "link"):
        for content in (NEW, "file"):
            if target == place / "data" and content == "file":
                continue
            with pytest.raises(LakeError, match="lake"):
                write(target, content, force=force)
    assert sorted(map(str, place.rglob("*"))) == before


async def test_a_lake_that_was_made_in_an_export_is_kept(place: Path) -> None:
    write(place / "out", OLD)
    await create_lake(place / "out" / "lake")
    with pytest.raises(LakeError, match="contains a lake"):
        write(place / "out", NEW)


# --- deaths ----------------------------------------------------------------------------------------------


class Death(BaseException):
    """The process ends here."""


Breaking = Callable[[pytest.MonkeyPatch], None]


def _die(*_: object, **__: object) -> None:
    raise Death


def _die_after_the_first_rename(patch: pytest.MonkeyPatch) -> None:
    rename, seen = Path.rename, []

    def once(path: Path, target: Path) -> Path:
        if seen:
            raise Death
        seen.append(path)
        return rename(path, target)

    patch.setattr(Path, "rename", once)


DEATHS: dict[str, Breaking] = {
    "before foreign files are linked": lambda patch: patch.setattr(atomic, "keep_foreign", _die),
    "before the swap": lambda patch: patch.setattr(shutil, "copymode", _die),
    "within the swap": _die_after_the_first_rename,
    "before the old is deleted": lambda patch: patch.setattr(atomic, "clear_replaced", _die),
    "while the old is deleted": lambda patch: patch.setattr(replace.os, "rmdir", _die),
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_death_leaves_the_old_or_the_new(
    place: Path, death: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, mine = place / "out", {"labels/mine": "mine", "runs/w.pt": "weights"}
    write(out, OLD)
    put(out, mine)
    publication = AtomicTarget(out, overwrite=True)
    temp = publication.begin(folder=True)
    temp.mkdir()
    put(temp, NEW)
    with monkeypatch.context() as patch, pytest.raises(Death):
        DEATHS[death](patch)
        publication.publish()
    publication._lock.free()  # as the system does
    AtomicTarget(out, overwrite=True).begin(folder=True)
    assert tree(out) in ({**OLD, **mine}, {**NEW, **mine})
    assert {name for name in os.listdir(place) if "lock" not in name} == {"out"}


def test_the_next_overwrite_after_a_death_succeeds(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = place / "out"
    for death in DEATHS.values():
        shutil.rmtree(out, ignore_errors=True)
        write(out, OLD)
        put(out, {"mine": "mine"})
        with monkeypatch.context() as patch, pytest.raises(Death):
            death(patch)
            publication = AtomicTarget(out, overwrite=True)
            temp = publication.begin(folder=True)
            temp.mkdir()
            put(temp, NEW)
            publication.publish()
        publication._lock.free()
        assert write(out, {"data.yaml": "third"}) is None
        assert tree(out) == {"data.yaml": "third", "mine": "mine"}
        assert os.listdir(place) == ["out"]


def test_a_file_system_without_hard_links_moves_foreign_files(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place / "out", OLD)
    put(place / "out", {"labels/mine": "mine", "deep/er/mine": "mine"})

    def no_link(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(replace.os, "link", no_link)
    write(place / "out", NEW)
    assert tree(place / "out") == {**NEW, "labels/mine": "mine", "deep/er/mine": "mine"}
    assert os.listdir(place) == ["out"]


def test_a_file_that_came_during_the_swap_is_kept(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place / "out", OLD)
    keep = atomic.keep_foreign

    def late(folder: Path, *rest: object) -> None:
        keep(folder, *rest)  # type: ignore[arg-type]
        put(folder, {"labels/late": "late", "labels/c.txt": "late"})

    monkeypatch.setattr(atomic, "keep_foreign", late)
    aside = write(place / "out", NEW)
    assert tree(place / "out") == {**NEW, "labels/late": "late"}
    assert aside is not None
    assert tree(aside) == {"labels/c.txt": "late"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_of_a_person_is_kept(place: Path) -> None:
    write(place / "out", OLD)
    put(place / "out", {"archive/mine": "mine"})
    (place / "out" / "archive").chmod(0o555)
    aside = write(place / "out", NEW)
    assert tree(place / "out") == {**NEW, "archive/mine": "mine"}
    assert (place / "out" / "archive").stat().st_mode & 0o777 == 0o555
    for folder in (place / "out" / "archive", aside and aside / "archive"):
        if folder:
            folder.chmod(0o755)


def test_the_modes_of_folders_are_kept(place: Path) -> None:
    write(place / "out", OLD)
    put(place / "out", {"private/mine": "mine"})
    (place / "out").chmod(0o711)
    (place / "out" / "private").chmod(0o700)
    write(place / "out", NEW)
    assert (place / "out").stat().st_mode & 0o777 == 0o711
    assert (place / "out" / "private").stat().st_mode & 0o777 == 0o700
