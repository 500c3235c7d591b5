"""COCO's run lengths: text to counts and back, bounds-checked, with area and box from the counts alone.

A mask of ``height x width`` is read column by column; ``counts`` alternate between background and object, beginning
with background. The text packs each count, from the fourth on its difference to the count two before, in groups of
five bits, the lowest first, as characters from ``0``: bit 0x20 says that more follow, bit 0x10 of the last is the
sign. Source: ``rleToString`` and ``rleFrString`` of ``cocoapi/common/maskApi.c``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

from headrace.errors import ParseError
from headrace.model.shapes import Box

# A count of a mask below 2**50 pixels; pycocotools shifts without a bound.
MAX_GROUPS = 10

_TOKEN = re.compile(r"[P-o]*[0-O]")


class _Values(dict[str, int]):
    """The number behind each token, worked out once: tokens are few and repeat by the million."""

    def __missing__(self, token: str) -> int:
        if len(token) > MAX_GROUPS:
            raise ParseError("C12  a run length has more digits than any mask", finding="C12")
        value = 0
        for shift, char in enumerate(token):
            value |= (ord(char) - 48 & 0x1F) << 5 * shift
        if (ord(token[-1]) - 48) & 0x10:
            value -= 1 << 5 * len(token)
        if len(self) < 100_000:
            self[token] = value
        return value


class _Tokens(dict[int, str]):
    """The token of each number."""

    def __missing__(self, value: int) -> str:
        rest, chars = value, []
        while True:
            group, rest = rest & 0x1F, rest >> 5
            more = rest != (-1 if group & 0x10 else 0)
            chars.append(chr(48 + group + (0x20 if more else 0)))
            if not more:
                break
        token = "".join(chars)
        if len(self) < 100_000:
            self[value] = token
        return token


_values = _Values()
_tokens = _Tokens()


def decode(text: str, height: int, width: int) -> list[int]:
    """The counts of a compressed mask; they sum up to ``height * width``.

    Raises :class:`~headrace.errors.ParseError` (C12) for foreign characters, a text that breaks off, negative
    counts, and counts that do not fill the mask.
    """
    tokens = _TOKEN.findall(text)
    if sum(map(len, tokens)) != len(text):
        raise ParseError("C12  the run lengths hold foreign characters or break off", finding="C12")
    counts = list(map(_values.__getitem__, tokens))
    # From the fourth on they are differences to the one two before.
    counts[1::2] = accumulate(counts[1::2])
    counts[2::2] = accumulate(counts[2::2])
    check(counts, height, width)
    return counts


def encode(counts: Sequence[int]) -> str:
    """The compressed text of counts, as pycocotools writes it."""
    steps = list(counts)
    steps[3::2] = [now - before for now, before in zip(counts[3::2], counts[1::2], strict=False)]
    steps[4::2] = [now - before for now, before in zip(counts[4::2], counts[2::2], strict=False)]
    return "".join(map(_tokens.__getitem__, steps))


def check(counts: Sequence[int], height: int, width: int) -> None:
    """Raise :class:`~headrace.errors.ParseError` (C12) unless the counts fill a mask of this size exactly."""
    if height < 0 or width < 0:
        raise ParseError(f"C12  a mask cannot be {height} x {width}", finding="C12")
    if min(counts, default=0) < 0:
        raise ParseError("C12  a run length is negative", finding="C12")
    if sum(counts) != height * width:
        raise ParseError(
            f"C12  the run lengths cover {sum(counts)} pixels of a mask of {height} x {width} (height x width)",
            finding="C12",
        )


def area(counts: Sequence[int]) -> int:
    """How many pixels the object has."""
    return sum(counts[1::2])


def bounds(counts: Sequence[int], height: int) -> Box:
    """``xywh`` around the object in whole pixels; all 0 where it has none. Like ``rleToBbox`` of maskApi.c."""
    if height <= 0:
        return 0.0, 0.0, 0.0, 0.0
    ends = list(accumulate(counts))
    left, right, top, bottom = None, 0, height, -1
    for start, end in zip(ends[0::2], ends[1::2], strict=False):
        if start == end:
            continue
        first, last = start // height, (end - 1) // height
        left = first if left is None else left
        right = last
        if first == last:
            top, bottom = min(top, start % height), max(bottom, (end - 1) % height)
        else:
            # A run over the end of a column touches the bottom there and the top of the next.
            top, bottom = 0, height - 1
    if left is None:
        return 0.0, 0.0, 0.0, 0.0
    return float(left), float(top), float(right - left + 1), float(bottom - top + 1)
