"""Run a scenario, each contender in a separate process, in interleaved rounds, and collect the result."""

import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.builds import python_for
from bench.environments import clean_environment, package_versions
from bench.process import MIB, MemorySampler, cpu_seconds, measure
from bench.ratio import Pace, Turn, ratio, turns
from bench.scenario import Contender, RunError, RunSetup, Scenario, Setting

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Plan:
    """What to run, how many times, in which folder, and the time limit of a run in seconds."""

    scenario: Scenario
    contenders: tuple[Contender, ...]
    setting: Setting
    scale: str
    runs: int
    work: Path
    limit: float
    warm_up: bool = True
    # Seconds for the measured runs of a contender, of which it has at least one.
    budget: float = math.inf


def run_once(plan: Plan, contender: Contender, python: str, folder: Path) -> dict[str, Any]:
    """Measure one run in a new folder; return its figures and the counts of its outcome."""
    folder.mkdir(parents=True)
    with plan.scenario.set_up(plan.setting, contender, folder) as setup:
        script = ROOT / "bench" / "contenders" / contender.script
        command = [python, str(script), json.dumps(dict(setup.arguments))]
        server = MemorySampler(setup.server_pid) if setup.server_pid else None
        before, used_before = servers_cpu(setup), setup.readings() if setup.readings else {}
        with server or nullcontext():
            done = measure(
                command,
                folder=folder,
                environment=clean_environment(folder),
                limit=plan.limit,
            )
        if done.status:
            raise RunError(failure_message(contender, folder, done.status, plan.limit))
        figures: dict[str, Any] = asdict(done.usage)
        figures["total_cpu_s"] = figures["cpu_s"]
        used = setup.readings() if setup.readings else {}
        figures |= {name: value - used_before[name] for name, value in used.items()}
        if server:
            figures["server_cpu_s"] = servers_cpu(setup) - before
            figures["server_peak_mib"] = server.peak / MIB
            figures["total_cpu_s"] += figures["server_cpu_s"]
        answer = json.loads((folder / "stdout").read_text().splitlines()[-1])
        figures |= answer["figures"]
        figures["job_total_cpu_s"] = figures["job_cpu_s"] + figures.get("server_cpu_s", 0.0)
        if "postgres_cpu_s" in figures:
            figures["platform_cpu_s"] = figures.get("server_cpu_s", 0.0) + figures["postgres_cpu_s"]
        figures |= rates(setup, figures)
        return {"figures": figures, "counts": outcome_of(setup, answer)}


def servers_cpu(setup: RunSetup) -> float:
    """Return the CPU time of all servers so far."""
    pids = (setup.server_pid, *setup.more_servers) if setup.server_pid else ()
    return sum(map(cpu_seconds, pids))


def rates(setup: RunSetup, figures: Mapping[str, float]) -> dict[str, float]:
    """Return files and megabytes per second of the job, in wall time and in CPU time, and what an item took."""
    each = {
        name: 1e6 * figures[seconds] / setup.items
        for seconds, name in (
            ("job_total_cpu_s", "total_us_each"),
            ("job_cpu_s", "job_us_each"),
            ("server_cpu_s", "server_us_each"),
            ("postgres_cpu_s", "postgres_us_each"),
            ("platform_cpu_s", "platform_us_each"),
        )
        if setup.items and seconds in figures
    }
    if setup.items and "log_mib" in figures:
        each["log_bytes_each"] = MIB * figures["log_mib"] / setup.items
    for whose in ("lock", "foreign"):
        if f"{whose}_wait_s" in figures:
            each[f"{whose}_wait_share"] = figures[f"{whose}_wait_s"] / figures["job_wall_s"]
    return each | {
        name: moved / figures[seconds]
        for moved, names in (
            (setup.files, ("files_per_s", "files_per_cpu_s")),
            (setup.bytes / 1e6, ("mb_per_s", "mb_per_cpu_s")),
        )
        for name, seconds in zip(names, ("job_wall_s", "job_cpu_s"), strict=True)
        if moved and figures[seconds]
    }


