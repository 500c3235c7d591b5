"""Split windows of annotations into their texts, decoding only the ids of their images."""

from __future__ import annotations

import contextlib
import re
from typing import Generic, NamedTuple, TypeVar

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

R = TypeVar("R", bound=Struct)

_BOUNDARY = re.compile(rb'\}[ \t\r\n]*,[ \t\r\n]*(\{[ \t\r\n]*"[^"\\]{0,64}"[ \t\r\n]*:)')


class Affixes(NamedTuple):
    """The beginning and the end that splitting cuts off from the texts of objects."""

    head: bytes = b""
    tail: bytes = b""

    def join(self, texts: list[bytes]) -> bytes:
        """Restore the objects and join them by line ends."""
        return self.head + (self.tail + b"\n" + self.head).join(texts) + self.tail + b"\n"


NO_AFFIXES = Affixes()


class RecordSplitter(Generic[R]):
    """Decodes windows of annotations to references *and* splits them into texts, and checks that the two agree.

    The text is split at a separator that an earlier window showed. Joined by line ends in place of the commas, the
    pieces must decode to as many values as there are pieces: a cut inside a string would put a bare line end into it,
    and one inside a nested value would lack its comma, so neither decodes.
    """

    def __init__(self, kind: type[R]) -> None:
        self.pieces: list[bytes] | None = None
        self.affixes = NO_AFFIXES
        self._separator = b""
        self._seen: tuple[bytes, Affixes] | None = None
        self._decoder: Decoder[R] = Decoder(kind)
        self._array: Decoder[list[R]] = Decoder(list[kind])  # type: ignore[valid-type]

    def parse(self, text: memoryview) -> list[R]:
        """Decode a JSON array to references; sets ``pieces`` to their texts, or to None where splitting failed."""
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
        """Split at the separator that was seen last, from now on."""
        if self._seen is not None:
            self._separator, self.affixes = self._seen

    def stop_splitting(self) -> None:
        """Stop splitting."""
        self._separator = b""
