#!/usr/bin/env python3
"""Create the development environment, `.venv` in the root of the repository, from the lock file.

The first run builds it; later runs compare a stamp and return. It needs only the standard
library and Python 3.11. If possible uv is installed into the environment and used, else the
slower pip. Concurrent runs are safe: one builds, the others wait.

    python3 tools/dev.py            # create or update .venv
    python3 tools/dev.py --force    # rebuild it

HEADRACE_VENV selects another folder, for environments of several Python versions.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.abspath(os.path.join(ROOT, os.environ.get("HEADRACE_VENV") or ".venv"))
LOCK = os.path.join(ROOT, "requirements.lock")
STAMP = os.path.join(VENV, ".headrace-stamp")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(BIN, "python.exe" if os.name == "nt" else "python")
UV = os.path.join(BIN, "uv.exe" if os.name == "nt" else "uv")
OLDEST = (3, 11)


class SetUpError(Exception):
    """The environment cannot be created; the message says why and what to do."""


def say(text):
    """Report progress on stderr; stdout is for the command that runs afterwards."""
    sys.stderr.write(f"dev: {text}\n")
    sys.stderr.flush()


def wanted_stamp():
    """Return a digest of everything that determines the content of the environment.

    It includes the root because scripts inside an environment contain absolute paths.
    """
    digest = hashlib.sha256(ROOT.encode())
    digest.update("{}.{}".format(*sys.version_info[:2]).encode())
    for name in (LOCK, os.path.join(ROOT, "pyproject.toml"), os.path.abspath(__file__)):
        with open(name, "rb") as stream:
            digest.update(stream.read())
    return digest.hexdigest()


def found_stamp():
    """Return the digest of the last complete build, None if there is none."""
    # A venv whose base Python was removed has a stamp but no working interpreter.
    if not os.path.exists(PYTHON):
        return None
    try:
        with open(STAMP, encoding="ascii") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def building():
    """Hold the build lock; waits while another run holds it."""
    os.makedirs(os.path.dirname(VENV), exist_ok=True)
    with open(VENV + ".lock", "a+b") as stream:
        if os.name == "nt":
            import msvcrt

            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX)
        # Closing the file releases the lock, also when this process dies.
        yield


def run(command, what):
    """Run a command; its output is shown only if it fails."""
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", UV_NO_PROGRESS="1")
    # These would point pip, uv or the interpreter to another environment.
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER"):
        environment.pop(name, None)
    done = subprocess.run(
        command,
        cwd=ROOT,
        check=False,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise SetUpError(f"{what} failed (exit {done.returncode}):\n{done.stdout.strip()}")


def same_python():
    """Return whether the existing environment has the Python version of this process."""
    probe = "import sys; print('{}.{}'.format(*sys.version_info[:2]))"
    try:
        answer = subprocess.run([PYTHON, "-c", probe], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.stdout.strip() == "{}.{}".format(*sys.version_info[:2])


def make_venv():
    """Create an empty environment, with pip unless ensurepip is missing."""
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        import ensurepip  # noqa: F401  a separate package on Debian
    except ImportError:
        run([sys.executable, "-m", "venv", "--without-pip", VENV], "creating the environment")
    else:
        run([sys.executable, "-m", "venv", VENV], "creating the environment")


def pip():
    """Return the command of a pip that installs into the environment."""
    own = [PYTHON, "-m", "pip"]
    outer = [sys.executable, "-m", "pip", "--python", PYTHON]
    for command in (own, outer):
        answer = subprocess.run([*command, "--version"], capture_output=True, check=False)
        if answer.returncode == 0:
            return command
    raise SetUpError(
        "neither pip nor uv was found for this Python.\n"
        "On Debian or Ubuntu: apt-get install python3-venv. Elsewhere: python3 -m ensurepip."
    )


def locked_uv():
    """Return the lines of the lock file that pin uv, with hashes."""
    with open(LOCK, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("uv=="))
    stop = start + 1
    while stop < len(lines) and lines[stop].startswith(" "):
        stop += 1
    return "\n".join(lines[start:stop]) + "\n"


def find_uv():
    """Return the path of uv: the locked one, else one on the path, else None."""
    if not os.path.exists(UV):
        with tempfile.TemporaryDirectory() as folder:
            pins = os.path.join(folder, "uv.txt")
            with open(pins, "w", encoding="utf-8") as stream:
                stream.write(locked_uv())
            try:
                command = [*pip(), "install", "--quiet", "--require-hashes", "-r", pins]
                run(command, "installing uv")
            except SetUpError as error:
                say(str(error).splitlines()[0] + "; continuing without the locked uv")
    return UV if os.path.exists(UV) else shutil.which("uv")


def install():
    """Install the locked packages, then the project as an editable install with the locked build backend."""
    uv = find_uv()
    if uv:
        try:
            install_with([uv, "pip", "install", "--python", PYTHON])
        except SetUpError as error:
            # For example because a mirror is configured only for pip: uv does not read pip's settings.
            say(str(error).splitlines()[0] + "; trying pip, which is slower")
        else:
            return
    install_with([*pip(), "install"])


def install_with(tool):
    """Install everything with pip or uv."""
    run([*tool, "--require-hashes", "-r", LOCK], "installing the locked packages")
    editable = ["--no-deps", "--no-build-isolation", "-e", ROOT]
    run([*tool, *editable], "installing headrace itself")


def build(stamp, force):
    """Build or update the environment from the lock file; the stamp is written last."""
    started = time.monotonic()
    say(f"setting up {os.path.relpath(VENV, ROOT)} (the first time takes a minute)")
    if force or not same_python():
        make_venv()
    with contextlib.suppress(FileNotFoundError):
        os.remove(STAMP)
    install()
    partial = STAMP + ".partial"
    with open(partial, "w", encoding="ascii") as stream:
        stream.write(stamp + "\n")
    os.replace(partial, STAMP)
    say(f"ready in {time.monotonic() - started:.0f} s")


def main(arguments):
    """Create or update the environment; return the exit status."""
    if sys.version_info < OLDEST:
        have = "{}.{}.{}".format(*sys.version_info[:3])
        say(f"headrace needs Python 3.11 or newer; this is {have}, {sys.executable}")
        return 1
    unknown = [argument for argument in arguments if argument != "--force"]
    if unknown:
        say(f"unknown argument {unknown[0]}; only --force is known")
        return 2
    force = bool(arguments)
    stamp = wanted_stamp()
    if not force and found_stamp() == stamp:
        return 0
    try:
        with building():
            # Another run may have built it in the meantime.
            if force or found_stamp() != stamp:
                build(stamp, force)
    except SetUpError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
