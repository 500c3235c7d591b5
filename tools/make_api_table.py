"""Write docs/reference/operations.md from the table of operations.

python tools/make_api_table.py            # write the page
python tools/make_api_table.py --check    # fail if the page is out of date
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from headrace.protocol.operation import Operation
from headrace.protocol.operations import OPERATIONS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "operations.md"

HEAD = """\
# Operations

All operations of the API, generated from the table in `src/headrace/protocol/operations/` by
`tools/make_api_table.py`. The server binds its routes from this table, the remote backend builds its requests from it,
and a lake in this process takes the same records without HTTP. `XGET` is a `GET` with a body. Every operation may also
fail with 401; other errors are listed. Operations marked **+** exist on headrace servers only. Those marked **r** may be
sent again after a lost response, those marked **k** only with an `Idempotency-Key`, which headrace's client always sends.

"""


def page() -> str:
    """Return the page."""
    lines = ["| Operation | | Route | Request | Result | Errors |", "|---|---|---|---|---|---|"]
    lines += [row(operation) for operation in OPERATIONS.values()]
    return HEAD + "\n".join(lines) + "\n"


def row(operation: Operation[Any, Any]) -> str:
    """Return the row of one operation."""
    marks = ("**+** " if operation.extension else "") + ("k" if operation.creates else "r")
    request = "; ".join(
        f"{place}: {', '.join(names)}"
        for place, names in (
            ("query", operation.query_fields),
            ("body", operation.body_fields),
        )
        if names
    )
    cells = [
        f"`{operation.name}`: {operation.doc}",
        marks.strip(),
        f"`{operation.method} {operation.path}`",
        request or "-",
        result_name(operation.result),
        " ".join(map(str, operation.errors)) or "-",
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def result_name(result: Any) -> str:
    """Write the type of a result as in source code."""
    if result is type(None):
        return "-"
    arguments = getattr(result, "__args__", ())
    # A generic alias has the name of its origin.
    name = str(getattr(result, "__name__", result))
    return f"{name}[{', '.join(map(result_name, arguments))}]" if arguments else name


def main(arguments: list[str]) -> int:
    """Write the page, or compare it; return the exit status."""
    made = page()
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            print(
                f"{PAGE.name} is stale: run tools/python tools/make_api_table.py", file=sys.stderr
            )
            return 1
        return 0
    if arguments:
        print("usage: make_api_table.py [--check]", file=sys.stderr)
        return 2
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
