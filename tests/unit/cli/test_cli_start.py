"""Modules that a start must not import, which keeps it fast."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from headrace.cli import main
from tests.support.processes.cli import COMMAND, environment, headrace

HEAVY = {
    "aiohttp",
    "anyio",
    "apsw",
    "asyncio",
    "cyclopts",
    "lark",
    "lxml",
    "msgspec",
    "orjson",
    "rich",
    "uvloop",
    "yaml",
}


def loaded(code: str) -> set[str]:
    """Return the modules that a new interpreter has imported after ``code``."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_importing_headrace_loads_nothing_heavy() -> None:
    assert not HEAVY & loaded("import headrace")


def test_version_is_answered_before_anything_is_loaded() -> None:
    modules = loaded("import headrace.cli; assert headrace.cli.main(['--version']) == 0")
    assert not HEAVY & modules
    assert not {name for name in modules if name.startswith("headrace.")} - {
        "headrace._version",
        "headrace.cli",
    }


def test_help_loads_no_engine() -> None:
    modules = loaded("import headrace.cli; assert headrace.cli.main(['push', '--help']) == 0")
    assert not {"aiohttp", "apsw", "lark", "lxml"} & modules
    assert not {"headrace.sdk", "headrace.engine", "headrace.platform", "headrace.server"} & modules


def test_importing_headrace_leaves_logging_and_files_alone() -> None:
    loaded(
        "import logging, sys\n"
        "seen = []\n"
        "def hook(event, arguments):\n"
        "    name = str(arguments[0]) if arguments else ''\n"
        "    code = name.endswith(('.py', '.pyc', '.so')) or '__pycache__' in name\n"
        "    if event.startswith('socket.') or (event == 'open' and not code):\n"
        "        seen.append((event, name))\n"
        "sys.addaudithook(hook)\n"
        "import headrace, headrace.blocking, headrace.formats\n"
        "headrace.Client, headrace.connect, headrace.convert\n"
        "assert not logging.getLogger().handlers\n"
        "(handler,) = logging.getLogger('headrace').handlers\n"
        "assert type(handler) is logging.NullHandler\n"
        "assert not [each for each in seen if 'headrace' in each[1] or each[0] != 'open'], seen"
    )


def test_version_in_both_forms() -> None:
    import headrace as package

    assert headrace("--version").out == f"headrace {package.__version__}\n"
    assert headrace("--version", "--json").json() == {
        "schema": "headrace.version/1",
        "version": package.__version__,
    }


def test_the_module_and_the_script_are_the_same() -> None:
    script = f"{sys.prefix}/bin/headrace"
    done = subprocess.run(
        [script, "--version"], env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, headrace("--version").out)
    assert COMMAND[1:] == ["-m", "headrace.cli"]


class Interrupting:
    """A finder of modules during whose search the user presses Ctrl-C."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "headrace.cli.run":
            raise KeyboardInterrupt


def test_ctrl_c_while_modules_are_imported_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "headrace.cli.run", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    assert main(["ls", "lake"]) == 130
    assert "Run the same command to continue" in capsys.readouterr().err
    assert main(["ls", "lake", "--json"]) == 130
    error = json.loads(capsys.readouterr().out)
    assert error["schema"] == "headrace.error/1"
    assert error["error"]["code"] == "interrupted"
