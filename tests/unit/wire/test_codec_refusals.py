"""What does not fit the table is refused by a message that names the field."""

from __future__ import annotations

import math
from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.errors import BadRequestError, ConflictError, RateLimitError, ServerError
from headrace.protocol.codec import (
    decode_request,
    decode_response,
    decodes_in_pieces,
    encode_request,
    encode_response,
)
from headrace.protocol.operations import OPERATIONS
from headrace.protocol.operations.annotations import ImportAnnotations, ImportItem, RectangleIn
from headrace.protocol.operations.datasets import ListDatasets
from headrace.protocol.operations.labels import LabelNames
from headrace.protocol.wire import decode_error, encode_error

ID = UUID("0197C4A0-0000-7000-8000-000000000001")
PATH = {"version_id": str(ID), "organization_id": str(ID)}


def import_body(**shape: Any) -> bytes:
    item = {
        "asset_id": "a",
        "rectangles": [{"label_id": "l", "x": 1, "y": 2, "w": 3, "h": 4} | shape],
    }
    return msgspec.json.encode({"annotations": [{"asset_id": "b"}, item]})


@pytest.mark.parametrize("padding", [0, 300_000])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (import_body(x="left"), r"annotations\[1\]\.rectangles\[0\]\.x: expected float, got str"),
        (b'{"annotations":[{}]}', r"annotations\[0\]: object missing required field asset_id"),
        (b'{"annotations":{}}', r"annotations: expected array, got object"),
        (b'{"import_type":"replace"}', r"import_type: invalid enum value 'replace'"),
        (b'{"annotations":[', "the body is not JSON"),
        (b'{"annotations":[{"asset_id":"\xff"}]}', "not (JSON|UTF-8 text)"),
        (import_body(x=math.nan), r"rectangles\[0\]\.x: expected float, got null"),
        (b'{"annotations":[{"asset_id":"a","attributes":' + b'{"a":' * 5000, "nested too deeply"),
        (b"[]", "the body: expected object, got array"),
    ],
)
def test_bodies(body: bytes, said: str, padding: int) -> None:
    with pytest.raises(BadRequestError, match=rf"import_annotations: .*{said}"):
        decode_request(OPERATIONS["import_annotations"], PATH, (), body + b" " * padding)


@pytest.mark.parametrize(
    ("name", "path", "query", "said"),
    [
        ("list_datasets", {"organization_id": "x"}, [], "organization_id='x': invalid UUID"),
        ("list_datasets", PATH, [("limit", "ten")], "limit='ten': expected int"),
        (
            "list_assets",
            PATH,
            [("types", "IMAGE"), ("types", "AUDIO")],
            "types='AUDIO': invalid enum",
        ),
        ("list_assets", PATH, [("custom_metadata", "{")], "custom_metadata='{'"),
        ("find_label", PATH, [], "name is missing"),
    ],
)
def test_paths_and_queries(
    name: str, path: dict[str, str], query: list[tuple[str, str]], said: str
) -> None:
    with pytest.raises(BadRequestError, match=f"{name}: {said}"):
        decode_request(OPERATIONS[name], path, query, None)


def test_clients_may_be_lax() -> None:
    request = decode_request(
        OPERATIONS["list_datasets"],
        {"organization_id": str(ID).upper()},
        [("limit", "5"), ("order_by", "-name"), ("order_by", "name"), ("colour", "red")],
        b"",
    )
    assert request == ListDatasets(organization_id=ID, limit=5, order_by=["-name", "name"])
    body = b'{"names":["a"],"_last_frame_index":3}'
    assert decode_request(OPERATIONS["ensure_labels"], PATH, (), body) == LabelNames(
        version_id=ID, names=["a"]
    )


def test_the_word_null_is_a_name_like_any_other() -> None:
    operation = OPERATIONS["find_dataset"]
    assert decode_request(operation, PATH, [("name", "null")], None).name == "null"


def test_what_is_not_a_number_travels_as_null() -> None:
    shape = RectangleIn(label_id="l", x=math.nan, y=math.inf, w=1, h=1)
    item = ImportItem(asset_id="a", rectangles=[shape])
    wire = encode_request(
        OPERATIONS["import_annotations"], ImportAnnotations(version_id=ID, annotations=[item])
    )
    assert wire.body is not None
    assert b'"x":null,"y":null' in wire.body
    assert str(ID) in wire.path


def test_an_answer_that_is_none_is_a_typed_error() -> None:
    with pytest.raises(ServerError, match="list_labels"):
        decode_response(OPERATIONS["list_labels"], b"<html>")


def test_calls_without_an_answer_still_say_json() -> None:
    assert b"".join(encode_response(OPERATIONS["delete_dataset"], None)) == b"{}"
    assert b"".join(encode_response(OPERATIONS["delete_data"], None)) == b""


def test_errors_keep_class_hint_detail_and_request() -> None:
    error = ConflictError("label 'cat' exists", detail=["a"], hint="use another name")
    back = decode_error(409, encode_error(error, request_id="r1"))
    assert type(back) is ConflictError
    assert (back.message, back.detail, back.hint) == (error.message, ["a"], error.hint)
    assert back.request_id == "r1"


def test_errors_of_something_in_between_are_quoted_briefly() -> None:
    back = decode_error(502, b"<html>" + b"bad gateway " * 1000, request_id="r")
    assert back.status == 502
    assert len(back.message) <= 200
    slow = decode_error(429, b"", retry_after=3.0)
    assert isinstance(slow, RateLimitError)
    assert slow.retry_after == 3.0


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        ({"message": "no", "detail": ["a is 1", "b is 2"]}, "no", "a is 1; b is 2"),
        ({"message": "no", "detail": None}, "no", None),
        ({"detail": "Not found."}, "Not found.", None),
        (
            {"detail": [{"loc": ["body", "x"], "msg": "must be int", "type": "int"}]},
            "body.x: must be int",
            None,
        ),
        ({"message": "no", "detail": {"a": [1]}}, "no", '{"a":[1]}'),
        ({}, "no message (status 422)", None),
    ],
)
def test_errors_of_other_platforms_say_what_is_wrong(
    body: dict[str, object], message: str, hint: str | None
) -> None:
    error = decode_error(422, msgspec.json.encode(body))
    assert (error.message, error.hint) == (message, hint)


MANY_IDS = [UUID(int=number) for number in range(20_000)]


@pytest.mark.parametrize("between", ["", " ", "\n"])
def test_many_ids_are_decoded_in_pieces_as_in_one(between: str) -> None:
    body = ("[" + f",{between}".join(f'"{each}"' for each in MANY_IDS) + "]").encode()
    assert decodes_in_pieces(OPERATIONS["annotation_ids"], body)
    assert decode_response(OPERATIONS["annotation_ids"], body) == MANY_IDS
    assert decode_response(OPERATIONS["annotation_ids"], b" " + body + b"\n") == MANY_IDS


@pytest.mark.parametrize("end", [",]", ',,"0"]', ',"x"]', "],[]", ", 1]", ""])
def test_many_ids_are_refused_as_few_are(end: str) -> None:
    few, many = (
        ("[" + ",".join(f'"{each}"' for each in ids) + end).encode()
        for ids in (MANY_IDS[:2], MANY_IDS)
    )
    for body in (few, many):
        with pytest.raises(ServerError, match="annotation_ids: the response does not match"):
            decode_response(OPERATIONS["annotation_ids"], body)
