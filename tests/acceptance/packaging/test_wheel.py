"""A wheel built here, in a bare environment of every Python that the classifiers name: it installs and does the main job."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CLAIMED = re.findall(
    r"Programming Language :: Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE
)
UV = Path(sys.executable).with_name("uv")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def variables(**more: str) -> dict[str, str]:
    """This environment without anything of the development environment."""
    dropped = ("PYTHON", "VIRTUAL_ENV", "HEADRACE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"PYTHONWARNINGS": "error"} | more


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=variables(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def find_python(version: str) -> str | None:
    """An interpreter of this version, from the path, pyenv or uv."""
    candidates = [Path(sys.executable), Path(f"/usr/bin/python{version}")]
    on_path = shutil.which(f"python{version}")
    candidates += [Path(on_path)] if on_path else []
    candidates += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    candidates += sorted(Path.home().glob(f".local/share/uv/python/cpython-{version}.*/bin/python"))
    for candidate in candidates:
        ask = [str(candidate), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            done = subprocess.run(ask, capture_output=True, text=True, check=False)
        except OSError:
            continue
        if done.stdout.strip() == version:
            return str(candidate)
    return None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.parametrize("version", CLAIMED)
def test_the_wheel_does_the_main_job(version: str, wheel: Path, tmp_path: Path) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    bin_folder = tmp_path / "env" / "bin"
    run(UV, "venv", "--quiet", "--python", python, tmp_path / "env", cwd=tmp_path)
    run(UV, "pip", "install", "--quiet", "--python", tmp_path / "env", wheel, cwd=tmp_path)

    where = run(
        bin_folder / "python", "-c", "import headrace; print(headrace.__file__)", cwd=tmp_path
    )
    assert where.startswith(str(tmp_path / "env"))
    for command in ([bin_folder / "headrace"], [bin_folder / "python", "-m", "headrace"]):
        assert run(*command, "--version", cwd=tmp_path) == f"headrace {PROJECT['version']}\n"

    examples = ROOT / "examples"
    run(bin_folder / "python", examples / "make_sample.py", "sample", cwd=tmp_path)
    run(bin_folder / "headrace", "init", "lake", cwd=tmp_path)
    job = [examples / "main_job.py", "lake", "sample/images", "sample/annotations.json", "out"]
    first, second = (run(bin_folder / "python", *job, cwd=tmp_path) for _ in range(2))
    assert "24 new in demo/v1" in first
    assert "imported    24 annotations, 49 shapes" in first
    assert "downloaded  24 files" in first
    assert "downloaded  0 files" in second


def test_the_oldest_claimed_python_is_the_oldest_allowed() -> None:
    assert PROJECT["requires-python"] == f">={CLAIMED[0]}"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone holds, without its history."""
    files = run("git", "ls-files", "src", "examples", "*.md", "LICENSE", "pyproject.toml", cwd=ROOT)
    for name in files.splitlines():
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_readme_installs_as_it_says(clone: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    by_pip = re.search(r"```sh\n(.*?)```", readme, re.DOTALL)
    by_uv = re.search(r"`(uv venv [^`]+)`", readme)
    assert by_pip
    assert by_uv
    path = f"{UV.parent}{os.pathsep}{os.environ['PATH']}"
    for block in (by_pip[1], by_uv[1]):
        check = f"set -e\n{block}\nheadrace --version; python -m headrace --version"
        text = run("bash", "-c", check, cwd=clone, PATH=path, PYTHONWARNINGS="")
        assert text.splitlines()[-2:] == [f"headrace {PROJECT['version']}"] * 2
        shutil.rmtree(clone / ".venv-try")
