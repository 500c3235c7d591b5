"""The bytes that annotations take in a lake: its database without and with them, both packed."""

from pathlib import Path

import apsw

from bench.contenders.job import add_figures, run


def packed(lake: str, target: str) -> int:
    """Return the size in bytes of a lake's database without free pages."""
    database = apsw.Connection(str(Path(lake, "headrace.db")))
    try:
        database.execute("vacuum into ?", (target,))
    finally:
        database.close()
    return Path(target).stat().st_size


def largest(lake: str) -> int:
    """Return the bytes of the blobs of annotations, if the lake keeps them in the column `shapes`."""
    database = apsw.Connection(str(Path(lake, "headrace.db")))
    try:
        found: int | None = database.execute("select sum(length(shapes)) from annotation").get
    finally:
        database.close()
    return found or 0


def work(base: str, annotated: str, shapes: int, output: str) -> dict[str, int]:
    """Compare both lakes."""
    taken = packed(annotated, f"{output}-annotated") - packed(base, f"{output}-base")
    add_figures(bytes_each=taken / shapes, blob_bytes_each=largest(annotated) / shapes)
    return {"shapes": shapes}


run(work)
