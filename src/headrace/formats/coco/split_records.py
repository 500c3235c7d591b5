"""Windows of annotations taken apart into the text of each, without decoding more than whose they are."""

from __future__ import annotations

import contextlib
import re
from typing import Generic, NamedTuple, TypeVar

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

R = TypeVar("R", bound=Struct)

_BOUNDARY = re.compile(rb'\}[ \t\r\n]*,[ \t\r\n]*(\{[ \t\r\n]*"[^"\\]{0,64}"[ \t\r\n]*:)')


class Affixes(NamedTuple):
    """What was cut off from texts at their beginning and their end, and makes whole objects of them again."""

    head: bytes = b""
    tail: bytes = b""

    def join(self, texts: list[bytes]) -> bytes:
        """Whole objects, one after the other."""
        return self.head + (self.tail + b"\n" + self.head).join(texts) + self.tail + b"\n"


NO_AFFIXES = Affixes()


class RecordSplitter(Generic[R]):
    """Parses windows of annotations to references *and* the text of each, proving that the two agree.

    The text is split at the separator that an earlier window showed; the pieces, joined by line ends in place of the
    commas, must decode to as many values as there are pieces. A cut inside a string would put a bare line end into
    it, and one inside a nested value would lack its comma: neither decodes.
    """

    def __init__(self, kind: type[R]) -> None:
        self.pieces: list[bytes] | None = None
        self.affixes = NO_AFFIXES
        self._separator = b""
        self._seen: tuple[bytes, Affixes] | None = None
        self._decoder: Decoder[R] = Decoder(kind)
        self._array: Decoder[list[R]] = Decoder(list[kind])  # type: ignore[valid-type]

    def parse(self, text: memoryview) -> list[R]:
        """The references of a JSON array; ``pieces`` holds their texts, or None where they could not be split."""
        self.pieces = None
        inner = bytes(text[1:-1])
        head, tail = self.affixes
        if self._separator and inner.startswith(head) and inner.endswith(tail):
            pieces = inner[len(head) : -len(tail)].split(self._separator)
            with contextlib.suppress(MsgspecError):
                refs = self._decoder.decode_lines(self.affixes.join(pieces))
                if len(refs) == len(pieces):
                    self.pieces = pieces
                    return refs
        match = _BOUNDARY.search(inner)
        if match and inner.startswith(match[1]):
            self._seen = match[0], Affixes(match[1], b"}")
        return self._array.decode(text)

    def use_last_separator(self) -> None:
        """Split at the separator seen last, from now on."""
        if self._seen is not None:
            self._separator, self.affixes = self._seen

    def stop_splitting(self) -> None:
        """Do not try to split any more."""
        self._separator = b""
