"""The bytes that annotations take in a lake: its database without and with them, both packed."""

from pathlib import Path

import apsw

from bench.contenders.job import add_figures, run


def sizes(lake: str, target: str) -> tuple[int, int]:
    """Return the bytes of a lake's database without free pages, and those of its blobs."""
    database = apsw.Connection(str(Path(lake, "headrace.db")))
    try:
        database.execute("vacuum into ?", (target,))
        columns = database.execute(
            "select m.name, c.name from sqlite_schema m, pragma_table_info(m.name) c"
            " where m.type = 'table' and lower(c.type) = 'blob'"
        ).get
        blobs = 0
        for table, column in columns:
            blobs += database.execute(f"select total(length({column})) from {table}").get
    finally:
        database.close()
    return Path(target).stat().st_size, int(blobs)


def work(base: str, annotated: str, shapes: int, output: str) -> dict[str, int]:
    """Compare both lakes."""
    before, after = sizes(base, f"{output}-base"), sizes(annotated, f"{output}-annotated")
    whole, blobs = (mine - theirs for mine, theirs in zip(after, before, strict=True))
    add_figures(bytes_each=whole / shapes, blob_bytes_each=blobs / shapes)
    return {"shapes": shapes}


run(work)
