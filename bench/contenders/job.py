"""What every contender's script does around its job; standard library only."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_seconds: list[float] = []
_figures: dict[str, float] = {}


@contextmanager
def the_job() -> Iterator[None]:
    """Around the call itself, where `work` must connect first; without it all of `work` counts."""
    started = time.perf_counter()
    yield
    _seconds.append(time.perf_counter() - started)


def measured(**figures: float) -> None:
    """More figures of the job than those which the harness takes from outside."""
    _figures.update(figures)


def run(work: Callable[..., Mapping[str, int]]) -> None:
    """Call `work` with the arguments of the command line and say what came of it.

    The job's own time leaves out the start of the interpreter and the imports at the top of
    the script; the harness measures the process with all of that.
    """
    arguments: dict[str, Any] = json.loads(sys.argv[1])
    started = time.perf_counter()
    counts = work(**arguments)
    whole = time.perf_counter() - started
    seconds = sum(_seconds) if _seconds else whole
    print(json.dumps({"job_wall_s": seconds, "counts": dict(counts), "figures": _figures}))
