"""Run the commands and the Python of a page in order, and compare what they print with what the page shows.

    tools/python tools/docs_run.py README.md docs/tutorial.md            write the outputs into the pages
    tools/python tools/docs_run.py --check README.md docs/tutorial.md    exit 1 where a page shows something else

A ``console`` block holds commands after ``$ `` and their output; ``…`` in an output stands for any text. A ``python``
block is a complete script, run twice; a ``text`` block right after it is what the first run prints. All blocks of a
page run in one empty folder that holds a link to ``examples/``. Other blocks are not run.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(console|python|text)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
PORT = "8430"
SECONDS = 120


class PageError(Exception):
    """A command or a script of a page failed; the text holds what it printed."""


def _environment() -> dict[str, str]:
    dropped = ("HEADRACE_", "FORCE_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": path, "PYTHONUTF8": "1", "COLUMNS": "100"}


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@dataclass
class Session:
    """One reader's terminal: a folder, its environment, and servers in other terminals."""

    folder: Path
    variables: dict[str, str] = field(default_factory=_environment)
    servers: list[subprocess.Popen[str]] = field(default_factory=list)
    port: str = field(default_factory=_free_port)

    def run(self, command: str) -> str:
        """Run one command and return what it prints."""
        if command.startswith("cd "):
            self.folder = (self.folder / command[3:].strip()).resolve()
            return ""
        if command.startswith("export "):
            name = command[7:].partition("=")[0]
            self.variables[name] = self._bash(f'{command}; printf %s "${name}"')
            return ""
        if command.startswith("headrace serve"):
            return self._serve(command)
        return self._bash(command.replace(PORT, self.port)).replace(self.port, PORT)

    def run_python(self, source: str) -> str:
        """Run a script twice and return what the first run prints."""
        first, _ = (self._run([sys.executable, "-W", "error", "-c", source]) for _ in range(2))
        return first

    def close(self) -> None:
        """Stop the servers."""
        for server in self.servers:
            server.terminate()
            server.communicate(timeout=SECONDS)

    def _bash(self, command: str) -> str:
        return self._run(["bash", "-c", command])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        # The page shows errors of usage too; anything worse is a fault of the page.
        if done.returncode not in (0, 1, 2) or "Traceback" in done.stdout:
            raise PageError(f"{command[-1]}\nexit status {done.returncode}\n{done.stdout}")
        return done.stdout

    def _serve(self, command: str) -> str:
        server = subprocess.Popen(
            [*command.split(), "--port", self.port],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.servers.append(server)
        assert server.stdout is not None
        return server.stdout.readline().replace(self.port, PORT)


def run_page(text: str, folder: Path) -> str:
    """Run all blocks of a page in ``folder``.

    Returns:
        The page with the outputs that the blocks really have; an output that matches stays as it is.
    """
    session = Session(folder)
    printed: str | None = None
    end = 0

    def rewritten(block: re.Match[str]) -> str:
        nonlocal printed, end
        language, body = block.groups()
        follows, end = text[end : block.start()].strip() == "", block.end()
        if language == "console":
            body, printed = _console(body, session), None
        elif language == "python":
            printed = session.run_python(body)
        elif printed is not None and follows:
            body, printed = _kept(body, printed), None
        return f"```{language}\n{body}```\n"

    try:
        return BLOCK.sub(rewritten, text)
    finally:
        session.close()


def main(arguments: list[str]) -> int:
    """Run pages and write or compare them; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("pages", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    stale = [page for page in options.pages if not _up_to_date(page, write=not options.check)]
    for page in stale if options.check else []:
        print(f"{page} shows outputs that its commands do not have", file=sys.stderr)
    return 1 if stale and options.check else 0


def _up_to_date(page: Path, *, write: bool) -> bool:
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        made = in_clone(text, Path(folder))
    if write and made != text:
        page.write_text(made, encoding="utf-8")
    return made == text


def in_clone(text: str, folder: Path) -> str:
    """Run a page in ``folder`` as if that were a clone: the examples are there, and nothing else."""
    (folder / "examples").symlink_to(ROOT / "examples")
    return run_page(text, folder)


def _console(body: str, session: Session) -> str:
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", body, re.MULTILINE)
    return "".join(f"$ {words}\n{_kept(shown, session.run(words))}" for words, shown in steps)


def _kept(shown: str, printed: str) -> str:
    """Return what the page shows where that matches, else what was printed."""
    pattern = ".*?".join(map(re.escape, shown.split("…")))
    return shown if re.fullmatch(pattern, printed, re.DOTALL) else printed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
