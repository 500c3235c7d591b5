"""Environments of the contenders: headrace runs in the repository's environment, each peer in a separate one.

A peer's environment is created once in the cache, from pinned versions, so that the
dependencies of one peer do not affect another.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Several working copies can share what is made once.
CACHE = Path(os.environ.get("HEADRACE_BENCH") or ROOT / ".bench").resolve()

PEERS: dict[str, tuple[str, ...]] = {
    "aiofiles": ("aiofiles==25.1.0",),
    "aiohttp": ("aiohttp==3.14.1", "uvloop==0.22.1"),
    "datumaro": ("datumaro==1.13.12",),
    "globox": ("globox==2.9.0",),
    "hotcoco": ("hotcoco==1.3.0", "numpy==2.4.6", "pillow==13.0.0"),
    "ijson": ("ijson==3.6.0",),
    "labelformat": ("labelformat==0.1.17",),
    # Only the class of its files is used, which needs none of its windows and models.
    "labelme": (
        "--no-deps",
        "labelme==6.3.1",
        "loguru==0.7.3",
        "numpy==2.4.6",
        "pillow==13.0.0",
        "tifffile==2026.3.3",
    ),
    "obstore": ("obstore==0.12.1",),
    "picsellia": ("picsellia==6.37.0",),
    "picsellia-annotations": ("picsellia-annotations==0.14.0",),
    "pycocotools": ("pycocotools==2.0.11", "numpy==2.4.6"),
    "supervision": ("supervision==0.31.2", "opencv-python-headless==5.0.0.93"),
    # Only the file handling of these two is tested, which does not need torch.
    "torchvision": (
        "--no-deps",
        "torchvision==0.29.2",
        "numpy==2.4.6",
        "pillow==13.0.0",
        "pycocotools==2.0.11",
    ),
    "ultralytics": (
        "--no-deps",
        "ultralytics==8.4.190",
        "numpy==2.4.6",
        "pillow==13.0.0",
        "pyyaml==6.0.4",
    ),
    "ultrafast-pycocotools": ("ultrafast-pycocotools==0.1.14", "numpy==2.4.6"),
    # The whole of it, for one step of training on a CPU. This build of torch is not in the usual index: without another source of
    # packages the environment cannot be created.
    "ultralytics-torch": (
        "ultralytics==8.4.190",
        "torch==2.13.0+cpu",
        "torchvision==0.28.0",
    ),
}

LIST_VERSIONS = (
    "import json, importlib.metadata as m;"
    "print(json.dumps({d.name: d.version for d in m.distributions()}))"
)


class PeerEnvironmentError(Exception):
    """The environment of a contender cannot be created."""


def python_of(name: str, cache: Path) -> str:
    """Return the path of an environment's Python; the environment is created if missing."""
    if name == "headrace":
        return sys.executable
    if name not in PEERS:
        raise PeerEnvironmentError(f"bench/environments.py has no environment {name}")
    folder = cache / "venvs" / f"{name}-{interpreter_tag()}"
    python = folder / "bin" / "python"
    stamp = folder / ".pins"
    pins = "\n".join(PEERS[name]) + "\n"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        # Two processes that need it at once: the second one waits for the first.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == pins and python.exists()):
            create_environment(folder, python, PEERS[name])
            stamp.write_text(pins)
    return str(python)


def interpreter_tag() -> str:
    """Return a name for the interpreter of the harness, on which all environments are based."""
    digest = hashlib.sha256(os.path.realpath(sys.executable).encode()).hexdigest()
    return f"{platform.python_version()}-{digest[:6]}"


def create_environment(folder: Path, python: Path, pins: tuple[str, ...]) -> None:
    """Create an environment with these packages."""
    shutil.rmtree(folder, ignore_errors=True)
    run_command([sys.executable, "-m", "venv", str(folder)])
    uv = Path(sys.executable).with_name("uv")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if uv.exists():
        try:
            run_command([str(uv), "pip", "install", "--quiet", "--python", str(python), *pins])
        except PeerEnvironmentError:
            run_command([*pip, *pins])
    else:
        run_command([*pip, *pins])


def run_command(command: list[str], environment: Mapping[str, str] = os.environ) -> str:
    """Run a set-up command and return its output."""
    variables = {key: value for key, value in environment.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerEnvironmentError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def package_versions(python: str) -> dict[str, str]:
    """Return the version of Python and of every package in an environment."""
    found: dict[str, str] = json.loads(run_command([python, "-c", LIST_VERSIONS]))
    number = run_command([python, "-c", "import platform; print(platform.python_version())"])
    return {"python": number.strip(), **dict(sorted(found.items()))}


def clean_environment(folder: Path) -> dict[str, str]:
    """Return a minimal set of environment variables, so that the machine's settings do not affect a run."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONPATH": str(ROOT),
    }
