"""How much a body may hold is checked before its values are made (S15)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.errors import BadRequestError, RequestTooLargeError
from headrace.protocol.body_limits import MOST_ITEMS, MOST_OBJECTS, SMALL_BODY, body_limit
from headrace.protocol.codec import BIG_BODY, decode_request
from headrace.protocol.operations import OPERATIONS

ID = UUID("0197C4A0-0000-7000-8000-000000000001")
PATH = {name: str(ID) for operation in OPERATIONS.values() for name in operation.path_fields}


def decode(name: str, body: bytes) -> Any:
    return decode_request(OPERATIONS[name], PATH, [], body)


def ids(count: int) -> list[UUID]:
    return [UUID(int=number) for number in range(count)]


@pytest.mark.parametrize(
    ("name", "small"),
    [
        ("create_dataset", True),
        ("update_dataset", True),
        ("create_tag", True),
        ("register_data", False),
        ("create_label", True),
        ("delete_assets", False),
        ("import_annotations", False),
        ("register_many_data", False),
        ("attach_tag", False),
    ],
)
def test_a_body_without_lists_is_small(name: str, small: bool) -> None:
    assert body_limit(OPERATIONS[name]) == (SMALL_BODY if small else None)


@pytest.mark.parametrize(
    ("name", "field"),
    [("delete_assets", "ids"), ("attach_tag", None), ("fork_version", "asset_ids")],
)
def test_lists_of_ids_are_decoded_as_they_are_and_limited(name: str, field: str | None) -> None:
    def body(values: Any) -> bytes:
        rest = {"parent_id": ID, "version": "v"} if name == "fork_version" else {}
        return msgspec.json.encode(values if field is None else {field: values, **rest})

    full = ids(MOST_ITEMS)
    text = body(full)
    for values, sent in (([], body([])), (full[:3], body(full[:3])), (full, text)):
        assert getattr(decode(name, sent), field or "ids") == values
    spaced = text.replace(b",", b" ,\n ")
    assert getattr(decode(name, spaced), field or "ids") == full
    with pytest.raises(RequestTooLargeError, match="100001 values in one call") as caught:
        decode(name, body([*full, full[0]]))
    assert "at most 100000" in str(caught.value)


def test_a_wrong_value_in_a_long_list_is_named() -> None:
    values = [str(each) for each in ids(20_000)]
    values[12_345] = "no id"
    with pytest.raises(BadRequestError, match=r"ids\[12345\]"):
        decode("delete_assets", msgspec.json.encode({"ids": values}))


@pytest.mark.parametrize("value", ["null", "7", '"text"', "{}"])
def test_what_is_no_list_is_refused_in_a_long_body_too(value: str) -> None:
    padding = " " * (BIG_BODY + 1)
    with pytest.raises(BadRequestError, match="ids: expected"):
        decode("delete_assets", f'{{"ids":{value}{padding}}}'.encode())


def test_names_may_hold_commas_but_are_limited_too() -> None:
    names = ["a,b,c,d,e" * 4] * 10_000
    request = decode("match_assets", msgspec.json.encode({"filenames": names}))
    assert request.filenames == names
    for many in ([""] * (MOST_ITEMS + 1), [""] * (11 * MOST_ITEMS)):
        with pytest.raises(RequestTooLargeError, match="values in one call"):
            decode("match_assets", msgspec.json.encode({"filenames": many}))


def test_a_list_of_empty_objects_is_refused_before_it_is_made() -> None:
    body = b'{"annotations":[' + b"{}," * MOST_OBJECTS + b"{}]}"
    with pytest.raises(RequestTooLargeError, match="objects in one call"):
        decode("import_annotations", body)
