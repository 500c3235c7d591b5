"""The query language ``q``: what the reference says of it in 22.3, read after the grammar of DjangoQL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.plain_platform.routes import RefusedError

Fields = Mapping[str, Callable[[Any], list[Any]]]
"""Dotted names, and the values that an object has under them."""
Test = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>-?\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_][\w.]*)
    |(?P<sign>!=|>=|<=|!~|[=<>~(),]))""",
    re.VERBOSE,
)
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda have, want: have == want,
    ">": lambda have, want: have > want,
    ">=": lambda have, want: have >= want,
    "<": lambda have, want: have < want,
    "<=": lambda have, want: have <= want,
    "~": lambda have, want: want.lower() in have.lower(),
    "startswith": lambda have, want: have.startswith(want),
    "endswith": lambda have, want: have.endswith(want),
    "in": lambda have, want: have in want,
}
_DENIALS = {"!=": "=", "!~": "~"}


def read_query(text: str, fields: Fields) -> Test:
    """What tells whether an object matches; ``and`` binds tighter than ``or``. 400 for what cannot be read."""
    return _Reader(text, fields).whole()


class _Reader:
    def __init__(self, text: str, fields: Fields) -> None:
        self.fields = fields
        self.tokens: list[tuple[str, str]] = []
        self.at = 0
        end = 0
        while end < len(text.rstrip()):
            match = _TOKEN.match(text, end)
            if match is None:
                raise RefusedError(400, f"The query cannot be read at character {end}.")
            assert match.lastgroup is not None
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            end = match.end()

    def whole(self) -> Test:
        test = self.alternatives()
        if self.at < len(self.tokens):
            raise RefusedError(400, f"The query has {self.tokens[self.at][1]} too much.")
        return test

    def alternatives(self) -> Test:
        tests = [self.conjunction()]
        while self.takes("or"):
            tests.append(self.conjunction())
        return lambda item: any(test(item) for test in tests)

    def conjunction(self) -> Test:
        tests = [self.term()]
        while self.takes("and"):
            tests.append(self.term())
        return lambda item: all(test(item) for test in tests)

    def term(self) -> Test:
        if self.takes("("):
            inner = self.alternatives()
            self.demand(")")
            return inner
        return self.comparison()

    def comparison(self) -> Test:
        kind, name = self.next()
        values = self.fields.get(name) if kind == "word" else None
        if values is None:
            raise RefusedError(400, f"The query names an unknown field {name}.")
        denied = self.takes("not")
        _, sign = self.next()
        denied ^= sign in _DENIALS
        compare = _TESTS.get(_DENIALS.get(sign, sign))
        if compare is None:
            raise RefusedError(400, f"The query has no comparison {sign}.")
        wanted = self.values() if sign == "in" else self.value()

        def test(item: Any) -> bool:
            try:
                return any(compare(value, wanted) for value in values(item)) != denied
            except (TypeError, AttributeError):
                raise RefusedError(400, f"{name} is of another type.") from None

        return test

    def values(self) -> list[Any]:
        self.demand("(")
        found = [self.value()]
        while self.takes(","):
            found.append(self.value())
        self.demand(")")
        return found

    def value(self) -> Any:
        kind, text = self.next()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number":
            return json.loads(text)
        constants = {"True": True, "False": False, "None": None}
        if text not in constants:
            raise RefusedError(400, f"The query has no value at {text}.")
        return constants[text]

    def takes(self, word: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] in (("word", word), ("sign", word)):
            self.at += 1
            return True
        return False

    def demand(self, word: str) -> None:
        if not self.takes(word):
            raise RefusedError(400, f"The query lacks {word}.")

    def next(self) -> tuple[str, str]:
        if self.at == len(self.tokens):
            raise RefusedError(400, "The query ends too early.")
        self.at += 1
        return self.tokens[self.at - 1]
