"""The table of platforms over PostgreSQL: what each piece of work should reach, and what a run measured.

`bench/run scale` runs the scenarios of all rows, each row at its own scale, and prints the table. Ratios are those of one
round. Wall times are told where the work of several processes overlaps, for a machine with enough cores.
"""

from collections.abc import Iterator

from bench.hot import CPU, Row, Side

WALL, SERVER, DATABASE = "job_wall_s", "server_us_each", "postgres_us_each"
LAKE, ONE, TWO, LARGE = "lake", "postgres", "postgres-2", "postgres-x10"


def alone(
    work: str, scenario: str, scale: str, reach: float | None, measure: str, contender: str = ONE
) -> Row:
    """Return a row of one contender, whose figure must be at most `reach`."""
    return Row(work, scale, measure, Side(f"scale/{scenario}", contender), reach)


def beside(
    work: str,
    scenario: str,
    scale: str,
    reach: float | None,
    measure: str,
    ours: str,
    other: str,
) -> Row:
    """Return a row of one contender by another, which must be at most `reach`."""
    others = (Side(f"scale/{scenario}", other),)
    return Row(work, scale, measure, Side(f"scale/{scenario}", ours), reach, others)


def scale_rows() -> Iterator[Row]:
    """Yield all rows."""
    yield beside(
        "list over HTTP: CPU of the server, PostgreSQL / lake", "list", "M", 1.15, SERVER, ONE, LAKE
    )
    yield alone("list over HTTP: µs of the database an asset", "list", "M", 4.5, DATABASE)
    mine, lake = Side("scale/import", ONE), (Side("scale/import", LAKE),)
    yield Row(
        "import COCO over HTTP: speed, PostgreSQL / lake", "M", WALL, mine, 0.9, lake, least=True
    )
    yield beside(
        "import COCO over HTTP: CPU of client and server, PostgreSQL / lake",
        "import", "M", None, CPU, ONE, LAKE,
    )  # fmt: skip
    yield alone("import COCO over HTTP: µs of the database an asset", "import", "M", None, DATABASE)
    for kind, work in (("list-2", "two listings"), ("import-2", "imports into two versions")):
        yield beside(
            f"{work}: CPU of the servers an asset, 2 servers / 1", kind, "M", 1.1, SERVER, TWO, ONE
        )
        yield beside(f"{work}: wall time, 2 servers / 1", kind, "M", None, WALL, TWO, ONE)
    yield from shared_rows()
    for kind, reach in (("polygons", 16.0), ("boxes", 13.0)):
        work = f"COPY of assets with 7 {kind}"
        yield alone(f"{work}: µs of the database an asset", f"copy-{kind}", "M", reach, DATABASE)
        yield alone(f"{work}: bytes of a blob", f"copy-{kind}", "M", None, "blob_bytes")
        yield alone(f"{work}: bytes of log an asset", f"copy-{kind}", "M", None, "log_bytes_each")
    yield from large_rows()
    work = "upload of 20 kB files to S3"
    parts: tuple[tuple[str, str, float | None], ...] = (
        (SERVER, "µs of the server a file", 120.0),
        ("through_bytes", "bytes of files through the server", 0.0),
        (DATABASE, "µs of the database a file", None),
    )
    for measure, what, most in parts:
        yield alone(f"{work}: {what}", "upload", "M", most, measure, "postgres-s3")
    yield alone("signed URL: µs", "sign", "M", 6.0, "sign_us_each", "signer")
    # 40,000 assets a second of one core.
    yield alone("migrate a lake: µs of the database an asset", "migrate", "M", 25.0, DATABASE)


def shared_rows() -> Iterator[Row]:
    """Yield the rows of importers into one version."""
    work = "imports into one version, 2 servers with half of the images each"
    yield beside(
        f"{work} / 1 with all: CPU of servers and database an asset",
        "share", "M", 1.15, "platform_us_each", TWO, ONE,
    )  # fmt: skip
    # The chunks that a client sends at once wait for each other; one importer alone has these waits too.
    for measure, reach, what in (
        ("foreign_wait_share", 0.1, "waits of one server for locks of the other by wall time"),
        ("lock_wait_share", None, "all waits for locks by wall time"),
    ):
        yield alone(f"{work}: {what}", "share", "M", reach, measure, TWO)
    yield alone(
        "import by one client: all waits for locks by wall time",
        "share",
        "M",
        None,
        "lock_wait_share",
    )
    yield beside(f"{work} / 1 with all: wall time", "share", "M", None, WALL, TWO, ONE)


def large_rows() -> Iterator[Row]:
    """Yield the rows of a version of a million assets, and of one of ten million."""
    for part, work, reach in (
        ("export", "export stream", 6.0),
        ("load", "load over HTTP", None),
        ("fork", "fork", 13.0),
        ("delete", "deletion of all annotations", 3.0),
    ):
        measure = f"{part}_postgres_us"
        yield alone(f"{work}: µs of the database an asset", "large", "L", reach, measure)
        yield beside(
            f"{work}: the same, ten times the assets / once",
            "large",
            "L",
            reach and 1.15,
            measure,
            LARGE,
            ONE,
        )
    for page in ("first", "last"):
        yield beside(
            f"{page} page of 1,000: CPU of server and database, ten times the assets / once",
            "large", "L", 1.2, f"{page}_page_ms", LARGE, ONE,
        )  # fmt: skip
    yield alone("statistics of ten times the assets: ms", "large", "L", 50.0, "stats_ms", LARGE)
