"""Run-length encoded masks, as COCO compresses them: decode, encode, check, area and bounds.

A mask of ``height x width`` pixels is read column by column. Run lengths (``counts``) alternate between background and
object, beginning with background. In the compressed text each count, from the fourth on its difference to the count
two before, is split into groups of five bits, the lowest first, and each group becomes one character from ``0`` on:
bit 0x20 says that more groups follow, bit 0x10 of the last group is the sign. Source: ``rleToString`` and
``rleFrString`` in ``cocoapi/common/maskApi.c``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

# Enough for counts of masks below 2**50 pixels; pycocotools shifts without a limit.
MAX_GROUPS = 10

_TOKEN = re.compile(r"[P-o]*[0-O]")
_MAX_CACHED = 100_000


class _Values(dict[str, int]):
    """The number of each token, computed once: there are few tokens, each repeated very often."""

    def __missing__(self, token: str) -> int:
        if len(token) > MAX_GROUPS:
            raise ValueError("a run length of the mask has too many digits")
        value = 0
        for shift, char in enumerate(token):
            value |= (ord(char) - 48 & 0x1F) << 5 * shift
        if (ord(token[-1]) - 48) & 0x10:
            value -= 1 << 5 * len(token)
        if len(self) < _MAX_CACHED:
            self[token] = value
        return value


class _Tokens(dict[int, str]):
    """The token of each number, computed once."""

    def __missing__(self, value: int) -> str:
        rest, chars = value, []
        while True:
            group, rest = rest & 0x1F, rest >> 5
            more = rest != (-1 if group & 0x10 else 0)
            chars.append(chr(48 + group + (0x20 if more else 0)))
            if not more:
                break
        token = "".join(chars)
        if len(self) < _MAX_CACHED:
            self[value] = token
        return token


_values = _Values()
_tokens = _Tokens()


def decode(text: str) -> list[int]:
    """Decode a compressed text into run lengths; raises ``ValueError`` where it is damaged."""
    tokens = _TOKEN.findall(text)
    if sum(map(len, tokens)) != len(text):
        raise ValueError("the run lengths of the mask are truncated or hold invalid characters")
    counts = list(map(_values.__getitem__, tokens))
    # From the fourth on, counts are stored as differences to the count two before.
    counts[1::2] = accumulate(counts[1::2])
    counts[2::2] = accumulate(counts[2::2])
    if min(counts, default=0) < 0:
        raise ValueError("a run length of the mask is negative")
    return counts


def encode(counts: Sequence[int]) -> str:
    """Compress run lengths into the text that pycocotools writes."""
    steps = list(counts)
    steps[3::2] = [now - before for now, before in zip(counts[3::2], counts[1::2], strict=False)]
    steps[4::2] = [now - before for now, before in zip(counts[4::2], counts[2::2], strict=False)]
    return "".join(map(_tokens.__getitem__, steps))


def check(counts: Sequence[int], height: int, width: int) -> None:
    """Raise ``ValueError`` unless the run lengths fill a mask of this size (pixels) exactly."""
    if height < 0 or width < 0:
        raise ValueError(f"a mask cannot be {height} x {width}")
    if min(counts, default=0) < 0:
        raise ValueError("a run length of the mask is negative")
    if sum(counts) != height * width:
        raise ValueError(
            f"the run lengths cover {sum(counts)} pixels of a mask of {height} x {width} (height x width)"
        )


def area(counts: Sequence[int]) -> int:
    """Return the number of pixels of the object."""
    return sum(counts[1::2])


def bounds(counts: Sequence[int], height: int) -> tuple[int, int, int, int]:
    """Return ``x, y, w, h`` around the object in pixels, zeros where it has none; like ``rleToBbox`` of maskApi.c."""
    if height <= 0:
        return 0, 0, 0, 0
    ends = list(accumulate(counts))
    left, right, top, bottom = -1, 0, height, -1
    for start, end in zip(ends[0::2], ends[1::2], strict=False):
        if start == end:
            continue
        first, last = start // height, (end - 1) // height
        left = first if left < 0 else left
        right = last
        if first == last:
            top, bottom = min(top, start % height), max(bottom, (end - 1) % height)
        else:
            # A run across the end of a column touches its bottom and the top of the next one.
            top, bottom = 0, height - 1
    if left < 0:
        return 0, 0, 0, 0
    return left, top, right - left + 1, bottom - top + 1
