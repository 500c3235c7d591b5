"""Objects that are found by name; an unknown name gets the nearest one and those that exist."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from headrace.errors import HeadraceError, NotFoundError, did_you_mean

T = TypeVar("T")

_SHOWN = 10
COMPARED = 1000
"""How many names are looked through for a near one."""


async def find_named(
    found: Awaitable[T],
    what: str,
    name: str,
    others: Callable[[], AsyncIterable[Any]],
    *,
    inside: str = "",
    attribute: str = "name",
    none: str = "none exists yet",
) -> T:
    """Return what a call finds by name.

    Args:
        found: The call.
        what: The kind of object, for the message.
        name: The name that is looked for.
        others: Lists the objects that exist. It is asked only if there is none of that name, for 1,000 of them.
        inside: What the object should be part of, for the message.
        attribute: The attribute of the objects that holds their name.
        none: The hint if there is no object at all.

    Raises:
        NotFoundError: There is none of that name; the hint has the nearest name and those that exist.
    """
    try:
        return await found
    except NotFoundError as error:
        missing = error
    try:
        known = await _names(others(), attribute)
    except HeadraceError:
        raise missing from None
    raise NotFoundError(
        f"no {what} {name!r}" + (f" in {inside}" if inside else ""),
        detail=missing.detail,
        request_id=missing.request_id,
        hint=existing(name, known) if known else none,
    ) from None


async def _names(listing: AsyncIterable[Any], attribute: str) -> list[str]:
    names: list[str] = []
    async for each in listing:
        names.append(str(getattr(each, attribute)))
        if len(names) == COMPARED:
            break
    return names


def existing(name: str, known: Sequence[str]) -> str:
    """Return a hint with the nearest known name and the first ten."""
    shown = ", ".join(sorted(known)[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    return f"{did_you_mean(name, known)}existing: {shown}"
