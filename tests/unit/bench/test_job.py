"""What a contender's script says about its job."""

import json
import subprocess
import sys
from pathlib import Path

from bench.environments import clean_environment

SCRIPT = """
import time
from bench.contenders.job import run, measured_job

def work(pause):
    started = time.perf_counter()
    time.sleep(pause)
    {block}
        pass
    return {{"milliseconds": int(1000 * (time.perf_counter() - started))}}

run(work)
"""


def answer(folder: Path, block: str) -> dict:
    command = [sys.executable, "-c", SCRIPT.format(block=block), json.dumps({"pause": 0.2})]
    done = subprocess.run(
        command, env=clean_environment(folder), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_all_of_the_work_is_the_job(tmp_path) -> None:
    told = answer(tmp_path, "if True:")
    assert told["counts"]["milliseconds"] >= 200
    assert told["figures"]["job_wall_s"] >= 0.2


def test_a_contender_may_say_that_its_job_is_a_part(tmp_path) -> None:
    """What comes before, connecting say, is not in the job's time."""
    told = answer(tmp_path, "with measured_job():")
    assert told["figures"]["job_wall_s"] <= told["counts"]["milliseconds"] / 1000 - 0.19
