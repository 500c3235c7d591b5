"""Parse queries into trees; errors name the column.

Time is linear in the length of the text: an LALR(1) grammar, patterns that cannot backtrack, and limits on everything.
"""

from __future__ import annotations

from headrace.errors import BadRequestError
from headrace.protocol.query.nodes import Node

MAX_LENGTH = 16_384
"""Maximum number of characters: parsing takes far less time than answering one page."""

MAX_PARENTHESES = 2_000


def parse(text: str) -> Node | None:
    """Parse a query; None for a blank text.

    Raises:
        BadRequestError: The text is not a query; the message names the column.
    """
    if len(text) > MAX_LENGTH:
        raise BadRequestError(
            f"q has {len(text):,} characters, at most {MAX_LENGTH:,} are allowed",
            hint="pass ids or file names in their own arguments, or split the listing",
        )
    if text.count("(") > MAX_PARENTHESES:
        raise BadRequestError(f"q has more than {MAX_PARENTHESES:,} parentheses")
    if not text or text.isspace():
        return None
    # Loading the grammar takes 40 ms, so it is loaded on first use.
    from headrace.protocol.query.grammar import read

    return read(text)


def prepare() -> None:
    """Load the grammar ahead of the first query; servers call this on a thread."""
    parse("a = 1")
