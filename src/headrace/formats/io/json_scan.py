"""Find where a JSON value ends or is broken, and repair what other writers emit although it is not JSON.

msgspec decodes fast, but only the wording of its errors says where a value ends, and a release may change the wording.
So :func:`scan` finds the likely end by counting brackets and lets msgspec confirm it; what msgspec refuses is read by
the grammar (RFC 8259), a step at a time.
"""

from __future__ import annotations

import re
from enum import Enum

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

_RAW: Decoder[Raw] = Decoder(Raw)

# Quantifiers are possessive, so that a long run of numbers takes no memory to backtrack into. A group with one is atomic
# as well, since Python before 3.11.5 continues behind a repetition that failed half-way.
_SPACE = rb"[ \t\r\n]*+"
_HEX = rb"[0-9a-fA-F]"
# msgspec refuses lone surrogates.
_ESCAPE = (
    rb'\\(?:["\\/bfnrt]'
    rb"|u(?:[0-9a-cefA-CEF]" + _HEX + rb"{3}|[dD][0-7]" + _HEX + rb"{2}"
    rb"|[dD][89abAB]" + _HEX + rb"{2}\\u[dD][c-fC-F]" + _HEX + rb"{2}))"
)
_OPEN_STRING = rb'"(?>[^"\\\x00-\x1f]++|' + _ESCAPE + rb")*+"
_STRING = _OPEN_STRING + rb'"'
_NUMBER = rb"-?+(?:0|[1-9][0-9]*+)(?>\.[0-9]++)?+(?>[eE][-+]?+[0-9]++)?+"
_SCALAR = rb"(?:" + _NUMBER + rb"|" + _STRING + rb"|true|false|null)"
_NAME = _SPACE + _STRING + _SPACE + rb":"

_space = re.compile(_SPACE).match
_value = re.compile(_SPACE + rb"(?:([\[{])|" + _SCALAR + rb")").match
_name = re.compile(_NAME).match
_open_string = re.compile(_OPEN_STRING).match
# The elements or members after a value, as long as they are scalars.
_elements = re.compile(rb"(?>" + _SPACE + rb"," + _SPACE + _SCALAR + rb")*+" + _SPACE).match
_members = re.compile(rb"(?>" + _SPACE + rb"," + _NAME + _SPACE + _SCALAR + rb")*+" + _SPACE).match
# The likely end of a value: brackets are only counted, to a depth that suffices for most records.
_flat = rb'(?>[^"\[\]{}]++|"(?>[^"\\]++|\\.)*+")'
_nested = _flat
for _ in range(4):
    _nested = rb"(?>" + _flat + rb"|[\[{]" + _nested + rb"*+[\]}])"
_likely = re.compile(
    _SPACE + rb"(?:[\[{]" + _nested + rb"*+[\]}]|" + _STRING + rb"|[-+.\w]++)" + _SPACE
).match
# A number, a literal or an escape that the end of the text may have cut in two.
_PART = re.compile(rb"[-+.\w\\]*+")
_LONGEST_PART = 16

_COMMA, _BRACE, _QUOTE = b',}"'
_CLOSING = {b"["[0]: b"]"[0], b"{"[0]: _BRACE}

# Strings match first, so that their content stays as it is.
_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?Infinity|NaN', re.DOTALL)
_SURROGATE = re.compile(
    rb"(?i)(\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|\\ud[89a-f][0-9a-f]{2}"
)


class Verdict(Enum):
    """What a text holds."""

    WHOLE = "one value and nothing else"
    TRAILING = "one value, then something else"
    SHORT = "the beginning of a value"
    BROKEN = "not JSON"
    DEEP = "a value nested too deeply to decode"


def is_whole(text: bytes | memoryview) -> bool:
    """Return whether a text is one JSON value that msgspec can decode."""
    try:
        _RAW.decode(text)
    except (DecodeError, RecursionError):
        return False
    return True


def scan(text: bytes | memoryview) -> tuple[Verdict, int]:
    """Find the end of the JSON value that a text begins with.

    Args:
        text: The text. Bytes beyond ASCII are only expected inside strings; their encoding is not checked.

    Returns:
        The verdict, and an index in bytes: for ``TRAILING`` of what follows the value and its white space, for
        ``BROKEN`` of the first byte that is not valid there, for ``WHOLE`` and ``SHORT`` the length of the text.
        A value that the end of the text may have cut in two is ``SHORT``.
    """
    likely = _likely(text)
    if likely is not None and is_whole(text[: likely.end()]):
        at = likely.end()
        return Verdict.WHOLE if at == len(text) else Verdict.TRAILING, at
    verdict, at = _follow_grammar(text)
    try:
        _RAW.decode(text[:at] if verdict is Verdict.TRAILING else text)
    except RecursionError:
        return Verdict.DEEP, 0
    except DecodeError:
        if verdict in (Verdict.WHOLE, Verdict.TRAILING):
            return Verdict.BROKEN, 0
    return verdict, at


def _follow_grammar(text: bytes | memoryview) -> tuple[Verdict, int]:
    closing: list[int] = []
    at, size = 0, len(text)
    while True:
        if closing and closing[-1] == _BRACE:
            name = _name(text, at)
            if name is None:
                return _fault(text, at)
            at = name.end()
        value = _value(text, at)
        if value is None:
            return _fault(text, at)
        at = value.end()
        if value.lastindex:
            closing.append(_CLOSING[text[at - 1]])
            at = _after_space(text, at)
            if at == size or text[at] != closing[-1]:
                continue
        # After a value, or at the bracket that closes an empty array or object.
        while closing:
            scalars = (_members if closing[-1] == _BRACE else _elements)(text, at)
            at = scalars.end() if scalars else at
            if at == size:
                return Verdict.SHORT, at
            if text[at] != closing[-1]:
                break
            closing.pop()
            at += 1
        if not closing:
            return _after_value(text, at)
        if text[at] != _COMMA:
            return _broken(text, at)
        at += 1


def _after_value(text: bytes | memoryview, end: int) -> tuple[Verdict, int]:
    at = _after_space(text, end)
    if at == len(text):
        return Verdict.WHOLE, at
    # The number 12 continues where the text is cut in 12.5.
    if at == end and _broken(text, end)[0] is Verdict.SHORT:
        return Verdict.SHORT, len(text)
    return Verdict.TRAILING, at


def _fault(text: bytes | memoryview, at: int) -> tuple[Verdict, int]:
    """Find the bad byte where neither a value nor a name with its colon begins at ``at``."""
    at = _after_space(text, at)
    string = _open_string(text, at)
    if string is not None:
        at = string.end()
        if at < len(text) and text[at] == _QUOTE:
            at = _after_space(text, at + 1)
    return _broken(text, at)


def _after_space(text: bytes | memoryview, at: int) -> int:
    space = _space(text, at)
    return space.end() if space else at


def _broken(text: bytes | memoryview, at: int) -> tuple[Verdict, int]:
    rest = text[at : at + _LONGEST_PART + 1]
    if len(rest) <= _LONGEST_PART and _PART.fullmatch(rest):
        return Verdict.SHORT, len(text)
    return Verdict.BROKEN, at


def repair(text: bytes) -> bytes:
    """Replace ``NaN`` and ``Infinity`` by ``""`` and lone surrogates by U+FFFD; the length stays the same.

    ``text`` must begin outside of strings. What was a number that is not finite is then not a number at all.
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
