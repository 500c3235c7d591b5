"""Say what is broken in a JSON file that no format recognises."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from headrace.errors import ParseError
from headrace.formats.io.json_stream import JsonStream, Member

_FILES: Final = 10
"""Files of a folder that are checked, at most."""


def check_json(path: Path) -> None:
    """Read a file to its end, or to the first place that is not JSON, where its name or its first byte claims that it is JSON.

    Raises:
        ParseError: It is broken; with the byte offset and a cure.
    """
    with path.open("rb") as file:
        begin = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not path.name.lower().endswith((".json", ".json.gz")) and begin not in (b"{", b"["):
        return
    with closing(JsonStream(path)) as stream:
        at, char = stream.top()
        if char == b"{":
            for _ in stream.members():
                pass
        elif char == b"[":
            document = Member("", at, is_array=True)
            stream.skip(document)
            stream.check_end(document)
        elif char:
            raise stream.unexpected(at, "'{' or '['")
        else:
            raise stream.fault("the file is empty", at, hint="check that it was copied completely")


def find_broken(paths: Iterable[Path]) -> ParseError | None:
    """Return the error of the first broken file among the first ten; None if they are valid."""
    for path in islice(paths, _FILES):
        try:
            check_json(path)
        except ParseError as error:
            return error
    return None
