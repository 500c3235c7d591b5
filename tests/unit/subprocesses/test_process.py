"""Programs in child processes: what they print, how they end, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.subprocesses import supervisor
from headrace.subprocesses.process import run_process
from tests.support.processes.left_over import all_gone, is_running, numbers_in

# A family: a child that ignores SIGTERM, and a grandchild in a new session.
FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()} '); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", code, sys.argv[1]], start_new_session=True)
subprocess.Popen([sys.executable, "-c", code, sys.argv[1]])
open(sys.argv[1], "a").write(f"{os.getpid()} {os.getppid()} ")
if sys.argv[2] == "stay":
    time.sleep(600)
while len(open(sys.argv[1]).read().split()) < 4:
    time.sleep(0.01)
"""


async def run(
    *command: str, write: Callable[[bytes], None] | None = None, **more: str
) -> tuple[int, bytes]:
    printed: list[bytes] = []
    status = await run_process(
        command, folder=None, environment={**os.environ, **more}, write=write or printed.append
    )
    return status, b"".join(printed)


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


async def test_output_and_status(tmp_path: Path) -> None:
    code = "import sys, os; print(os.environ['WORD'], flush=True); print('err', file=sys.stderr)"
    assert await run(*python(code), WORD="out") == (0, b"out\nerr\n")
    assert (await run(*python("raise SystemExit(3)")))[0] == 3
    assert (await run(*python("import os; os.kill(os.getpid(), 9)")))[0] == 128 + signal.SIGKILL
    # Nothing to read: a program that asks for input gets the end of it.
    assert (await run(*python("print(input())")))[0] == 1


async def test_much_output_comes_in_pieces() -> None:
    sizes: list[int] = []
    code = "import sys; [sys.stdout.write('x' * 1000) for _ in range(3000)]"
    await run(*python(code), write=lambda chunk: sizes.append(len(chunk)))
    assert sum(sizes) == 3_000_000
    assert max(sizes) <= 64 * 1024


async def test_a_program_that_is_not_there() -> None:
    status, printed = await run("/no/such/program")
    assert status == supervisor.NOT_FOUND
    assert b"/no/such/program" in printed
    status, _ = await run(str(Path(__file__)))
    assert status == supervisor.NOT_RUN


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        await run_process(
            python("print()"), folder=tmp_path / "gone", environment={}, write=lambda _: None
        )


async def test_what_the_program_left_running_goes_with_it(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    assert (await run(*python(FAMILY), str(file), "go"))[0] == 0
    await all_gone(await numbers_in(file, 4))


async def test_a_cancelled_caller_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    task = asyncio.create_task(run(*python(FAMILY), str(file), "stay"))
    pids = await numbers_in(file, 4)
    assert all(map(is_running, pids))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not any(map(is_running, pids))


async def test_a_killed_supervisor_takes_its_group_along(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    task = asyncio.create_task(run(*python(FAMILY), str(file), "stay"))
    pids = await numbers_in(file, 4)
    supervisor_pid = _supervisor_of(pids)
    group = [pid for pid in pids if os.getpgid(pid) == supervisor_pid]
    assert len(group) == 3
    os.kill(supervisor_pid, signal.SIGKILL)
    await all_gone(group)
    # Only the grandchild in its new session survives, and it holds the output open.
    (last,) = set(pids) - set(group)
    os.kill(last, signal.SIGKILL)
    assert (await task)[0] == -signal.SIGKILL


def _supervisor_of(pids: list[int]) -> int:
    """The one that is the parent of another, and runs the supervisor's file."""
    (found,) = [
        pid for pid in pids if b"supervisor.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return found
