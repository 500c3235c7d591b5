"""The project's own files keep their promises: the lock, the set-up, the version."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import headrace

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
DOCS_LOCK = (ROOT / "requirements-docs.lock").read_text()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str = LOCK) -> set[str]:
    return {normal(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}


def wanted() -> list[str]:
    return [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]


@pytest.mark.parametrize("lock", [LOCK, DOCS_LOCK], ids=["dev", "docs"])
def test_the_lock_names_no_host(lock: str) -> None:
    assert not re.search(r"://|--index|--find-links|--extra-index", lock)


@pytest.mark.parametrize("lock", [LOCK, DOCS_LOCK], ids=["dev", "docs"])
def test_every_locked_package_has_a_hash(lock: str) -> None:
    entries = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("requirement", wanted())
def test_every_dependency_is_locked(requirement: str) -> None:
    """A dependency that was added without `tools/lock` is missing from everybody's .venv."""
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    assert normal(match[0]) in locked()


@pytest.mark.parametrize("requirement", PROJECT["dependency-groups"]["docs"])
def test_every_tool_of_the_documentation_is_locked(requirement: str) -> None:
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    assert normal(match[0]) in locked(DOCS_LOCK)


#: Dependencies that newer releases are kept out of, and the test that shows why.
CAPPED = {"aiohttp": "tests/conformance/wire/test_xget_canary.py"}


def test_no_dependency_is_capped_without_a_test() -> None:
    """A cap keeps users from every newer release, so it needs a reason that a test can lose."""
    capped = {
        match[1]
        for requirement in PROJECT["project"]["dependencies"]
        if (match := re.match(r"([\w.-]+)[^;]*(?:<|==|~=)", requirement))
    }
    assert capped == set(CAPPED)
    assert all((ROOT / test).is_file() for test in CAPPED.values())


def test_one_version() -> None:
    assert headrace.__version__ == PROJECT["project"]["version"]


def test_set_up_that_is_done_returns_at_once() -> None:
    """Everything calls it first, so the second run may not cost anything to speak of."""
    dev = [sys.executable, str(ROOT / "tools" / "dev.py")]
    environment = dict(os.environ, HEADRACE_VENV=sys.prefix)
    done = subprocess.run(dev, env=environment, capture_output=True, text=True, cwd="/", timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_set_up_refuses_what_it_does_not_know() -> None:
    dev = [sys.executable, str(ROOT / "tools" / "dev.py"), "--frob"]
    done = subprocess.run(dev, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--frob" in done.stderr


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headrace", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"headrace {headrace.__version__}\n")
    done = subprocess.run(
        [sys.executable, "-m", "headrace", "exprot"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "export" in done.stderr
