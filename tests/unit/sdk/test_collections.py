"""Lists of handles: they behave like lists, cost their records, and change nothing on the platform."""

from __future__ import annotations

from typing import cast
from uuid import UUID

import pytest

from headrace.errors import BadRequestError
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.records import DataRecord
from headrace.sdk.base.session import Session
from headrace.sdk.data import Data, MultiData


class NoSession:
    """Any call would fail: nothing here may make one."""

    name = "lake"


SESSION = cast(Session, NoSession())


def record(number: int) -> DataRecord:
    return DataRecord(
        id=UUID(int=number),
        object_name=f"o{number}",
        filename=f"{number}.png",
        type=DataType.IMAGE,
        content_type="image/png",
        upload_status=DataUploadStatus.DONE,
    )


def many(*numbers: int) -> MultiData:
    return MultiData(SESSION, [record(number) for number in numbers])


def numbers(data: MultiData) -> list[int]:
    return [each.int for each in data.ids]


def test_it_is_a_list() -> None:
    data = many(1, 2, 3)
    data.append(Data(SESSION, record(4)))
    data.insert(0, Data(SESSION, record(0)))
    assert numbers(data) == [0, 1, 2, 3, 4]
    assert data.pop().filename == "4.png"
    data.extend(many(7, 8))
    data.reverse()
    assert numbers(data) == [8, 7, 3, 2, 1, 0]
    data.remove(data[0])
    del data[:2]
    data[0] = Data(SESSION, record(9))
    data[1:] = many(5, 6)
    assert numbers(data) == [9, 5, 6]
    assert data.index(data[1]) == 1
    data.clear()
    assert not data


def test_slices_and_copies_are_lists_of_the_same_kind() -> None:
    data = many(1, 2, 3)
    part, copy = data[1:], data.copy()
    copy.pop()
    assert isinstance(part, MultiData)
    assert (numbers(part), numbers(copy), numbers(data)) == ([2, 3], [1, 2], [1, 2, 3])


def test_plus_is_a_union_in_order() -> None:
    assert numbers(many(3, 1) + many(1, 2, 3)) == [3, 1, 2]
    plain = [Data(SESSION, record(4))]
    assert numbers(many(3) + plain) == [3, 4]


def test_membership_and_equality_go_by_id() -> None:
    data = many(1, 2)
    assert Data(SESSION, record(2)) in data
    assert Data(SESSION, record(3)) not in data
    assert "2.png" not in data
    assert data == many(1, 2) != many(2, 1)
    assert len({Data(SESSION, record(1)), Data(SESSION, record(1))}) == 1


def test_a_split_holds_everything_once() -> None:
    first, second = many(*range(10)).split(0.7)
    assert (len(first), len(second)) == (7, 3)
    assert sorted(numbers(first) + numbers(second)) == list(range(10))
    with pytest.raises(BadRequestError, match=r"ratio is 1\.5"):
        many(1).split(1.5)


def test_only_handles_may_enter() -> None:
    with pytest.raises(BadRequestError, match="cannot be part of a MultiData"):
        many(1).append(cast(Data, "2.png"))


def test_reprs_tell_without_asking() -> None:
    assert repr(many(1, 2)) == "MultiData(2 items · lake)"
    assert repr(many(1)[0]) == "Data('1.png' · image · ?x? · lake)"
