"""``--class-order``: a word, names on the command line, or names in a file."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from headrace.cli.console.errors import UsageError
from headrace.errors import ConfigurationError, ParseError

ORDERS = ("source", "name")


def class_order(text: str) -> str | tuple[str, ...]:
    """The order that ``source``, ``name``, ``NAME,NAME…`` or ``@FILE`` asks for.

    A file has one name a line; blank lines do not count. UsageError where it cannot be read, where a name is empty or
    stands there twice, and for a word that is nearly one of the two.
    """
    from headrace.formats.class_order import checked_order

    try:
        return checked_order(_asked(text))
    except ConfigurationError as error:
        raise UsageError(error.message, hint=error.hint, code=error.code) from None


def _asked(text: str) -> str | list[str]:
    if text in ORDERS:
        return text
    if text.startswith("@"):
        return _names_in(Path(text[1:]))
    names = [name.strip() for name in text.split(",")]
    near = get_close_matches(text.lower(), ORDERS, n=1, cutoff=0.75)
    if near:
        raise UsageError(
            f"unknown class order {text!r}",
            hint=f"did you mean {near[0]!r}? A class that is called so goes into a file: @FILE",
        )
    return names


def _names_in(path: Path) -> list[str]:
    from headrace.formats.yolo.classes import read_name_list

    try:
        return [name for name in read_name_list(path).values() if name]
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{path}: {why}", hint="after @ comes a text file with one class name a line"
        ) from None
    except ParseError as error:
        where = "" if error.offset is None else f" at byte {error.offset}"
        raise UsageError(
            f"{path}{where}: {error.message}", hint="it must be UTF-8, one class name a line"
        ) from None
