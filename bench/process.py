"""Run a command and measure its whole process tree: wall time, CPU time, peak memory.

CPU time is the sum over `wait4` of all processes in the run's session. A process's figure
includes the children that it waited for; processes that it left behind are killed and waited
for here. Memory is sampled. Linux only, since it reads /proc.
"""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

MIB = 1 << 20
PAGE = resource.getpagesize()
TICK = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Usage:
    """Resource usage of a process tree, in seconds and MiB."""

    wall_s: float
    cpu_s: float
    peak_mib: float


@dataclass(frozen=True)
class Finished:
    """A finished command: its exit status (a negative one is a signal) and its usage."""

    status: int
    usage: Usage


def descendants(pid: int) -> list[int]:
    """Return the ids of a process and its running descendants."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):
                text = Path(f"/proc/{parent}/task/{task}/children").read_text()
                found.extend(int(child) for child in text.split())
    return found


def tree_memory(pid: int) -> int:
    """Return the memory of a process tree in bytes.

    For one process that is its resident set; for several the sum of their proportional sets,
    which count shared pages once but are slow to read.
    """
    pids = descendants(pid)
    if len(pids) == 1:
        return resident(pid)
    return sum(map(proportional, pids))


def resident(pid: int) -> int:
    """Return the resident set of a process in bytes, 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


def proportional(pid: int) -> int:
    """Return the proportional set of a process in bytes: each shared page divided by its users."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def peak_resident(pid: int) -> int:
    """Return the peak resident set of a process in bytes.

    Unlike `ru_maxrss`, it is reset when the program starts and does not include the parent's.
    """
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a running tree so far, including children that were waited for."""
    ticks = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            # The name is in brackets and may contain anything; the numbers follow the last bracket.
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICK


class MemorySampler:
    """Samples the memory of a process tree in a thread."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, tree_memory(self._pid), peak_resident(self._pid))
            if self._stop.wait(SAMPLE_SECONDS):
                return


def on_tmpfs(folder: Path) -> bool:
    """Return whether a folder is on a tmpfs, and its files are in memory."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    homes = [(len(point), kind) for point, kind in mounts if folder.is_relative_to(point)]
    return max(homes)[1] == "tmpfs"


def adopt_orphans() -> None:
    """Let this process inherit orphans of its descendants, so that it can wait for them."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def measure(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    limit: float,
) -> Finished:
    """Run a command in a folder, with its output in the files `stdout` and `stderr` there.

    After `limit` seconds its session is killed, and the status is that of the signal.
    """
    adopt_orphans()
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        alarm = threading.Timer(limit, kill_session, (process.pid,))
        alarm.daemon = True
        alarm.start()
        try:
            with MemorySampler(process.pid) as memory:
                _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
        except BaseException:
            kill_session(process.pid)
            raise
        finally:
            alarm.cancel()
    # Otherwise Popen would wait for a process that has ended, and warn that it is still running.
    process.returncode = os.waitstatus_to_exitcode(status)
    usages = [used, *reap_session(process.pid)]
    cpu = sum(each.ru_utime + each.ru_stime for each in usages)
    peak = max(memory.peak, *(kernel_peak(each) for each in usages))
    return Finished(process.returncode, Usage(wall, cpu, peak / MIB))


def kernel_peak(used: resource.struct_rusage) -> int:
    """Return the kernel's peak of a process in bytes, or 0 if it is not above that of this process.

    Linux starts the count at the resident set of the parent, so a smaller figure says nothing.
    """
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used.ru_maxrss * 1024 if used.ru_maxrss > ours else 0


def kill_session(pid: int) -> None:
    """Kill all processes of the session that this process leads."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def reap_session(pid: int) -> Iterator[resource.struct_rusage]:
    """Kill the processes that a finished leader left behind, and yield their usage."""
    kill_session(pid)
    while True:
        try:
            yield os.wait4(-pid, 0)[2]
        except ChildProcessError:
            return
