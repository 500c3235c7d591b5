"""The table of the hot paths: what each piece of work should reach, and what a run measured.

`bench/run hot` runs the scenarios of all rows, each row at its own scale, and prints the table.
"""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Result = Mapping[str, Any]
CPU = "job_total_cpu_s"
# With the start of Python and the imports, as in the results of the formats.
WHOLE_CPU = "cpu_s"
MEMORY_MIB = 150.0
PING_MS = 50.0
# CPU time of hotcoco by ours at M on 2026-11-26, the least of five rounds.
FORMATS_BEFORE = {"coco-coco": 1.13, "coco-yolo": 1.46, "yolo-coco": 1.31, "voc-coco": 0.74}


@dataclass(frozen=True)
class Side:
    """A contender in a scenario."""

    scenario: str
    contender: str


@dataclass(frozen=True)
class Figure:
    """What was measured, over the rounds."""

    median: float
    least: float
    most: float
    rounds: int


@dataclass(frozen=True)
class Row:
    """A figure to reach: of one side alone, or as the ratio of two.

    With `least` the ratio is what the others took by what ours took, which must be at least `reach`. Otherwise
    ours alone, or ours by the others, must be at most `reach`. Without `reach` it is only told.
    """

    work: str
    scale: str
    measure: str
    ours: Side
    reach: float | None = None
    # What these took is added up.
    others: tuple[Side, ...] = ()
    least: bool = False
    # Takes so long that it runs only where the command line names its scale.
    apart: bool = False

    def sides(self) -> tuple[Side, ...]:
        """Return all sides."""
        return (self.ours, *self.others)

    def figure(self, results: Sequence[Result]) -> Figure | None:
        """Return what was measured, or None if a side is missing."""
        found = [self._rounds(results, side) for side in self.sides()]
        shared = sorted(set.intersection(*(set(each) for each in found)))
        figures = [self._ratio([each[number] for each in found]) for number in shared]
        known = [each for each in figures if each is not None]
        if not known:
            return None
        return Figure(statistics.median(known), min(known), max(known), len(known))

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

    def held(self, figure: Figure) -> bool | None:
        """Return whether a figure is good enough, None where nothing is to be reached."""
        if self.reach is None:
            return None
        return figure.median >= self.reach if self.least else figure.median <= self.reach

    def goal(self) -> str:
        """Return what is to be reached as text."""
        return "" if self.reach is None else f"{'≥' if self.least else '≤'} {self.reach:g}"


LAKE, HTTP, BEFORE, OFFICIAL = "headrace", "headrace-http", "headrace-before", "picsellia"
# The job of the scenario, in words.
JOBS = {
    "import": "import COCO",
    "load": "load_annotations",
    "iter/untouched": "iter_annotations, untouched",
    "iter/summed": "iter_annotations, all summed",
    "export/build": "build_coco_file_locally",
    "export/coco": "export to COCO",
    "export/yolo": "export to YOLO",
    "export/voc": "export to VOC",
    "list/all": "list all assets",
    "journey": "journey",
    "change/fork": "fork",
    "change/split": "split",
    "change/delete": "delete_all_annotations, no undo",
    "change/delete-undo": "delete_all_annotations, undo",
    "local/push": "push of 20 kB files",
    "local/pull": "pull of 20 kB files",
}


def beside_official(
    scenario: str, scale: str, lake: float | None, http: float | None, *, apart: bool = False
) -> Iterator[Row]:
    """Yield the rows of a job that the official client does too: with a lake and over HTTP."""
    for where, contender, reach in (("lake", LAKE, lake), ("HTTP", HTTP, http)):
        work = f"{JOBS[scenario]}, {where}: official / ours"
        others = (Side(scenario, OFFICIAL),)
        mine = Side(scenario, contender)
        yield Row(work, scale, CPU, mine, reach, others, least=True, apart=apart)


