"""Where a JSON value ends, asked of msgspec; and the mending of what other writers emit although it is no JSON.

msgspec has no call for this, but its errors say it: ``trailing characters (byte N)`` counts from 1 and points at
what follows the value and its white space, every other ``(byte N)`` counts from 0 and points at the fault. A test
pins these texts.
"""

from __future__ import annotations

import re
from enum import Enum

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

_RAW: Decoder[Raw] = Decoder(Raw)
_BYTE = re.compile(r"\(byte (\d+)\)$")

# Strings are matched first, so that their content is left alone.
_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?Infinity|NaN', re.DOTALL)
_SURROGATE = re.compile(
    rb"(?i)(\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|\\ud[89a-f][0-9a-f]{2}"
)


class Verdict(Enum):
    """What a text is."""

    WHOLE = "one value and nothing else"
    TRAILING = "one value, then something else"
    SHORT = "the beginning of a value"
    BROKEN = "not JSON"
    DEEP = "nested too deeply to look into"


def probe(text: bytes | memoryview) -> tuple[Verdict, int]:
    """What ``text`` begins with; with the index of what trails the value, or of the fault."""
    try:
        _RAW.decode(text)
    except DecodeError as error:
        return _verdict(str(error), len(text))
    except RecursionError:
        return Verdict.DEEP, 0
    return Verdict.WHOLE, len(text)


def repair(text: bytes) -> bytes:
    """The text with ``NaN`` and ``Infinity`` as ``""`` and lone surrogates as U+FFFD, of the same length.

    ``text`` must begin outside of strings. What was a number that is not finite is then no number at all.
    """
    if b"NaN" in text or b"Infinity" in text:
        text = _NO_NUMBER.sub(_emptied, text)
    if b"\\u" in text:
        text = _SURROGATE.sub(_replaced, text)
    return text


def _emptied(match: re.Match[bytes]) -> bytes:
    token = match[0]
    return token if token.startswith(b'"') else b'""'.ljust(len(token))


def _replaced(match: re.Match[bytes]) -> bytes:
    return match[1] or b"\\ufffd"


def _verdict(message: str, length: int) -> tuple[Verdict, int]:
    place = _BYTE.search(message)
    if place is None:
        return Verdict.SHORT, length
    if "trailing characters" in message:
        return Verdict.TRAILING, int(place[1]) - 1
    return Verdict.BROKEN, int(place[1])
