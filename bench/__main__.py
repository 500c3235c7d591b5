"""Command line of the benchmarks, started by `bench/run`."""

import argparse
import json
import math
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# It is started as a script, from any directory.
ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from bench.data import write_coco  # noqa: E402
from bench.dataset import SCALES  # noqa: E402
from bench.environments import CACHE, PeerEnvironmentError  # noqa: E402
from bench.hot import Row, needed, rows, table  # noqa: E402
from bench.report import text  # noqa: E402
from bench.runner import WORK_FOLDERS, Plan, prepare_scenario, run_scenario, work_folder  # noqa: E402
from bench.scale import scale_rows  # noqa: E402
from bench.scenario import RunError, Scenario, Setting  # noqa: E402
from bench.scenarios import SCENARIOS, find  # noqa: E402
from bench.scenarios.transfer import MEMORY  # noqa: E402

HOT = "hot"
# Rows of figures to reach, by the name that the command line takes in place of a scenario.
TABLES = {HOT: rows, "scale": scale_rows}
# Seconds of measured runs of a contender, which keep all rows of a table within an hour.
BUDGETS = {HOT: 60.0, "scale": 120.0}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line; the help lists every scenario."""
    known = "\n".join(f"  {each.name:<18} {each.summary}" for each in SCENARIOS.values())
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Measure headrace and its peers; bench/README.md explains the terms.",
        epilog=f"scenarios:\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "scenario",
        nargs="?",
        metavar="SCENARIO",
        help="one of those below, or a group: formats; hot, scale: the table of the hot paths, or of platforms over PostgreSQL",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="CONTENDER",
        help="run only this contender (repeatable)",
    )
    parser.add_argument(
        "--from",
        dest="known",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="with hot or scale: print the table of an earlier result instead of running (repeatable)",
    )
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="PEER",
        help="run only this peer, even if it is slow (repeatable)",
    )
    parser.add_argument(
        "--scale",
        choices=SCALES,
        help="size of the data (default S, or in hot and scale as the row says)",
    )
    parser.add_argument(
        "--kind", choices=("boxes", "polygons"), help="shapes (default: those of the scale)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=5, help="measured rounds (default 5)")
    parser.add_argument(
        "--no-warm-up",
        action="store_true",
        help="measure the first round too, for rounds that take minutes",
    )
    parser.add_argument(
        "--budget",
        type=float,
        metavar="SECONDS",
        help="fewer rounds for a contender whose measured runs take longer than this together (default 60 in hot, 120 in scale, else none)",
    )
    parser.add_argument(
        "--part",
        action="append",
        default=[],
        metavar="GROUP",
        help="with hot or scale: only the rows of these scenarios (repeatable)",
    )
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="make the data, environments and lakes that the runs need, and measure nothing",
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=1800,
        metavar="SECONDS",
        help="kill a run after this time (default 1800)",
    )
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="folder for the runs (default .bench/work)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the full result as JSON")
    parser.add_argument(
        "--clean", action="store_true", help="delete the files of earlier runs and exit"
    )
    options = parser.parse_args(arguments)
    if not (options.scenario in TABLES or find(options.scenario or "") or options.clean):
        parser.error("name a scenario: " + ", ".join(SCENARIOS))
    if options.runs < 1:
        parser.error("--runs must be 1 or more")
    return options


@dataclass(frozen=True)
class Task:
    """A scenario to run at a scale, with all of its contenders or only some."""

    scenario: Scenario
    scale: str
    only: frozenset[str]


def tasks(options: argparse.Namespace) -> list[Task]:
    """Return what to run."""
    if options.scenario not in TABLES:
        only = frozenset(options.only)
        return [Task(each, options.scale or "S", only) for each in find(options.scenario)]
    wanted = needed(row for row in table_rows(options) if not row.apart)
    return [Task(SCENARIOS[name], scale, frozenset(only)) for (name, scale), only in wanted.items()]


def table_rows(options: argparse.Namespace) -> list[Row]:
    """Return the rows of a table: of the parts and at the scale of the command line, if it has some."""
    scale: str | None = options.scale
    every = TABLES[options.scenario]()
    found = [row for row in every if in_parts(row.ours.scenario, options.part)]
    if scale:
        # Rows that differ in nothing else become one.
        found = list(dict.fromkeys(replace(row, scale=scale, apart=False) for row in found))
    return found


def in_parts(scenario: str, parts: list[str]) -> bool:
    """Return whether a scenario belongs to one of the parts; without parts all do."""
    return not parts or any(f"{scenario}/".startswith(f"{part}/") for part in parts)


def plan_from(options: argparse.Namespace, task: Task) -> Plan:
    """Return the plan for a task, and generate missing data."""
    scenario = task.scenario
    contenders = scenario.chosen(options.against, task.scale, task.only)
    spec = replace(SCALES[task.scale], seed=options.seed)
    if options.kind:
        spec = replace(spec, polygons=options.kind == "polygons")
    file = CACHE / "data" / f"{spec.name}.json"
    if scenario.coco:
        write_coco(file, spec)
    base = options.work.resolve() if options.work else scenario.work
    if not base and options.scenario == HOT and scenario.many_files and MEMORY.is_dir():
        base = MEMORY / "headrace-bench"
    work = work_folder(base or CACHE / "work")
    setting = Setting(spec, CACHE, file, task.scale)
    return Plan(
        scenario,
        contenders,
        setting,
        task.scale,
        options.runs,
        work / f"{scenario.name.replace('/', '-')}-{task.scale}",
        options.limit,
        warm_up=not options.no_warm_up,
        budget=options.budget or BUDGETS.get(options.scenario, math.inf),
    )


def main(arguments: list[str]) -> int:
    """Run the scenarios; return 1 if a contender failed or the outcomes differ, 2 if one cannot run."""
    options = parse(arguments)
    if options.clean:
        for base in {CACHE / "work", *(each.work for each in SCENARIOS.values() if each.work)}:
            for folder in base.glob(WORK_FOLDERS):
                shutil.rmtree(folder, ignore_errors=True)
        return 0
    if options.scenario in TABLES and options.known:
        print(table(table_rows(options), [each for file in options.known for each in read(file)]))
        return 0
    results, refused = [], False
    for task in tasks(options):
        try:
            if options.prepare:
                prepare_scenario(plan_from(options, task), log)
                continue
            result = run_scenario(plan_from(options, task), log)
        except (ValueError, PeerEnvironmentError, RunError) as error:
            # The other rows of the table do not depend on it.
            log(f"{task.scenario.name} at {task.scale}: {error}")
            refused = True
            continue
        print(text(result), flush=True)
        results.append(result)
        if options.json:
            # Written after each scenario, so that a later failure loses no measurement.
            whole = results[0] if options.scenario in SCENARIOS else combined(options, results)
            options.json.write_text(json.dumps(whole, indent=1) + "\n")
    if options.scenario in TABLES and not options.prepare:
        print(f"\n{table(table_rows(options), results)}")
    if refused:
        return 2
    good = all(each["same_outcome"] and not each["failures"] for each in results)
    return 0 if good else 1


def combined(options: argparse.Namespace, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Combine the results of several scenarios; in a table each has its own scale."""
    scale = options.scale or ("as in the rows" if options.scenario in TABLES else "S")
    return {"format": 1, "scenario": options.scenario, "scale": scale, "results": results}


def read(file: Path) -> list[dict[str, Any]]:
    """Return the results in a file: of one scenario, or of several."""
    found = json.loads(file.read_text())
    several: list[dict[str, Any]] = found.get("results", [found])
    return several


def log(line: str) -> None:
    """Print progress to stderr."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
