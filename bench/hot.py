"""The table of the hot paths: what each piece of work should reach, and what a run measured.

`bench/run hot` runs the scenarios of all rows, each row at its own scale, and prints the table.
"""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Result = Mapping[str, Any]
CPU = "job_total_cpu_s"
MEMORY_MIB = 150.0
PING_MS = 50.0


@dataclass(frozen=True)
class Side:
    """A contender in a scenario."""

    scenario: str
    contender: str


@dataclass(frozen=True)
class Row:
    """A figure to reach: of one side alone, or as the ratio of two.

    With `least` the ratio is what the others took by what ours took, which must be at least `reach`. Otherwise
    ours alone, or ours by the others, must be at most `reach`.
    """

    work: str
    scale: str
    measure: str
    ours: Side
    reach: float
    # What these took is added up.
    others: tuple[Side, ...] = ()
    least: bool = False

    def sides(self) -> tuple[Side, ...]:
        """Return all sides."""
        return (self.ours, *self.others)

    def figure(self, results: Sequence[Result]) -> float | None:
        """Return what was measured: the median over the rounds, or None if a side is missing."""
        found = [self._rounds(results, side) for side in self.sides()]
        shared = sorted(set.intersection(*(set(each) for each in found)))
        figures = [self._ratio([each[number] for each in found]) for number in shared]
        known = [each for each in figures if each is not None]
        return statistics.median(known) if known else None

    def _rounds(self, results: Sequence[Result], side: Side) -> dict[int, float]:
        """Return a side's figures by round, or the measured ones of a run at the row's scale."""
        return {
            run["round"]: run["figures"][self.measure]
            for result in results
            if (result["scenario"], result["scale"]) == (side.scenario, self.scale)
            for run in result["runs"]
            if run["contender"] == side.contender
            and run["round"]
            and self.measure in run["figures"]
        }

    def _ratio(self, figures: Sequence[float]) -> float | None:
        mine, *others = figures
        if not others:
            return mine
        if self.least:
            return sum(others) / mine if mine else None
        return mine / sum(others) if sum(others) else None

    def held(self, figure: float) -> bool:
        """Return whether a figure is good enough."""
        return figure >= self.reach if self.least else figure <= self.reach


def beside_official(
    work: str, scenario: str, scale: str, lake: float, http: float, peer: str = "picsellia"
) -> Iterator[Row]:
    """Yield the rows of a job that the official client does too: with a lake and over HTTP."""
    for where, contender, reach in (("lake", "headrace", lake), ("HTTP", "headrace-http", http)):
        others = (Side(scenario, peer),)
        name = f"{work}, {where}: official / ours"
        yield Row(name, scale, CPU, Side(scenario, contender), reach, others, least=True)


def at_most(
    work: str,
    scenario: str,
    scale: str,
    reach: float,
    measure: str = CPU,
    contender: str = "headrace",
    others: tuple[str, ...] = (),
) -> Row:
    """Return a row of one scenario in which ours must be at most `reach`, of the others if there are any."""
    beside = tuple(Side(scenario, each) for each in others)
    return Row(work, scale, measure, Side(scenario, contender), reach, beside)


def rows() -> Iterator[Row]:
    """Yield all rows."""
    yield from beside_official("import COCO", "import", "M", 8, 5)
    yield at_most("import: ours / hotcoco's bare load", "import", "M", 7, others=("hotcoco",))
    yield from beside_official("load_annotations", "load", "S", 10, 7)
    yield at_most("iterate, untouched: µs a shape", "iter/untouched", "L", 5, "total_us_each")
    yield at_most("iterate, all summed: µs a shape", "iter/summed", "L", 9, "total_us_each")
    yield from beside_official("build_coco_file_locally", "export/build", "S", 20, 12)
    # The client builds the file. At M it takes more memory than it is worth.
    yield from beside_official("export to COCO", "export/coco", "S", 20, 12, "picsellia-build")
    for kind in ("yolo", "voc"):
        work = f"export to {kind.upper()}: ours / convert of the file"
        yield at_most(work, f"export/{kind}", "M", 1.5, others=("convert",))
    over_http = "headrace-http"
    for who, reach in (("server", 8.0), ("job", 6.0)):
        work = f"list over HTTP: µs an asset, {who.replace('job', 'client')}"
        yield at_most(work, "list/all", "L", reach, f"{who}_us_each", over_http)
    for label, reach in (("rare", 10.0), ("half", 20.0)):
        work = f"first page by label, {label}: ms of server CPU"
        yield at_most(work, f"list/{label}", "L", reach, "page_cpu_ms", over_http)
    for scenario in ("import", "load"):
        work = f"official client's {scenario}: our server / the fixed one"
        yield at_most(
            work, scenario, "S", 0.5, "server_cpu_s", "picsellia-today", others=("picsellia",)
        )
    yield from beside_official("journey", "journey", "M", 5, 5)
    before = ("headrace-before",)
    for scenario in ("fork", "split", "delete"):
        yield at_most(f"{scenario}: ours / before", f"change/{scenario}", "L", 1, others=before)
    yield Row(
        "delete with undo: ours / deletion and export before",
        "L",
        CPU,
        Side("change/delete-undo", "headrace"),
        1,
        (Side("change/delete", "headrace-before"), Side("export/coco", "headrace-before")),
    )
    for scenario in ("load", "list"):
        work = f"serve, {scenario}: 2 processes / 1"
        yield at_most(work, f"serve/{scenario}", "S", 1.1, CPU, "headrace-http-2", (over_http,))
    for kind in ("boxes", "polygons"):
        work = f"bytes of 7 {kind} an asset: ours / before"
        yield at_most(work, f"size/{kind}", "S", 1.5, "bytes_each", others=before)
    for scenario in ("import", "export/coco", "iter/summed", "list/all"):
        for scale in ("M", "L"):
            yield at_most(
                f"{scenario} at {scale}: peak MiB", scenario, scale, MEMORY_MIB, "peak_mib"
            )
    for scenario in ("import", "load", "export/build", "export/coco", "iter/summed", "list/all"):
        scale = "S" if scenario in ("load", "export/build") else "M"
        yield at_most(f"ping beside {scenario}: p99 ms", scenario, scale, PING_MS, "ping_p99_ms")
    for kind, reach in (("read", 0.6), ("coco-voc", 1.0)):
        scenario = f"formats/{kind}"
        others = (Side(scenario, "hotcoco"),)
        work = f"{scenario}: hotcoco / ours"
        yield Row(work, "M", CPU, Side(scenario, "headrace"), reach, others, least=True)
    for direction in ("push", "pull"):
        work = f"local {direction} of 20 kB: µs a file"
        yield at_most(work, f"local/{direction}", "S", 150, "total_us_each")


def needed(chosen: Iterable[Row]) -> dict[tuple[str, str], set[str]]:
    """Return the contenders that rows need, by scenario and scale."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in chosen:
        for side in row.sides():
            found.setdefault((side.scenario, row.scale), set()).add(side.contender)
    return found


def table(chosen: Iterable[Row], results: Sequence[Result]) -> str:
    """Return the rows with what was measured; `-` if a side is missing or failed."""
    lines = [f"{'work':<58} scale {'reach':>8} {'figure':>9}"]
    for row in chosen:
        figure = row.figure(results)
        sign = "≥" if row.least else "≤"
        shown, verdict = ("-", "") if figure is None else (f"{figure:,.2f}", "short")
        if figure is not None and row.held(figure):
            verdict = "held"
        lines.append(f"{row.work:<58} {row.scale:^5} {sign} {row.reach:>6g} {shown:>9}  {verdict}")
    return "\n".join(lines)