def at_most(
    work: str,
    scenario: str,
    scale: str,
    reach: float | None,
    measure: str = CPU,
    contender: str = LAKE,
    others: tuple[str, ...] = (),
) -> Row:
    """Return a row of one scenario in which ours must be at most `reach`, of the others if there are any."""
    beside = tuple(Side(scenario, each) for each in others)
    return Row(work, scale, measure, Side(scenario, contender), reach, beside)


def rows() -> Iterator[Row]:
    """Yield all rows."""
    yield from work_rows()
    yield from change_rows()
    yield from server_rows()
    for kind in ("boxes", "polygons"):
        for measure, what in (("bytes_each", "lake"), ("blob_bytes_each", "blobs")):
            work, scenario = f"bytes of a shape in the {what}, 7 {kind} an asset", f"size/{kind}"
            yield at_most(work, scenario, "S", None, measure)
            yield at_most(f"{work}: before", scenario, "S", None, measure, BEFORE)
            yield at_most(f"{work}: ours / before", scenario, "S", 1.5, measure, others=(BEFORE,))
    yield from memory_rows()
    yield from ping_rows()
    for kind, reach in {"read": 0.6, "coco-voc": 1.0, **FORMATS_BEFORE}.items():
        scenario = f"formats/{kind}"
        others = (Side(scenario, "hotcoco"),)
        work = f"{scenario}: hotcoco / ours"
        yield Row(work, "M", WHOLE_CPU, Side(scenario, LAKE), reach, others, least=True)
    for direction in ("push", "pull"):
        work = f"local {direction} of 20 kB: µs a file"
        yield at_most(work, f"local/{direction}", "M", 150, "total_us_each")


def work_rows() -> Iterator[Row]:
    """Yield the rows of import, loading, export, listing and the journey."""
    yield from beside_official("import", "M", 8, 5)
    for anchor, reach in (("hotcoco", 7.0), ("ultrafast-pycocotools", None)):
        work = f"import COCO: ours / {anchor}'s load"
        yield at_most(work, "import", "M", reach, others=(anchor,))
    yield from beside_official("load", "S", 10, 7)
    for scale in ("L", "M"):
        for scenario, reach in (("iter/untouched", 5.0), ("iter/summed", 9.0)):
            work = f"{JOBS[scenario]}: µs a shape"
            yield at_most(work, scenario, scale, reach, "total_us_each")
    yield from beside_official("export/build", "S", 20, 12)
    # At M the official client takes more memory than it is worth.
    for where, contender, reach in (("lake", LAKE, 20), ("HTTP", HTTP, 12)):
        work = f"export to COCO, {where}: official, which builds it locally and writes it / ours"
        mine, others = Side("export/coco", contender), (Side("export/coco", "picsellia-build"),)
        yield Row(work, "S", CPU, mine, reach, others, least=True)
        work = f"export to COCO, {where}: official, whose server builds it / ours"
        yield Row(work, "S", CPU, mine, None, (Side("export/coco", OFFICIAL),), least=True)
    mine, others = Side("export/coco", LAKE), (Side("export/coco", "datumaro"),)
    work = "export to COCO, lake: datumaro, from file to file / ours"
    yield Row(work, "S", CPU, mine, None, others, least=True)
    for kind in ("yolo", "voc"):
        work = f"export to {kind.upper()}: ours / convert of the file"
        yield at_most(work, f"export/{kind}", "M", 1.5, others=("convert",))
    for who, reach in (("server", 8.0), ("job", 6.0)):
        work = f"list over HTTP: µs an asset, {who.replace('job', 'client')}"
        yield at_most(work, "list/all", "L", reach, f"{who}_us_each", HTTP)
    for label, having, reach in (("rare", "10", 10.0), ("half", "half of them", 20.0)):
        work = f"first page of the assets with a label that {having} have: ms of server CPU"
        yield at_most(work, f"list/{label}", "L", reach, "page_cpu_ms", HTTP)
    yield from beside_official("journey", "S", 5, 5)
    yield from beside_official("journey", "M", 5, 5, apart=True)


