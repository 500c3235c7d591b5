"""What is wrong with a command line, in the words of this command line."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from cyclopts import (
    Argument,
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnusedCliTokensError,
    ValidationError,
)
from cyclopts.exceptions import UnknownOptionError

from headrace.cli.console.errors import UsageError

_KINDS: dict[type | None, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false, or the option alone",
}


def usage_error(error: CycloptsError, commands: Mapping[str, Sequence[str]]) -> UsageError:
    """Return an error of the parser as an error with a cure.

    Args:
        error: What the parser found.
        commands: The names of all commands, each with those of its sub-commands.
    """
    chain = list(error.command_chain or ())
    see_help = f"see: {' '.join(['headrace', *chain, '--help'])}"
    if isinstance(error, UnknownCommandError):
        return _unknown_command(error, chain, commands)
    if isinstance(error, UnknownOptionError):
        given = (error.token.keyword or error.token.value).partition("=")[0]
        known = [name for argument in error.argument_collection for name in argument.names]
        return UsageError(f"unknown option {given}", hint=_did_you_mean(given, known) or see_help)
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        if error.keyword:
            return UsageError(f"{error.keyword} needs a value", hint=see_help)
        positional = error.argument.field_info.kind is inspect.Parameter.POSITIONAL_ONLY
        shown = name.lstrip("-").upper() if positional else name
        return UsageError(f"{shown} is missing", hint=see_help)
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return UsageError(f"unexpected argument {error.unused_tokens[0]!r}", hint=see_help)
    if isinstance(error, CoercionError) and error.token is not None and error.argument is not None:
        where = error.token.source if error.token.source not in ("", "cli") else ""
        return _wrong_value(error.argument, error.token.value, error.target_type, where)
    if isinstance(error, RepeatArgumentError) and error.token is not None:
        return UsageError(f"{error.token.keyword} is given more than once", hint=see_help)
    if isinstance(error, ValidationError) and error.argument is not None:
        rule = str(error.exception_message).rstrip(".").removeprefix("Must be ")
        return UsageError(f"{error.argument.name} must be {rule}", hint=see_help)
    error.verbose = False
    return UsageError(" ".join(str(error).split()), hint=see_help)


def _unknown_command(
    error: UnknownCommandError, chain: list[str], commands: Mapping[str, Sequence[str]]
) -> UsageError:
    given = (error.unused_tokens or ["?"])[0]
    known = [*commands[chain[0]]] if chain else [*commands]
    prefix = "".join(f"{word} " for word in chain)
    if given.startswith("-"):
        hint = (
            _did_you_mean(given, ["--help", "--version"], cutoff=0.75)
            or "options follow the command"
        )
        return UsageError(f"unknown option {given}", hint=hint)
    if given == "help":
        hint = f"see: headrace {prefix}--help"
    else:
        near = nearest(given, known)
        hint = f"did you mean {prefix + near!r}?" if near else f"commands: {' '.join(known)}"
    return UsageError(f"unknown command {prefix + given!r}", hint=hint)


def _wrong_value(argument: Argument, given: str, wanted: type | None, where: str) -> UsageError:
    """Return the error for a value that is no choice, no number or no truth value; ``where`` names its origin."""
    choices = argument.get_choices(force=True)
    if choices:
        near = nearest(given, choices)
        hint = (f"did you mean {near!r}? " if near else "") + f"choices: {', '.join(choices)}"
    else:
        hint = f"give {_KINDS.get(wanted, 'another value')}"
    prefix = f"{where}: " if where else ""
    return UsageError(f"{prefix}{argument.name} cannot be {given!r}", hint=hint)


def _did_you_mean(given: str, known: Sequence[str], *, cutoff: float = 0.6) -> str | None:
    near = nearest(given, known, cutoff=cutoff)
    return f"did you mean {near}?" if near else None


def nearest(given: str, known: Sequence[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known name that is nearest to a mistyped one, or None if none is near."""
    # Without the dashes, which all options share: they would make any two options look alike.
    bare = {name.lstrip("-"): name for name in known}
    near = get_close_matches(given.lower().lstrip("-"), bare, n=1, cutoff=cutoff)
    return bare[near[0]] if near else None
