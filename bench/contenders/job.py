"""What every contender's script does around its job; standard library only."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any


def run(work: Callable[..., Mapping[str, int]]) -> None:
    """Call `work` with the arguments of the command line and say what came of it.

    The job's own time leaves out the start of the interpreter and the imports at the top of
    the script; the harness measures the process with all of that.
    """
    arguments: dict[str, Any] = json.loads(sys.argv[1])
    started = time.perf_counter()
    counts = work(**arguments)
    seconds = time.perf_counter() - started
    print(json.dumps({"job_wall_s": seconds, "counts": dict(counts)}))
