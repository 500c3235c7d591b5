"""Several clients at once: each is a process that runs the script of another contender."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.contenders.job import add_figures, run


async def one(script: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Run a script to its end and return what it printed.

    Raises RuntimeError if it fails.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name(script)), json.dumps(arguments)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{script} ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(output.splitlines()[-1])
    return answer


async def all_at_once(script: str, clients: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Run all clients; return the sum of what they counted."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(script, each)) for each in clients]
    answers = [task.result() for task in tasks]
    figures = [each["figures"] for each in answers]
    # Their starts and imports are no part of the job.
    add_figures(
        job_wall_s=max(each["job_wall_s"] for each in figures),
        job_cpu_s=sum(each["job_cpu_s"] for each in figures),
    )
    counts: Counter[str] = Counter()
    for each in answers:
        counts.update(each["counts"])
    return dict(counts)


def work(script: str, clients: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Run all clients."""
    return asyncio.run(all_at_once(script, clients))


run(work)
