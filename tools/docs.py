"""Build the documentation site; started by `tools/docs`.

mkdocs and its plugins live in `.venv-docs`, made from `requirements-docs.lock` when that has changed. Arguments go to
mkdocs; without any, the site is built.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-docs"
LOCK = ROOT / "requirements-docs.lock"
STAMP = VENV / ".headrace-stamp"
MKDOCS = VENV / "bin" / "mkdocs"


def main(arguments: list[str]) -> int:
    """Run mkdocs in its environment and return its exit status."""
    prepare()
    command: list[str] = [str(MKDOCS), *(arguments or ["build"])]
    # Silences the advice to move to another generator.
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if not arguments and status == 0:
        print(f"built {(ROOT / 'site' / 'index.html').relative_to(ROOT)}")
    return status


def prepare() -> None:
    """Make the environment, or do nothing where it matches the lock."""
    stamp = hashlib.sha256(f"{ROOT}{sys.version_info[:2]}".encode() + LOCK.read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="ascii") == stamp:
        return
    print("docs: setting up .venv-docs", file=sys.stderr)
    uv = [sys.executable, "-m", "uv"]
    install = [*uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(VENV)]
    subprocess.run(
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, VENV], check=True
    )
    subprocess.run([*install, "-r", LOCK], check=True, cwd=ROOT)
    STAMP.write_text(stamp, encoding="ascii")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
