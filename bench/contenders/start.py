"""Start an interpreter again and again, each time with the same arguments."""

import subprocess
import sys

from bench.contenders.job import run


def work(arguments: list[str], starts: int) -> dict[str, int]:
    """Start `starts` processes, one after another, and wait for each."""
    for _ in range(starts):
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return {"starts": starts}


run(work)
