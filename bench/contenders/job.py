"""What every contender's script does around its job; standard library only."""

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
    """Around the call itself, where `work` must connect first; without it all of `work` counts."""
    started, cpu = time.perf_counter(), cpu_seconds()
    yield
    _seconds.append(time.perf_counter() - started)
    _cpu_seconds.append(cpu_seconds() - cpu)


def cpu_seconds() -> float:
    """CPU time of this process and of the children that it waited for."""
    own, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def add_figures(**figures: float) -> None:
    """More figures of the job than those which the harness takes from outside."""
    _figures.update(figures)


def run(work: Callable[..., Mapping[str, int]]) -> None:
    """Call `work` with the arguments of the command line and say what came of it.

    The job's own time leaves out the start of the interpreter and the imports at the top of
    the script; the harness measures the process with all of that.
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
