"""Every operation survives the wire: what was asked arrives, what was answered comes back."""

from __future__ import annotations

import types
from functools import cache
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Struct, UnsetType
from yarl import URL

from headrace.errors import BadRequestError, ServerError
from headrace.model.enums import WireEnum
from headrace.protocol.codec import (
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from headrace.protocol.operation import Operation
from headrace.protocol.operations import OPERATIONS
from tests.support.tiers import scaled

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
JSON = st.dictionaries(
    TEXT, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT, max_size=3
)
WORDS = TEXT | st.sampled_from(["1", "True", "{}", "null", "IMAGE"])
BODIES = (
    st.binary(max_size=60)
    | JSON.map(msgspec.json.encode)
    | st.lists(JSON, max_size=3).map(msgspec.json.encode)
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**31), 2**31),
    float: NUMBERS,
    bool: st.booleans(),
    bytes: st.binary(max_size=12),
    UUID: st.uuids(),
    Any: st.none() | TEXT,
    types.NoneType: st.none(),
    UnsetType: st.just(UNSET),
}


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type of the table."""
    origin, args = get_origin(kind), get_args(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if origin in (Union, types.UnionType):
        return st.one_of([values(arg) for arg in args])
    if origin is list:
        return st.lists(values(args[0]), max_size=3)
    if origin is tuple:
        return st.tuples(*(values(arg) for arg in args))
    if origin is dict:
        return JSON if args[1] is Any else st.dictionaries(*map(values, args), max_size=3)
    if isinstance(kind, type) and issubclass(kind, WireEnum):
        return st.sampled_from(list(kind))
    return structs(kind)


@cache
def structs(kind: Any) -> st.SearchStrategy[Any]:
    fields = {f.name: values(f.type) for f in msgspec.structs.fields(kind)}
    return st.fixed_dictionaries(fields).map(lambda given: (get_origin(kind) or kind)(**given))


@cache
def requests(operation: Operation[Any, Any]) -> st.SearchStrategy[Any]:
    return structs(operation.request).map(lambda request: travelling(operation, request))


def travelling(operation: Operation[Any, Any], request: Struct) -> Struct:
    """``None`` and empty lists do not travel everywhere: the absent value stands for them there."""
    changes: dict[str, Any] = {}
    for field in msgspec.structs.fields(operation.request):
        value = getattr(request, field.name)
        if field.name in operation.query_fields and value == []:
            changes[field.name] = None
        if value is None and field.name in operation.body_fields and not operation.send_null:
            changes[field.name] = field.default
    return msgspec.structs.replace(request, **changes)


@pytest.mark.parametrize("name", list(OPERATIONS))
@settings(max_examples=scaled(12), deadline=None)
@given(data=st.data())
def test_requests_arrive_as_sent(name: str, data: st.DataObject) -> None:
    operation = OPERATIONS[name]
    request = data.draw(requests(operation))
    wire = encode_request(operation, request)
    # Over a real URL: what is quoted there must come back too.
    url = URL("http://localhost" + wire.path, encoded=True).with_query(wire.query)
    match = dict(zip(placeholders(operation), url.raw_path.split("/"), strict=True))
    path_values = {
        n: URL("/" + match["{" + n + "}"], encoded=True).path[1:] for n in operation.path_fields
    }
    arrived = decode_request(operation, path_values, url.query.items(), wire.body)
    assert arrived == request or same_body(operation, arrived, wire.body)


def same_body(operation: Operation[Any, Any], arrived: Struct, body: bytes | None) -> bool:
    """Whether a request that servers read in another way is the same on the wire."""
    assert operation.quick is not None
    again = encode_request(operation, arrived).body
    return msgspec.json.decode(again or b"{}") == msgspec.json.decode(body or b"{}")


def placeholders(operation: Operation[Any, Any]) -> list[str]:
    return operation.path.split("/")


@pytest.mark.parametrize("name", list(OPERATIONS))
@settings(max_examples=scaled(12), deadline=None)
@given(data=st.data())
def test_answers_come_back_as_given(name: str, data: st.DataObject) -> None:
    operation = OPERATIONS[name]
    result = data.draw(values(operation.result))
    assert decode_response(operation, b"".join(encode_response(operation, result))) == result


@settings(max_examples=scaled(10), deadline=None)
@given(data=st.data())
def test_big_bodies_decode_as_small_ones(data: st.DataObject) -> None:
    operation = OPERATIONS["import_annotations"]
    request = data.draw(requests(operation))
    wire = encode_request(operation, request)
    assert wire.body is not None
    padded = wire.body + b" " * 300_000
    path_values = {"version_id": str(request.version_id)}
    arrived = decode_request(operation, path_values, (), padded)
    assert arrived == request or same_body(operation, arrived, wire.body)


def test_long_arrays_are_encoded_in_pieces_that_make_one_array() -> None:
    operation = OPERATIONS["annotation_ids"]
    ids = [UUID(int=n) for n in range(1000)]
    pieces = list(encode_response(operation, ids))
    assert len(pieces) > 1
    assert decode_response(operation, b"".join(pieces)) == ids


@pytest.mark.parametrize("name", list(OPERATIONS))
@settings(max_examples=scaled(30), deadline=None)
@given(data=st.data())
def test_whatever_comes_is_a_request_or_a_refusal(name: str, data: st.DataObject) -> None:
    operation = OPERATIONS[name]
    path = {field: data.draw(WORDS) for field in operation.path_fields}
    query = [(field, data.draw(WORDS)) for field in operation.query_fields]
    body = data.draw(BODIES)
    found: object
    try:
        found = decode_request(operation, path, query, body)
    except BadRequestError as error:
        found = error.message.partition(": ")[0]
    assert found == name or isinstance(found, operation.request)


@pytest.mark.parametrize("name", ["list_assets", "load_annotations", "import_annotations"])
@given(body=st.binary(max_size=60) | JSON.map(msgspec.json.encode))
def test_whatever_answers_is_a_result_or_an_error(name: str, body: bytes) -> None:
    found: object
    try:
        found = decode_response(OPERATIONS[name], body)
    except ServerError as error:
        found = error.message.partition(": ")[0]
    assert found == name or not isinstance(found, str)
