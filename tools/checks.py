"""Run the static checks and, with ``--tests``, the tests. Prints one line per check, then pytest's output.

`tools/check` and `tools/test` run it inside the development environment.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
GENERATOR = ROOT / "tools" / "make_blocking.py"
SHARED_MEMORY = Path("/dev/shm")
MEMORY_BYTES = 6 << 30
"""Free space in shared memory that the tests require; they use up to two gigabytes at once."""
FOLDER_PREFIX = "headrace-tests-"
"""Start of the names of the tests' folders in shared memory; the number of the process follows."""


@dataclass(frozen=True)
class Check:
    """A command that exits with 0 if the check passes."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """The result of a check: its exit status, output and duration."""

    check: Check
    status: int
    output: str
    seconds: float

    def line(self) -> str:
        """Return one line for the summary."""
        word = "ok" if self.status == 0 else "FAILED"
        return f"{self.check.name:<10} {word:<6} {self.seconds:5.1f} s"


def static_checks() -> list[Check]:
    """Return the checks that do not run the code, the slowest first."""
    checks = [
        Check("types", (tool("mypy"), "--no-error-summary")),
        Check("layers", (tool("lint-imports"), "--no-logo")),
        Check("lint", (tool("ruff"), "check", "--quiet", "--output-format=concise", ".")),
        Check("format", (tool("ruff"), "format", "--check", "--output-format=concise", ".")),
    ]
    if GENERATOR.exists():
        checks.append(Check("blocking", (sys.executable, str(GENERATOR), "--check")))
    return checks


def tool(name: str) -> str:
    """Return the path of a command in this environment."""
    return str(BIN / name)


def run(check: Check) -> Result:
    """Run one check and capture its output."""
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Result(check, done.returncode, done.stdout, time.monotonic() - started)


def run_checks() -> bool:
    """Run all checks, and return whether all of them pass."""
    checks = static_checks()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        results = list(pool.map(run, checks))
    for result in results:
        if result.status:
            print(f"--- {result.check.name}\n{result.output.rstrip()}\n")
    for result in results:
        print(result.line())
    sys.stdout.flush()
    return not any(result.status for result in results)


def run_tests(everything: bool, arguments: list[str]) -> bool:
    """Run pytest in this terminal, and return whether it passed."""
    # A thorough run draws all examples of the property tests, other ones each time.
    chosen = ["-m", "", "--hypothesis-profile=thorough"] if everything else []
    # At least two workers: the tests spend much time waiting for the processes that they start.
    workers = str(min(max(2, os.cpu_count() or 1), 8))
    command = [sys.executable, "-m", "pytest", "-n", workers, *chosen]
    with memory() as folder:
        # The last option wins, so the caller may give another --basetemp.
        base = [f"--basetemp={folder / 'tests'}"] if folder else []
        done = subprocess.run(
            [*command, *base, *arguments], cwd=ROOT, env=test_environment(), check=False
        )
        return done.returncode == 0


def test_environment() -> dict[str, str]:
    """Return the variables of the tests: they start hundreds of interpreters, which must not compile all they import.

    The bytecode lies in the environment's folder, so it fills no folder of the sources.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(Path(sys.prefix) / "bytecode")}


@contextmanager
def memory() -> Iterator[Path | None]:
    """Create a folder in shared memory, which is faster than a disk; None if there is too little space."""
    if not SHARED_MEMORY.is_dir():
        yield None
        return
    remove_left_folders()
    if shutil.disk_usage(SHARED_MEMORY).free < MEMORY_BYTES:
        yield None
        return
    with TemporaryDirectory(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=SHARED_MEMORY) as folder:
        yield Path(folder)


def remove_left_folders() -> None:
    """Remove the folders of killed runs from shared memory, where they take the memory of all that follows."""
    for folder in SHARED_MEMORY.glob(f"{FOLDER_PREFIX}*"):
        process = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if not Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run the checks, and the tests if requested; return the exit status."""
    parser = argparse.ArgumentParser(allow_abbrev=False, description=__doc__)
    parser.add_argument("--tests", action="store_true", help="run pytest too, last")
    parser.add_argument("--all", action="store_true", help="include the slow and interop tests")
    options, rest = parser.parse_known_args()
    if rest and not options.tests:
        parser.error(f"unknown argument {rest[0]}")
    checked = run_checks()
    passed = not options.tests or run_tests(options.all, rest)
    return 0 if checked and passed else 1


if __name__ == "__main__":
    sys.exit(main())
