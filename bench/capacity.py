"""The capacity model of a platform over PostgreSQL and S3: how long large work takes, and what limits it first.

    python -m bench.capacity                 the tables of docs/scale-out.md
    python -m bench.capacity --write         write them into the page
    python -m bench.capacity --work import --assets 1e8 --servers 8 --database-cores 32

The bottleneck law: work needs so many units of a resource for each asset, and the resource gives so many units a
second. All parts of the work run at the same time, so the slowest resource decides. What CONSTANTS holds was measured,
or is an estimate and says so.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "scale-out.md"
CPU, BYTES, COUNT = "µs of CPU", "bytes", "count"
UNITS = {CPU: 1e-6, BYTES: 1.0, COUNT: 1.0}
ESTIMATE = "estimate"


@dataclass(frozen=True)
class Constant:
    """What one asset needs of something, in a unit, and where that was measured."""

    value: float
    unit: str
    measured: str

    @property
    def amount(self) -> float:
        """The value in seconds, bytes or pieces."""
        return self.value * UNITS[self.unit]


# An asset is an image of COCO with its 7.3 polygons of 24 points, as scale M of the benchmarks has it.
# "hot" is bench/results/2026-11-30-hot.json, "scale" bench/results/2026-11-30-scale-*.json; "plan" is the measurement before the work, PostgreSQL 18.4, 2026-11-29.
CONSTANTS: dict[str, Constant] = {
    "server.list": Constant(5.4, CPU, "scale, list M, server"),
    "server.import": Constant(54.9, CPU, "scale, import M, server"),
    "server.load": Constant(10.2, CPU, "hot, serve/iter M, server"),
    "server.upload": Constant(81.5, CPU, "scale, upload M, server"),
    "server.job": Constant(2.0, CPU, f"{ESTIMATE}: a job of SQL alone"),
    "client.list": Constant(2.6, CPU, "hot, list/all L, client"),
    "client.import": Constant(76.8, CPU, "hot, import M, client"),
    "client.export": Constant(51.2, CPU, "hot, export/coco M"),
    "client.upload": Constant(395.0, CPU, "scale, upload M, client"),
    "client.download": Constant(98.0, CPU, "hot, local/pull M on a new disk"),
    "database.list": Constant(2.4, CPU, "scale, list M"),
    "database.import": Constant(38.0, CPU, "scale, import M"),
    "database.load": Constant(4.9, CPU, "plan, export stream by ranges; 3.2 with boxes, scale, large L"),
    "database.upload": Constant(24.0, CPU, "scale, upload M"),
    "database.fork": Constant(6.8, CPU, "scale, large L, with boxes"),
    "database.delete": Constant(6.0, CPU, "scale, large L, with boxes"),
    "log.import": Constant(1_389, BYTES, "scale, import M"),
    "log.upload": Constant(550, BYTES, "scale, upload M"),
    "log.fork": Constant(1143, BYTES, "plan, ranges of 20 k"),
    "log.delete": Constant(117, BYTES, "plan, ranges of 20 k"),
    "rows.bytes": Constant(1160, BYTES, "plan, tables and indexes of 2 M assets"),
    "reads.list": Constant(0.6, COUNT, f"{ESTIMATE}: pages of 8 KiB that a listing reads where nothing is cached"),
    "reads.import": Constant(0.5, COUNT, f"{ESTIMATE}: the same, of an import"),
    "reads.load": Constant(0.13, COUNT, f"{ESTIMATE}: the same, of a load"),
    "reads.upload": Constant(2.0, COUNT, f"{ESTIMATE}: the same, of a registration"),
    "reads.fork": Constant(0.2, COUNT, f"{ESTIMATE}: the same, of a fork or a deletion"),
    "wire.import": Constant(900, BYTES, "packed shapes of M, as the client sends them"),
    "file.bytes": Constant(150_000, BYTES, f"{ESTIMATE}: a mean image"),
}  # fmt: skip

# Requests a second that one key prefix of S3 takes, as its provider documents them.
PUTS, GETS = 3_500.0, 5_500.0
# The share of a machine's cores that bulk work may use, so that small calls stay quick.
BUSY = {"client CPU": 0.9, "server CPU": 0.8, "database CPU": 0.6}


@dataclass(frozen=True)
class Plant:
    """The machines. A server is a machine of four cores with a process for each."""

    name: str
    clients: int
    servers: int
    database_cores: int
    log_mb_s: float
    """Megabytes a second that the write-ahead log takes, replicas included."""
    reads_s: float
    """Random reads of 8 KiB a second."""
    prefixes: int
    """Key prefixes into which S3 has split the bucket."""
    client_gbit: float
    cached: float = 0.95
    """The share of the database's pages that is found in memory."""

    def gives(self) -> Mapping[str, float]:
        """Return what each resource gives a second."""
        return {
            "client CPU": self.clients * BUSY["client CPU"],
            "client network": self.clients * self.client_gbit * 1e9 / 8 * 0.85,
            "server CPU": self.servers * 4 * BUSY["server CPU"],
            "database CPU": self.database_cores * BUSY["database CPU"],
            "one connection": 1.0,
            "log of the database": self.log_mb_s * 1e6,
            "disk of the database": self.reads_s,
            "PUT requests": self.prefixes * PUTS,
            "GET requests": self.prefixes * GETS,
        }


