"""``headrace completion``: scripts for bash, zsh and fish."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Literal

from headrace.cli.console.options import DEFAULT_OUTPUT, Output
from headrace.cli.console.result import Result

if TYPE_CHECKING:
    from cyclopts import App

Shell = Literal["bash", "zsh", "fish"]

# After the folder of a lake, the names of its versions; otherwise what the generated script says.
_BASH = """
_headrace_versions() {
  local cur="${COMP_WORDS[COMP_CWORD]}" name
  local -a names=()
  if [[ "$cur" != -* && $COMP_CWORD -gt 1 ]]; then
    mapfile -t names < <(headrace __versions "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null)
  fi
  if [[ ${#names[@]} -gt 0 ]]; then
    COMPREPLY=()
    for name in "${names[@]}"; do
      [[ "$name" == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
    done
    return
  fi
  _headrace
  if [[ ${#COMPREPLY[@]} -eq 0 && "$cur" != -* ]]; then
    compopt -o default 2>/dev/null
  fi
}

complete -F _headrace_versions headrace
"""
_ZSH = """
_headrace_versions() {
  local -a names
  if [[ ${words[CURRENT]} != -* && $CURRENT -gt 2 ]]; then
    names=(${(f)"$(headrace __versions "${(Q)words[CURRENT-1]}" 2>/dev/null)"})
  fi
  if (( $#names )); then
    compadd -a names
  else
    _cyclopts_headrace "$@" || _files
  fi
}

if [[ $funcstack[1] == _headrace ]]; then
  _headrace_versions "$@"
else
  compdef _headrace_versions headrace
fi
"""
_FISH = """
function __headrace_versions
    set -l given (commandline -opc)
    test (count $given) -gt 1; and headrace __versions $given[-1] 2>/dev/null
end

complete -c headrace -n 'test -n "$(__headrace_versions)"' -f -k -a '(__headrace_versions)'
"""
_ENDINGS: dict[Shell, str] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion_command(make_app: Callable[[], App]) -> Callable[..., Coroutine[Any, Any, Result]]:
    """Return the command; ``make_app`` makes the command line whose completion it prints."""

    async def completion(shell: Shell, /, *, output: Output = DEFAULT_OUTPUT) -> Result:
        """Print a script that completes commands, options, formats, and the versions of a local lake.

        Load it in the shell's start-up file: eval "$(headrace completion bash)", the same for zsh, and headrace completion fish | source.

        Args:
            shell: The shell: bash, zsh or fish.
        """
        made = make_app().generate_completion(prog_name="headrace", shell=shell)
        script = made.rstrip() + "\n" + _ENDINGS[shell]
        return Result(
            command="completion",
            data={"shell": shell, "script": script},
            lines=script.rstrip("\n").split("\n"),
        )

    return completion
