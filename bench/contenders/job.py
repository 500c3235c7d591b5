"""Shared code of the contenders' scripts: run the job, measure it, print the result. Standard library only."""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_seconds: list[float] = []
_cpu_seconds: list[float] = []
_figures: dict[str, float] = {}


@contextmanager
def measured_job() -> Iterator[None]:
    """Mark the part of `work` to measure, if it must connect first. By default all of `work` is measured."""
    started, cpu = time.perf_counter(), cpu_seconds()
    yield
    _seconds.append(time.perf_counter() - started)
    _cpu_seconds.append(cpu_seconds() - cpu)


def cpu_seconds() -> float:
    """Return the CPU time of this process and of the children that it waited for."""
    own, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def add_figures(**figures: float) -> None:
    """Add figures to those that the harness measures from outside."""
    _figures.update(figures)


def run(work: Callable[..., Mapping[str, int]]) -> None:
    """Call `work` with the arguments of the command line, and print its figures and counts.

    The job's time excludes the start of the interpreter and the imports at the top of the script;
    the harness measures the whole process.
    """
    arguments: dict[str, Any] = json.loads(sys.argv[1])
    started, cpu = time.perf_counter(), cpu_seconds()
    counts = work(**arguments)
    figures = {
        "job_wall_s": sum(_seconds) if _seconds else time.perf_counter() - started,
        "job_cpu_s": sum(_cpu_seconds) if _seconds else cpu_seconds() - cpu,
        **_figures,
    }
    print(json.dumps({"figures": figures, "counts": dict(counts)}))
