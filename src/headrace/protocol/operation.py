"""The declaration of one operation of the API.

An :class:`Operation` describes how a request record becomes an HTTP request and which record is returned. The server
binds its routes from these declarations, the remote backend builds its requests from them, and the local backend
passes the same records to the platform in this process.

A request record is one flat Struct. Each field is sent in exactly one place: in the path where the path names it, else
in the query of a ``GET`` or ``DELETE`` and in the JSON body of every other method, unless the operation lists the
field under ``query`` or ``body``. Fields that are ``UNSET`` are not sent. ``None`` is not sent in a query, and in a body
only if the operation sets ``send_null``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct

P = TypeVar("P", bound=Struct)
R = TypeVar("R")

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class QuickBody(NamedTuple):
    """A quicker way to decode the bodies of an operation.

    ``types`` are those of some fields, instead of their own. Where ``fits`` refuses what was decoded, or nothing could be
    decoded, the body is decoded to the types of the request.
    """

    types: tuple[tuple[str, Any], ...]
    fits: Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[P, R]):
    """One row of the table of operations.

    ``result`` is the type of the JSON response, ``NoneType`` where there is none; a ``packed`` response is MessagePack. ``bare_body`` names the field that
    *is* the body (a JSON array without a key). ``errors`` are the status codes that the operation may fail with, apart
    from 401. ``safe`` operations change nothing; by default those with the method ``GET`` or ``XGET``.
    ``repeatable`` operations may be sent again after a lost response without a second effect; with ``only_here``, to
    headrace only, while another platform might do it twice. ``extension`` operations
    exist on headrace only, and ``instead`` says what to do on other platforms. ``extension_fields`` are the fields of the
    request that only headrace has. ``quick`` is how a server decodes bodies.
    """

    name: str
    method: str
    path: str
    request: type[P]
    result: type[R]
    doc: str
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    bare_body: str | None = None
    status: int = 200
    send_null: bool = False
    safe: bool | None = None
    repeatable: bool = False
    only_here: bool = False
    packed: bool = False
    extension: bool = False
    instead: str = ""
    extension_fields: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()
    quick: QuickBody | None = None
    path_fields: tuple[str, ...] = field(init=False)
    query_fields: tuple[str, ...] = field(init=False)
    body_fields: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = self.request.__struct_fields__
        in_path = tuple(_PLACEHOLDER.findall(self.path))
        rest = [name for name in names if name not in in_path]
        by_query = self.method in ("GET", "DELETE")
        in_query = tuple(n for n in rest if n in self.query or (by_query and n not in self.body))
        in_body = tuple(n for n in rest if n not in in_query)
        named = (*in_path, *self.query, *self.body, *self.extension_fields)
        unknown = set(named) - set(names)
        if unknown or (self.bare_body and in_body != (self.bare_body,)):
            raise TypeError(
                f"operation {self.name}: unknown fields {sorted(unknown)}, or fields beside the bare body"
            )
        object.__setattr__(self, "path_fields", in_path)
        object.__setattr__(self, "query_fields", in_query)
        object.__setattr__(self, "body_fields", in_body)
        if self.safe is None:
            object.__setattr__(self, "safe", self.method in ("GET", "XGET"))

    @property
    def creates(self) -> bool:
        """Whether a second call has a second effect, so that only an ``Idempotency-Key`` makes it repeatable."""
        return not self.safe and not self.repeatable

    @property
    def deletes_one(self) -> bool:
        """Whether it deletes the one thing that its path names, so that afterwards the thing is not found."""
        return self.method == "DELETE" and self.path.endswith("}")
