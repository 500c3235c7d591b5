"""Completion in real shells: commands, options, formats, and the versions of a lake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.cli import main
from headrace.cli.app import COMMANDS, SUBCOMMANDS
from tests.support.processes.cli import Place, environment, headrace, new_lake

SHELLS = [
    pytest.param(
        shell, marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"no {shell} here")
    )
    for shell in ("bash", "zsh", "fish")
]
BASH = """
source {script}
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
"$(complete -p headrace | sed 's/.*-F \\([^ ]*\\).*/\\1/')" 2>/dev/null
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
autoload -Uz compinit && compinit -D
source {script}
[[ $_comps[headrace] == _headrace_versions ]] || exit 3
compadd() {{ print -l -- ${{(P)2}} }}
_cyclopts_headrace() {{ print generated }}
words=({words}) CURRENT=$#words
_headrace_versions
"""


@pytest.fixture
def lake(tmp_path: Path) -> Place:
    place = new_lake(tmp_path / "a lake")
    for version in ("bccd/v1", "bccd/v2", "odd name/v1"):
        place.done("version create", version)
    return place


def completed(shell: str, folder: Path, *words: str) -> list[str]:
    """What a shell offers for the last word of a command line."""
    script = folder / f"completion.{shell}"
    script.write_text(headrace("completion", shell).out)
    quoted = " ".join(f"'{word}'" for word in ("headrace", *words))
    if shell == "fish":
        line = "headrace " + " ".join(word.replace(" ", "\\\\ ") for word in words)
        code = f'source {script}; complete -C "{line}"'
        command = ["fish", "--no-config", "-c", code]
    elif shell == "zsh":
        command = ["zsh", "-f", "-c", ZSH.format(script=script, words=quoted)]
    else:
        command = ["bash", "--norc", "-c", BASH.format(script=script, words=quoted)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(PATH=path, HOME=str(folder)),
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.partition("\t")[0] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", SHELLS)
def test_versions_of_a_lake_follow_its_folder(lake: Place, tmp_path: Path, shell: str) -> None:
    found = completed(shell, tmp_path, "pull", "a lake", "")
    assert {name.replace("\\", "") for name in found} == {"bccd/v1", "bccd/v2", "odd name/v1"}
    nothing = completed(shell, tmp_path, "pull", "elsewhere", "b")
    assert "bccd/v1" not in nothing


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell.values != ("zsh",)])
def test_commands_options_and_formats(lake: Place, tmp_path: Path, shell: str) -> None:
    assert {*COMMANDS, *SUBCOMMANDS} <= {*completed(shell, tmp_path, "")}
    assert {*SUBCOMMANDS["label"][2]} <= {*completed(shell, tmp_path, "label", "")}
    assert "--dry-run" in completed(shell, tmp_path, "push", "--dry")
    formats = completed(shell, tmp_path, "convert", "a", "b", "--to", "co")
    assert {"coco", "coco-video"} <= {*formats}


def test_names_are_read_without_the_engine_and_change_nothing(
    lake: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def state() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in lake.lake.iterdir() if path.is_file()}

    before = state()
    assert main(["__versions", str(lake.lake)]) == 0
    assert capsys.readouterr().out.splitlines() == ["bccd/v1", "bccd/v2", "odd name/v1"]
    assert state().keys() <= before.keys() | {"headrace.db-wal", "headrace.db-shm"}
    assert state()["headrace.db"] == before["headrace.db"]
    for words in ([], [str(tmp_path)], ["https://hub.example"], [__file__]):
        assert main(["__versions", *words]) == 0
        assert capsys.readouterr().out == ""
    code = (
        "import sys; from headrace.cli import main; main(['__versions', sys.argv[1]]);"
        " print(*[name for name in sys.modules if name in ('cyclopts', 'msgspec', 'asyncio', 'apsw')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(lake.lake)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == ""