PLANTS = (
    Plant("small", 1, 1, 4, 100, 3_000, 1, 10),
    Plant("medium", 8, 4, 16, 250, 16_000, 16, 10),
    Plant("large", 64, 16, 64, 500, 64_000, 16, 10),
)
SIZES = (1e8, 1e9)


def needs(work: str, cached: float) -> dict[str, float]:
    """Return what an asset needs of each resource: seconds, bytes or requests.

    Raises:
        KeyError: There is no such work.
    """
    amount = {name: each.amount for name, each in CONSTANTS.items()}
    return {
        "upload": {
            "client CPU": amount["client.upload"],
            "client network": amount["file.bytes"],
            "server CPU": amount["server.upload"],
            "database CPU": amount["database.upload"],
            "log of the database": amount["log.upload"],
            "disk of the database": (1 - cached) * amount["reads.upload"],
            "PUT requests": 1.0,
        },
        "import": {
            "client CPU": amount["client.import"],
            "client network": amount["wire.import"],
            "server CPU": amount["server.import"],
            "database CPU": amount["database.import"],
            "log of the database": amount["log.import"],
            "disk of the database": (1 - cached) * amount["reads.import"],
        },
        "listing": {
            "client CPU": amount["client.list"],
            "server CPU": amount["server.list"],
            "database CPU": amount["database.list"],
            "disk of the database": (1 - cached) * amount["reads.list"],
        },
        "download": {
            "client CPU": amount["client.list"] + amount["client.download"],
            "client network": amount["file.bytes"],
            "server CPU": amount["server.list"],
            "database CPU": amount["database.list"],
            "disk of the database": (1 - cached) * amount["reads.list"],
            "GET requests": 1.0,
        },
        "export to COCO": {
            "client CPU": amount["client.export"],
            "client network": amount["wire.import"],
            "server CPU": amount["server.load"],
            "database CPU": amount["database.load"],
            "disk of the database": (1 - cached) * amount["reads.load"],
        },
        "fork": job("fork", cached),
        "delete": job("delete", cached),
    }[work]


def job(kind: str, cached: float) -> dict[str, float]:
    """Return what an asset needs in a job, which does its ranges one after the other over one connection."""
    amount = {name: each.amount for name, each in CONSTANTS.items()}
    database, server = amount[f"database.{kind}"], amount["server.job"]
    return {
        "one connection": database + server,
        "server CPU": server,
        "database CPU": database,
        "log of the database": amount[f"log.{kind}"],
        "disk of the database": (1 - cached) * amount["reads.fork"],
    }


WORK = ("upload", "import", "listing", "download", "export to COCO", "fork", "delete")


@dataclass(frozen=True)
class Estimate:
    """How long work takes, and the resources by how long each would take alone, the slowest first."""

    seconds: float
    limits: tuple[tuple[str, float], ...]

    @property
    def first(self) -> str:
        """The resource that limits the work."""
        return self.limits[0][0]


def estimate(work: str, assets: float, plant: Plant) -> Estimate:
    """Return how long work on so many assets takes."""
    gives = plant.gives()
    took = {name: assets * each / gives[name] for name, each in needs(work, plant.cached).items()}
    limits = sorted(took.items(), key=lambda item: -item[1])
    return Estimate(limits[0][1], tuple(limits))


