"""Packed lists of records are lists: whatever is done to one and to a plain list leaves the same."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.engine.packed_list import BLOCK, PLAIN, PackedList
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.records import DataRecord, Meta


def record(number: int) -> DataRecord:
    return DataRecord(
        id=UUID(int=number),
        object_name=f"4/{UUID(int=7)}/{UUID(int=number)}.png",
        filename=f"{number}.png",
        type=DataType.IMAGE,
        content_type="image/png",
        upload_status=DataUploadStatus.DONE,
        meta=Meta(640 + number, 480),
        custom_metadata={"number": number, "f": 1.5, "none": None, "l": [1, "é"]},
    )


MANY = [record(number) for number in range(PLAIN + 3 * BLOCK + 17)]


def test_what_comes_out_is_what_went_in() -> None:
    records = PackedList(MANY)
    assert len(records) == len(MANY)
    assert list(records) == MANY
    assert [records[place] for place in (0, -1, PLAIN, PLAIN + BLOCK, -BLOCK)] == [
        MANY[place] for place in (0, -1, PLAIN, PLAIN + BLOCK, -BLOCK)
    ]
    assert list(records[PLAIN - 3 : PLAIN + BLOCK + 3]) == MANY[PLAIN - 3 : PLAIN + BLOCK + 3]
    assert list(records[::-7]) == MANY[::-7]
    assert records.index(MANY[PLAIN + 5]) == PLAIN + 5
    for place in (len(MANY), -len(MANY) - 1):
        with pytest.raises(IndexError, match="records"):
            _ = records[place]


def test_long_lists_are_packed_and_short_ones_are_not() -> None:
    blocks, _, _ = PackedList(MANY).state()
    assert sum(isinstance(block, bytes) for block in blocks) == 3
    assert max(len(block) for block in blocks if isinstance(block, bytes)) < 200 * BLOCK
    assert all(isinstance(block, list) for block in PackedList(MANY[:PLAIN]).state()[0])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 2 * len(MANY))),
        st.tuples(st.just("delete"), st.integers(0, 2 * len(MANY))),
        st.tuples(st.just("insert"), st.integers(-5, 2 * len(MANY))),
        st.tuples(st.just("extend"), st.integers(0, 2 * BLOCK)),
        st.tuples(st.just("cut"), st.integers(0, len(MANY))),
        st.tuples(st.just("copy"), st.just(0)),
    ),
    max_size=12,
)


@given(STEPS)
def test_changes_are_those_of_a_list(steps: list[tuple[str, int]]) -> None:
    plain: list[DataRecord] = list(MANY)
    records: Any = PackedList(MANY)
    kept = PackedList(records)
    for step, number in steps:
        place = number % len(plain) if plain else 0
        match step:
            case "set" if plain:
                plain[place] = records[place] = record(99_999 + number)
            case "delete" if plain:
                del plain[place], records[place]
            case "insert":
                plain.insert(number, MANY[3])
                records.insert(number, MANY[3])
            case "extend":
                plain.extend(MANY[:number])
                records.extend(MANY[:number])
            case "cut":
                del plain[place : place + 300], records[place : place + 300]
            case "copy":
                records = PackedList(records)
        assert len(records) == len(plain)
    assert list(records) == plain
    assert [records[place] for place in range(0, len(plain), 97)] == plain[::97]
    assert list(kept) == MANY
