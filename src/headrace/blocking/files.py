"""Properties of files that the official client still has, without a use."""

from __future__ import annotations

from typing import TypeVar

from headrace.blocking.handles import BlockingHandle

InnerT = TypeVar("InnerT")


class Files(BlockingHandle[InnerT]):
    """A handle of a file."""

    __slots__ = ()

    @property
    def large(self) -> bool:
        """True, as with the official client."""
        return True

    @property
    def duration(self) -> int:
        """0, as with the official client; ``metadata`` has the duration of a video."""
        return 0
