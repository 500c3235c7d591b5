"""Where a JSON value ends or is broken: the same with every release of msgspec."""

from __future__ import annotations

import pytest

from headrace.formats.io.json_scan import Verdict, repair, scan


@pytest.mark.parametrize(
    ("text", "verdict", "place"),
    [
        (b'{"a":1}', Verdict.WHOLE, 7),
        (b" [1] ", Verdict.WHOLE, 5),
        # The place is that of the first character behind the value and its white space.
        (b'{"a":1},', Verdict.TRAILING, 7),
        (b'{"a":1}  ]', Verdict.TRAILING, 9),
        (b"  [1]\n\t, [2]", Verdict.TRAILING, 7),
        (b'"x" ,', Verdict.TRAILING, 4),
        (b"12,", Verdict.TRAILING, 2),
        (b"", Verdict.SHORT, 0),
        (b"  ", Verdict.SHORT, 2),
        (b'{"a":1', Verdict.SHORT, 6),
        (b'["aa', Verdict.SHORT, 4),
        (b"nul", Verdict.SHORT, 3),
        # What the end may have cut in two: a number, an escape, a character, a literal.
        (b"[1.", Verdict.SHORT, 3),
        (b"1.", Verdict.SHORT, 2),
        (b"[1.5e-", Verdict.SHORT, 6),
        (b"[-Inf", Verdict.SHORT, 5),
        (b'["\\', Verdict.SHORT, 3),
        (b'["\\ud83d\\ude', Verdict.SHORT, 12),
        (b'["\xe7\x8c', Verdict.SHORT, 4),
        (b'{"a', Verdict.SHORT, 3),
        (b'{"a" ', Verdict.SHORT, 5),
        (b'{"a":1,', Verdict.SHORT, 7),
        # The place is that of the character that cannot stand there.
        (b"[1, x]", Verdict.BROKEN, 4),
        (b'[{"a":1} {"b":2}]', Verdict.BROKEN, 9),
        (b"[1,]", Verdict.BROKEN, 3),
        (b'{"a" 1}', Verdict.BROKEN, 5),
        (b'"a\nb"', Verdict.BROKEN, 2),
        (b"]", Verdict.BROKEN, 0),
        (b"[NaN]", Verdict.BROKEN, 1),
        (b"[01]", Verdict.BROKEN, 2),
        (b"[1.]", Verdict.BROKEN, 2),
        (b"[truth, 1]", Verdict.BROKEN, 1),
        (b'{"a":1,}', Verdict.BROKEN, 7),
        (b"{1:2}", Verdict.BROKEN, 1),
        (b"[1}", Verdict.BROKEN, 2),
        (b'["\\x", 1]', Verdict.BROKEN, 2),
        (b'["\\ud800 is half of a pair"]', Verdict.BROKEN, 2),
        # What no JSON says in numbers that a float holds is JSON all the same, and so is any byte in a string.
        (b"[1e999]", Verdict.WHOLE, 7),
        (b'["\xff"]', Verdict.WHOLE, 5),
        (b"[" * 100_000, Verdict.DEEP, 0),
    ],
)
def test_verdicts(text: bytes, verdict: Verdict, place: int) -> None:
    assert scan(text) == (verdict, place)
    assert scan(memoryview(bytearray(text))) == (verdict, place)


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        (b"[NaN, Infinity, -Infinity]", b'["" , ""      , ""       ]'),
        (b'["NaN", "a\\"NaN", NaN]', b'["NaN", "a\\"NaN", "" ]'),
        (
            b'["\\ud800", "\\uDBFF\\uDC00", "\\udc00x"]',
            b'["\\ufffd", "\\uDBFF\\uDC00", "\\ufffdx"]',
        ),
        (b'["\\\\ud800"]', b'["\\\\ud800"]'),
        (b'["\\ud800\\ud800\\udc00"]', b'["\\ufffd\\ud800\\udc00"]'),
        (b"[1, 2]", b"[1, 2]"),
    ],
)
def test_mending_keeps_the_length_and_leaves_strings_alone(text: bytes, repaired: bytes) -> None:
    assert repair(text) == repaired
    assert len(repaired) == len(text)
