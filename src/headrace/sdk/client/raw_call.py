"""Any operation of the table, from its name and plain values."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import Struct

from headrace.errors import BadRequestError
from headrace.protocol.operation import Operation
from headrace.protocol.operations import OPERATIONS


def named_operation(name: str) -> Operation[Any, Any]:
    """The operation of this name; BadRequestError with the nearest name where there is none."""
    found = OPERATIONS.get(name)
    if found is None:
        near = get_close_matches(name, OPERATIONS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see headrace.protocol.operations"
        raise BadRequestError(f"no operation {name!r}", hint=hint)
    return found


def as_request(operation: Operation[Any, Any], fields: Mapping[str, Any]) -> Struct:
    """The request of an operation; BadRequestError names a field that is unknown, missing or of a wrong type."""
    known = operation.request.__struct_fields__
    unknown = sorted(set(fields) - set(known))
    if unknown:
        hint = f"fields: {' '.join(known)}"
        raise BadRequestError(f"{operation.name} has no field {unknown[0]!r}", hint=hint)
    try:
        request: Struct = msgspec.convert(dict(fields), operation.request)
    except msgspec.ValidationError as error:
        raise BadRequestError(f"{operation.name}: {error}") from None
    return request
