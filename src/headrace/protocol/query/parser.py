"""Reading queries: text to tree, or a 400 that points at the column.

Time is linear in the text: an LALR(1) grammar, patterns that cannot backtrack, and a cap on everything.
"""

from __future__ import annotations

from headrace.errors import BadRequestError
from headrace.protocol.query.nodes import Node

MAX_LENGTH = 16_384
"""Characters of a query: what is read in far less time than a page of answers takes."""

MAX_PARENTHESES = 2_000


def parse(text: str) -> Node | None:
    """The tree of a query, None for a blank one.

    Raises :class:`~headrace.errors.BadRequestError` that names the column of what is wrong.
    """
    if len(text) > MAX_LENGTH:
        raise BadRequestError(
            f"q has {len(text):,} characters, at most {MAX_LENGTH:,} are read",
            hint="name ids or file names by their own argument, or ask in several listings",
        )
    if text.count("(") > MAX_PARENTHESES:
        raise BadRequestError(f"q has more than {MAX_PARENTHESES:,} parentheses")
    if not text or text.isspace():
        return None
    # Loading the grammar takes 40 ms: only those who ask a query pay for it.
    from headrace.protocol.query.grammar import read

    return read(text)


def prepare() -> None:
    """Load the grammar now, so that the first query need not: for servers, on a thread."""
    parse("a = 1")
