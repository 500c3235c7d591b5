"""A run's time and memory are those of the whole process tree."""

import os
import subprocess
import sys
import time

import pytest

from bench.process import MemorySampler, cpu_seconds, descendants, measure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BUSY = "import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\n"


def run(tmp_path, code: str, limit: float = 60):
    return measure(
        [sys.executable, "-c", code], folder=tmp_path, environment=dict(os.environ), limit=limit
    )


def test_status_and_words_are_kept(tmp_path) -> None:
    done = run(tmp_path, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert done.status == 3
    assert (tmp_path / "stdout").read_text() == "out\n"
    assert (tmp_path / "stderr").read_text() == "err\n"


def test_wall_time_is_not_cpu_time(tmp_path) -> None:
    done = run(tmp_path, "import time; time.sleep(0.5)")
    assert done.usage.wall_s >= 0.5
    assert done.usage.cpu_s < 0.4


def test_cpu_of_children_that_were_waited_for_counts(tmp_path) -> None:
    child = BUSY.format(seconds=0.4)
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    assert run(tmp_path, code).usage.cpu_s >= 0.4


@pytest.mark.slow
def test_children_left_behind_are_counted_and_ended(tmp_path) -> None:
    """A contender cannot hide work in a process that outlives it."""
    child = BUSY.format(seconds=0.3) + "time.sleep(600)"
    code = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(1.5)"
    )
    done = run(tmp_path, code)
    assert done.usage.cpu_s >= 0.3
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "stdout").read_text()), 0)


def test_peak_memory_is_seen(tmp_path) -> None:
    lean = run(tmp_path, "pass").usage.peak_mib
    fat = run(tmp_path, "import time; x = b'x' * 200_000_000; time.sleep(0.2)").usage.peak_mib
    assert 150 < fat - lean < 250


@pytest.mark.slow
def test_memory_of_children_counts(tmp_path) -> None:
    child = "import time; x = b'x' * 100_000_000; time.sleep(0.6)"
    code = (
        "import subprocess, sys\n"
        f"ps = [subprocess.Popen([sys.executable, '-c', {child!r}]) for _ in range(2)]\n"
        "[p.wait() for p in ps]"
    )
    assert run(tmp_path, code).usage.peak_mib > 200


@pytest.mark.slow
def test_a_run_that_takes_too_long_is_killed(tmp_path) -> None:
    started = time.monotonic()
    done = run(tmp_path, "import time; time.sleep(600)", limit=0.5)
    assert done.status == -9
    assert time.monotonic() - started < 30


@pytest.mark.slow
def test_a_server_is_measured_from_outside() -> None:
    code = BUSY.format(seconds=0.3) + "print('done', flush=True)\ntime.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as server:
        before = cpu_seconds(server.pid)
        with MemorySampler(server.pid) as memory:
            assert server.stdout is not None
            server.stdout.readline()
        assert cpu_seconds(server.pid) - before >= 0.2
        assert memory.peak > 1_000_000
        assert descendants(server.pid) == [server.pid]
        server.kill()
