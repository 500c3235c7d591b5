"""A program of its own (curl, aria2, rclone) fetches the files; its input was written before."""

import subprocess

from bench.contenders.job import measured_job, run


def work(command: list[str]) -> dict[str, int]:
    """Run it."""
    with measured_job():
        subprocess.run(command, check=True)
    return {}


run(work)