def duration(seconds: float) -> str:
    """Return seconds in words."""
    for limit, size, unit in ((60, 1, "s"), (5_400, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return (
                f"{seconds / size:.2g} {unit}"
                if seconds < 10 * size
                else f"{seconds / size:.0f} {unit}"
            )
    days = seconds / 86_400
    return f"{days:.2g} d" if days < 10 else f"{days:.0f} d"


def row(*cells: str) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


def head(*cells: str) -> Iterator[str]:
    """Yield the first two lines of a table."""
    yield row(*cells)
    yield row(*("---" for _ in cells))


def plants() -> Iterator[str]:
    """Yield the table of the plants."""
    yield from head("", *(each.name for each in PLANTS))
    words = {
        "clients": "cores of clients",
        "servers": "servers of 4 cores",
        "database_cores": "cores of PostgreSQL",
        "log_mb_s": "write-ahead log, MB a second",
        "reads_s": "random reads a second",
        "prefixes": "key prefixes of the bucket",
        "client_gbit": "network of a client, Gbit a second",
    }
    for name, text in words.items():
        yield row(text, *(f"{getattr(each, name):,.0f}" for each in PLANTS))


def times() -> Iterator[str]:
    """Yield the table of how long work takes, and what limits it."""
    yield from head("work", "assets", *(each.name for each in PLANTS))
    for work in WORK:
        for assets in SIZES:
            found = (estimate(work, assets, each) for each in PLANTS)
            cells = (f"{duration(each.seconds)}: {each.first}" for each in found)
            yield row(work, "100 M" if assets == SIZES[0] else "1 B", *cells)


def following() -> Iterator[str]:
    """Yield the table of what limits next, and by how much more the first limit could be raised before it does."""
    yield from head("work", *(each.name for each in PLANTS))
    for work in WORK:
        cells = []
        for plant in PLANTS:
            (_, slowest), (name, other), *_ = estimate(work, SIZES[0], plant).limits
            cells.append(f"{name}, at {slowest / other:.3g} times")
        yield row(work, *cells)


def storage() -> Iterator[str]:
    """Yield the table of what is stored."""
    yield from head("assets", "rows and indexes", "files")
    for assets in SIZES:
        rows, files = (assets * CONSTANTS[name].amount for name in ("rows.bytes", "file.bytes"))
        yield row(f"{assets:,.0f}", f"{rows / 1e9:,.0f} GB", f"{files / 1e12:,.0f} TB")


def constants() -> Iterator[str]:
    """Yield the table of constants."""
    yield from head("constant", "an asset", "measured")
    for name, each in CONSTANTS.items():
        yield row(f"`{name}`", f"{each.value:,g} {each.unit}".removesuffix(" count"), each.measured)


TABLES = {
    "plants": plants,
    "times": times,
    "following": following,
    "storage": storage,
    "constants": constants,
}


def filled(page: str) -> str:
    """Return the text of the page with today's tables."""
    for name, lines in TABLES.items():
        text = "\n".join((f"<!-- capacity: {name} -->", *lines(), "<!-- end -->"))
        pattern = rf"<!-- capacity: {name} -->\n.*?<!-- end -->"
        page, count = re.subn(pattern, text.replace("\\", r"\\"), page, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"the page has {count} places for the table {name}")
    return page


def main(arguments: list[str]) -> int:
    """Print the tables, write them into the page, or print one estimate."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.capacity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--write", action="store_true", help="write the tables into the page")
    parser.add_argument("--work", choices=WORK)
    parser.add_argument("--assets", type=float, default=1e8)
    parser.add_argument("--plant", choices=[each.name for each in PLANTS], default="medium")
    numbers = {
        each.name: float if each.type == "float" or each.type is float else int
        for each in fields(Plant)
        if each.name != "name"
    }
    for name, kind in numbers.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
    options = parser.parse_args(arguments)
    if options.write:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    elif options.work:
        chosen = next(each for each in PLANTS if each.name == options.plant)
        named = {
            name: getattr(options, name) for name in numbers if getattr(options, name) is not None
        }
        found = estimate(options.work, options.assets, replace(chosen, **named))
        for name, seconds in found.limits:
            print(f"{duration(seconds):>10}  {name}")
    else:
        print("\n\n".join("\n".join(lines()) for lines in TABLES.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
