"""A lake is never written into: not itself, nor a folder in it, nor one around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace import create_lake
from headrace.errors import LakeError
from headrace.folders.lakes import (
    STORE_MARK,
    check_free_for_files,
    check_no_lake,
    is_lake,
    lake_around,
    lake_below,
)


@pytest.fixture
async def lake(tmp_path: Path) -> Path:
    await create_lake(tmp_path / "deep" / "lake")
    return tmp_path / "deep" / "lake"


async def test_a_lake_is_found_around_and_below(lake: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(lake)
    assert is_lake(lake)
    assert not is_lake(lake.parent)
    assert {
        lake_around(path)
        for path in (lake, lake / "objects", lake / "no" / "such", tmp_path / "link" / "new")
    } == {lake}
    assert lake_around(lake.parent) is None
    assert lake_below(tmp_path) == lake
    assert lake_below(lake) is None


async def test_the_error_names_the_lake(lake: Path, tmp_path: Path) -> None:
    check_no_lake(tmp_path / "new.json")
    check_no_lake(tmp_path, below=False)
    for path, says in [
        (lake, f"{lake} is a lake"),
        (lake / "objects", f"{lake / 'objects'} lies in {lake}, which is a lake"),
        (lake / "out.json", "lies in"),
        (tmp_path, f"{tmp_path} contains a lake, {lake}"),
    ]:
        with pytest.raises(LakeError) as caught:
            check_no_lake(path)
        assert says in caught.value.message


@pytest.mark.parametrize("inside", ["new", "objects/new", "new/deeper"])
async def test_no_lake_is_made_in_a_lake(lake: Path, inside: str) -> None:
    with pytest.raises(LakeError, match="lies in"):
        await create_lake(lake / inside)
    assert not (lake / "new").exists()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder with the files of a platform in a database."""
    folder = tmp_path / "deep" / "files"
    folder.mkdir(parents=True)
    (folder / STORE_MARK).write_text("{}")
    return folder


def test_the_files_of_a_platform_are_not_written_into(store: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store)
    check_no_lake(tmp_path, below=False)
    what = "the folder of a platform's files"
    for path, says in [
        (store, f"{store} is {what}"),
        (store / "new" / "out.json", f"lies in {store}, which is {what}"),
        (tmp_path / "link" / "new", f"lies in {store}, which is {what}"),
        (tmp_path, f"{tmp_path} contains {what}, {store}"),
    ]:
        with pytest.raises(LakeError) as caught:
            check_no_lake(path)
        assert says in caught.value.message


async def test_platforms_keep_their_files_apart(lake: Path, store: Path, tmp_path: Path) -> None:
    """Each collection of garbage would delete the files of the platform inside."""
    check_free_for_files(store)
    check_free_for_files(store.with_name("others"))
    (tmp_path / "link").symlink_to(store / "inside")
    for path in (store / "inside", tmp_path / "link", lake, lake / "objects"):
        with pytest.raises(LakeError, match=r"is a lake|lies in"):
            check_free_for_files(path)
    with pytest.raises(LakeError, match="lies in"):
        await create_lake(store / "lake")