def outcome_of(setup: RunSetup, answer: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts of the outcome: verified if possible, else as the contender reports them."""
    return dict(setup.verify() if setup.verify else answer["counts"])


def failure_message(contender: Contender, folder: Path, status: int, limit: float) -> str:
    """Describe why a run failed, with the contender's last output."""
    last = (folder / "stderr").read_text(errors="replace").strip()[-2000:]
    ending = f"signal {-status} (a run may take {limit:.0f} s)" if status < 0 else f"exit {status}"
    return f"{contender.name}: {ending}\n{last}"


def run_scenario(plan: Plan, log: Callable[[str], None]) -> dict[str, Any]:
    """Run all rounds and return the result as JSON data.

    A contender that fails is left out of later rounds, and the result holds its error.
    """
    pythons = {
        each.name: python_for(each.environment, plan.setting.cache) for each in plan.contenders
    }
    plan.scenario.prepare(plan.setting)
    contenders = {each.name: each for each in plan.contenders}
    failures: dict[str, str] = {}
    runs: list[dict[str, Any]] = []
    started = datetime.now(UTC)
    paces = {each: Pace(plan.budget) for each in contenders}
    for turn in turns(list(contenders), plan.runs, warm_up=plan.warm_up):
        if turn.contender in failures or not paces[turn.contender].takes(turn):
            continue
        contender = contenders[turn.contender]
        folder = plan.work / f"{turn.round:02d}-{contender.name}"
        began = time.monotonic()
        try:
            run = run_once(plan, contender, pythons[contender.name], folder)
        except Exception as error:  # noqa: BLE001  runs of others, which may take an hour, must not end with it
            name = "" if isinstance(error, RunError) else f"{type(error).__name__}: "
            failures[contender.name] = f"{name}{error}"
            log(f"{contender.name} failed: {error}")
            continue
        seconds = time.monotonic() - began
        counted = Turn(paces[contender.name].took(turn, seconds), contender.name)
        runs.append(
            {"round": counted.round, "contender": contender.name, "whole_s": seconds, **run}
        )
        log(progress_line(counted, run, seconds))
    return {
        "format": 1,
        "scenario": plan.scenario.name,
        "scale": plan.scale,
        "started": started.isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "data": plan.scenario.data(plan.setting),
        "contenders": {each.name: describe(each, pythons[each.name]) for each in plan.contenders},
        "runs": runs,
        "failures": failures,
        "same_outcome": same_outcome(plan, runs),
        "ratios": ratios(plan, runs),
    }


def prepare_scenario(plan: Plan, log: Callable[[str], None]) -> None:
    """Make what the runs need (environments, data, lakes) by setting up one run of each contender.

    Raises RunError if one cannot be set up.
    """
    for contender in plan.contenders:
        began = time.monotonic()
        python_for(contender.environment, plan.setting.cache)
        plan.scenario.prepare(plan.setting)
        folder = plan.work / f"prepare-{contender.name}"
        folder.mkdir(parents=True)
        with plan.scenario.set_up(plan.setting, contender, folder):
            seconds = time.monotonic() - began
        log(f"prepared {plan.scenario.name} {plan.scale} {contender.name} {seconds:.1f} s")


def progress_line(turn: Turn, run: Mapping[str, Any], whole: float) -> str:
    """Return one line about a run, which took `whole` seconds with its set-up and its check."""
    figures = run["figures"]
    label = f"round {turn.round}" if turn.counts else "warm-up"
    return (
        f"{label:<8} {turn.contender:<16} {figures['wall_s']:8.2f} s "
        f"{figures['total_cpu_s']:8.2f} CPU s {figures['peak_mib']:8.0f} MiB {whole:8.1f} s in all"
    )


def ratios(plan: Plan, runs: list[dict[str, Any]]) -> list[dict[str, object]]:
    """Return the ratios of each peer to each of our contenders, for each measure."""
    figures = {(run["round"], run["contender"]): run["figures"] for run in runs}
    peers = [each for each in plan.contenders if each not in plan.scenario.ours]
    found = (
        ratio(figures, mine.name, peer.name, name)
        for mine in plan.scenario.ours
        for peer in peers
        if peer.beside in (None, mine.name)
        for name in plan.scenario.measures
    )
    return [each.as_json() for each in found if each]


def same_outcome(plan: Plan, runs: list[dict[str, Any]]) -> bool:
    """Return whether all runs, except limits, had the same outcome; otherwise the ratios are meaningless."""
    whole = {each.name for each in plan.contenders if each.whole}
    counts = [run["counts"] for run in runs if run["contender"] in whole]
    return all(same_counts(counts[0], each) for each in counts)


def same_counts(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Return whether counts are equal; those named `about_…` may differ by one in a thousand."""
    return one.keys() == other.keys() and all(
        abs(value - other[key]) <= (value / 1000 if key.startswith("about_") else 0)
        for key, value in one.items()
    )


def describe(contender: Contender, python: str) -> dict[str, Any]:
    """Describe a contender, with the versions of its packages."""
    every = package_versions(python)
    named = {name: every.get(name, "missing") for name in ("python", *contender.packages)}
    return {"script": contender.script, "versions": named, "environment": every}


def commit() -> dict[str, Any]:
    """Return the measured revision, and whether the files have uncommitted changes."""
    outputs = []
    for arguments in (
        ("rev-parse", "HEAD"),
        ("status", "--porcelain", "--", "src", "bench", ":!bench/results"),
    ):
        git = ["git", "-C", str(ROOT), *arguments]
        try:
            outputs.append(subprocess.run(git, capture_output=True, text=True, check=True).stdout)
        except (OSError, subprocess.CalledProcessError):
            return {"revision": None, "changed": None}
    return {"revision": outputs[0].strip(), "changed": bool(outputs[1].strip())}


def machine() -> dict[str, Any]:
    """What the runs ran on, without naming the machine."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "cpu": model,
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MIB,
        "harness_python": sys.version.split()[0],
        "load": round(os.getloadavg()[0], 2),
    }


WORK_FOLDERS = "[0-9]*-[0-9]*-[0-9]*"


def work_folder(base: Path) -> Path:
    """Return a new folder: creating files in one where many were deleted is slow for minutes."""
    return base / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
