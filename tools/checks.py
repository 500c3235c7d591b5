"""Run the checks and, asked to, the tests; a line each, and pytest's own words last.

Run by `tools/check` and `tools/test` inside the development environment.
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
"""What must be free there: the tests leave a gigabyte behind."""


@dataclass(frozen=True)
class Check:
    """A command that says by its exit status whether something holds."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What came of a check: its exit status, its words and how long it took."""

    check: Check
    status: int
    output: str
    seconds: float

    def line(self) -> str:
        """One line for the summary."""
        word = "ok" if self.status == 0 else "FAILED"
        return f"{self.check.name:<10} {word:<6} {self.seconds:5.1f} s"


def static_checks() -> list[Check]:
    """The checks that read the code without running it, the slowest first."""
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
    """A command of this environment, whatever is on the path."""
    return str(BIN / name)


def run(check: Check) -> Verdict:
    """Run one check to its end, keeping its words."""
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Verdict(check, done.returncode, done.stdout, time.monotonic() - started)


def run_checks() -> bool:
    """Run all checks, whatever fails; whether all of them hold."""
    checks = static_checks()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        verdicts = list(pool.map(run, checks))
    for verdict in verdicts:
        if verdict.status:
            print(f"--- {verdict.check.name}\n{verdict.output.rstrip()}\n")
    for verdict in verdicts:
        print(verdict.line())
    sys.stdout.flush()
    return not any(verdict.status for verdict in verdicts)


def run_tests(everything: bool, arguments: list[str]) -> bool:
    """Run pytest in this terminal; whether it passed."""
    # A thorough run draws all examples of the property tests, other ones each time.
    chosen = ["-m", "", "--hypothesis-profile=thorough"] if everything else []
    # At least two workers: the tests spend much of their time waiting for processes that they start.
    workers = str(min(max(2, os.cpu_count() or 1), 8))
    command = [sys.executable, "-m", "pytest", "-n", workers, *chosen]
    with memory() as folder:
        # What is given last wins, also another --basetemp.
        place = [f"--basetemp={folder / 'tests'}"] if folder else []
        return subprocess.run([*command, *place, *arguments], cwd=ROOT, check=False).returncode == 0


@contextmanager
def memory() -> Iterator[Path | None]:
    """A folder in memory, where nobody waits for a disk; None where there is not room enough."""
    if not SHARED_MEMORY.is_dir() or shutil.disk_usage(SHARED_MEMORY).free < MEMORY_BYTES:
        yield None
        return
    with TemporaryDirectory(prefix="headrace-", dir=SHARED_MEMORY) as folder:
        yield Path(folder)


def main() -> int:
    """Run what was asked for; 0 when all of it holds."""
    parser = argparse.ArgumentParser(allow_abbrev=False, description=__doc__)
    parser.add_argument("--tests", action="store_true", help="run pytest too, last")
    parser.add_argument("--all", action="store_true", help="with the slow and interop tests")
    options, rest = parser.parse_known_args()
    if rest and not options.tests:
        parser.error(f"unknown argument {rest[0]}")
    held = run_checks()
    passed = not options.tests or run_tests(options.all, rest)
    return 0 if held and passed else 1


if __name__ == "__main__":
    sys.exit(main())
