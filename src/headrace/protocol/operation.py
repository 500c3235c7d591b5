"""One call of the API, declared once.

An :class:`Operation` says how a request record becomes an HTTP request and what record comes back. The server
binds its routes from these, the remote backend builds its requests from them, and the local backend hands the
same records to the platform in this process.

A request record is one flat Struct. Each of its fields travels in exactly one place: in the path where the path
names it, else in the query of a ``GET`` or ``DELETE`` and in the JSON body of every other method, unless the
operation lists the field under ``query`` or ``body``. Fields that are ``UNSET`` do not travel; ``None`` does not
travel in a query, nor in a body unless the operation says ``send_null``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from msgspec import Struct

P = TypeVar("P", bound=Struct)
R = TypeVar("R")

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Paging(Enum):
    """How a listing is cut into pages (see the API reference, "pagination shapes")."""

    NONE = "none"
    ITEMS = "items"  # everything in one answer
    OFFSET = "offset"  # limit and offset, with a count
    CURSOR = "cursor"  # limit and an opaque cursor, or limit and offset
    KEYS = "keys"  # everything that matches a list of keys, in one answer


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[P, R]):
    """One row of the table.

    ``result`` is the type of the JSON answer, ``NoneType`` where there is none. ``bare_body`` names the field that *is*
    the body (a JSON array without a key). ``safe`` calls change nothing; ``repeatable`` ones may be sent again
    after a lost answer without doing the thing twice. ``extension`` calls exist on headrace servers only.
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
    paging: Paging = Paging.NONE
    status: int = 200
    send_null: bool = False
    repeatable: bool = False
    extension: bool = False
    errors: tuple[int, ...] = ()
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
        unknown = (set(in_path) | set(self.query) | set(self.body)) - set(names)
        if unknown or (self.bare_body and in_body != (self.bare_body,)):
            raise TypeError(
                f"operation {self.name}: {sorted(unknown)} are no fields, or the bare body is not alone"
            )
        object.__setattr__(self, "path_fields", in_path)
        object.__setattr__(self, "query_fields", in_query)
        object.__setattr__(self, "body_fields", in_body)

    @property
    def safe(self) -> bool:
        """Whether the call changes nothing, so that it may be sent again at will."""
        return self.method in ("GET", "XGET") and not self.name.startswith("ensure_")

    @property
    def creates(self) -> bool:
        """Whether the call sent twice does the thing twice, so that only an ``Idempotency-Key`` makes it repeatable."""
        return not self.safe and not self.repeatable
