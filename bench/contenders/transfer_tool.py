"""A download tool (curl, aria2, rclone) downloads the files; its input is written beforehand."""

import subprocess

from bench.contenders.job import measured_job, run


def work(command: list[str]) -> dict[str, int]:
    """Run the command."""
    with measured_job():
        subprocess.run(command, check=True)
    return {}


run(work)
