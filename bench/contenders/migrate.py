"""headrace moves a lake into PostgreSQL by its command, as its owner does."""

import os
import subprocess
import sys
from collections.abc import Mapping

from bench.contenders.job import measured_job, run


def work(lake: str, variables: Mapping[str, str]) -> dict[str, int]:
    """Move the lake to the database and the store that the variables name.

    Raises CalledProcessError if the command fails.
    """
    command = [sys.executable, "-m", "headrace.cli", "migrate", lake, "postgresql://"]
    with measured_job():
        subprocess.run(
            command, env=os.environ | dict(variables), check=True, stdout=subprocess.DEVNULL
        )
    return {}


run(work)