def change_rows() -> Iterator[Row]:
    """Yield the rows of changes to a whole version."""
    for kind in ("fork", "split", "delete"):
        scenario = f"change/{kind}"
        yield at_most(f"{JOBS[scenario]}: ours / before", scenario, "L", 1, others=(BEFORE,))
    yield Row(
        "delete_all_annotations, undo: ours / deletion and export before",
        "L",
        CPU,
        Side("change/delete-undo", LAKE),
        1,
        (Side("change/delete", BEFORE), Side("export/coco", BEFORE)),
    )
    for kind in ("fork", "split", "delete", "delete-undo"):
        scenario = f"change/{kind}"
        work = f"{JOBS[scenario]}: peak MiB"
        yield at_most(work, scenario, "L", MEMORY_MIB, "peak_mib")
        if kind != "delete-undo":
            yield at_most(f"{work}, before", scenario, "L", None, "peak_mib", BEFORE)


def server_rows() -> Iterator[Row]:
    """Yield the rows of our server: with the official client, and with several processes."""
    for scenario in ("import", "load"):
        work = f"official client's {scenario}: CPU of today's server / of the fixed one"
        others = (OFFICIAL,)
        yield at_most(work, scenario, "S", 0.5, "server_cpu_s", "picsellia-today", others)
    for kind in ("iter", "list"):
        scenario = f"serve/{kind}"
        for measure, whose in ((CPU, "client and server"), ("server_cpu_s", "server")):
            work = f"serve --processes 2, {kind}, CPU of {whose}: by that of one process"
            yield at_most(work, scenario, "M", 1.1, measure, "headrace-http-2", (HTTP,))


def memory_rows() -> Iterator[Row]:
    """Yield the rows of memory, which must not grow from M to L."""
    for scenario in ("import", "export/coco", "iter/summed", "list/all"):
        for scale in ("M", "L"):
            work = f"{JOBS[scenario]}: peak MiB"
            yield at_most(work, scenario, scale, MEMORY_MIB, "peak_mib")
    for scenario, scale in (("import", "M"), ("list/all", "L")):
        for who, measure in (("client", "peak_mib"), ("server", "server_peak_mib")):
            work = f"{JOBS[scenario]} over HTTP: peak MiB, {who}"
            yield at_most(work, scenario, scale, MEMORY_MIB, measure, HTTP)


def ping_rows() -> Iterator[Row]:
    """Yield the rows of the event loop's latency beside each job."""
    scales = {
        "load": "S", "export/build": "S", "list/all": "L", "journey": "S",
        "change/fork": "L", "change/split": "L", "change/delete": "L", "change/delete-undo": "L",
    }  # fmt: skip
    for scenario, work in JOBS.items():
        if scenario == "iter/untouched":
            continue
        places = (LAKE, HTTP) if scenario in ("import", "load", "list/all", "journey") else (LAKE,)
        for contender in places:
            name = f"ping beside {work}{' over HTTP' if contender == HTTP else ''}: p99 ms"
            scale = scales.get(scenario, "M")
            yield at_most(name, scenario, scale, PING_MS, "ping_p99_ms", contender)


def needed(chosen: Iterable[Row]) -> dict[tuple[str, str], set[str]]:
    """Return the contenders that rows need, by scenario and scale."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in chosen:
        for side in row.sides():
            found.setdefault((side.scenario, row.scale), set()).add(side.contender)
    return found


def table(chosen: Iterable[Row], results: Sequence[Result]) -> str:
    """Return the rows with what was measured as a table in Markdown; `-` if a side is missing or failed."""
    lines = [
        "| work | scale | goal | median (min to max) | rounds | reached |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for row in chosen:
        figure = row.figure(results)
        if figure is None:
            cells = ["-", "", ""]
        else:
            spread = " to ".join(f"{each:,.2f}" for each in (figure.least, figure.most))
            reached = {True: "yes", False: "no", None: ""}[row.held(figure)]
            cells = [f"{figure.median:,.2f} ({spread})", str(figure.rounds), reached]
        lines.append(f"| {' | '.join([row.work, row.scale, row.goal(), *cells])} |")
    return "\n".join(lines)
