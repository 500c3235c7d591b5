"""What people do wrong with ``headrace.connect``: the message says how a client is opened."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace.errors import ConfigurationError


@pytest.fixture
def unopened(tmp_path: Path) -> Any:
    return headrace.connect(tmp_path)


def test_a_method_of_a_client_that_is_not_open(unopened: Any) -> None:
    with pytest.raises(AttributeError, match=r"not open yet.*'list_datasets'.*async with"):
        unopened.list_datasets()


def test_other_attributes_are_missing_as_usual(unopened: Any) -> None:
    with pytest.raises(AttributeError, match="'Connection' object has no attribute 'lst_datasets'"):
        _ = unopened.lst_datasets
    assert not hasattr(unopened, "close_it")
    assert isinstance(copy.copy(unopened), type(unopened))


def test_with_in_place_of_async_with(unopened: Any) -> None:
    with pytest.raises(TypeError, match=r"async with .*headrace\.blocking\.connect"), unopened:
        pass


async def test_an_empty_name_is_not_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await headrace.create_lake(tmp_path / "lake")
    monkeypatch.chdir(tmp_path / "lake")
    with pytest.raises(ConfigurationError, match="is empty"):
        await headrace.connect("")
    async with headrace.connect(".") as client:
        assert await client.list_datasets() == []
