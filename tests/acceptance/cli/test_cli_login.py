"""``login``, ``logout`` and ``whoami``: a token is stored once, and goes to its server only."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.cli.test_cli_bad_input import assert_one_line
from tests.support.processes.cli import Outcome, Place, answered, headrace, served


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Place]:
    with served(tmp_path / "lake") as place:
        yield replace(place, variables=place.variables | {"HEADRACE_HOME": str(tmp_path / "home")})


def without_token(server: Place) -> dict[str, str]:
    return {name: value for name, value in server.variables.items() if name != "HEADRACE_TOKEN"}


def logged_in(server: Place, folder: Path, *options: str) -> Outcome:
    source = folder / "token"
    source.write_text(server.variables["HEADRACE_TOKEN"] + "\n")
    return headrace(
        "login", server.target, "--token", "-", *options, source=source, **without_token(server)
    )


def profiles(folder: Path) -> Path:
    return folder / "home" / "config" / "profiles.json"


def test_log_in_and_out(server: Place, tmp_path: Path) -> None:
    token, here = server.variables["HEADRACE_TOKEN"], without_token(server)
    said = logged_in(server, tmp_path, "--json")
    assert said.status == 0, said
    authority = server.target.removeprefix("http://")
    assert said.json() == {
        "schema": "headrace.login/1",
        "profile": authority,
        "address": server.target,
        "username": "local",
        "organization": "local",
        "file": str(profiles(tmp_path)),
    }
    assert stat.S_IMODE(profiles(tmp_path).stat().st_mode) == 0o600

    assert headrace("ls", server.target, **here).out == "no versions yet\n"
    who = headrace("whoami", server.target, "--json", **here).json()
    assert (who["username"], who["source"]) == ("local", f"profile '{authority}'")
    listed = headrace("whoami", **here)
    assert listed.out == f"{authority}  {server.target}\n"
    both = headrace("whoami", server.target, **server.variables)
    assert both.out == f"{server.target}: local, organization local, token from HEADRACE_TOKEN\n"
    for outcome in (said, listed, both):
        assert token not in outcome.out + outcome.err

    assert headrace("logout", **here).status == 0
    assert json.loads(profiles(tmp_path).read_text()) == {"profiles": {}}
    assert_one_line(headrace("ls", server.target, **here), f"headrace login {server.target}")
    assert_one_line(headrace("logout", **here), "no token is stored")
    assert headrace("whoami", **here).out == "not logged in\n"


def test_profiles_are_told_apart_by_name(server: Place, tmp_path: Path) -> None:
    here = without_token(server)
    for name in ("work", "own"):
        assert logged_in(server, tmp_path, "--profile", name).status == 0
    assert_one_line(headrace("ls", server.target, **here), "own, work", "Choose one: --profile")
    assert headrace("ls", server.target, "--profile", "own", **here).status == 0
    assert headrace("ls", server.target, HEADRACE_PROFILE="work", **here).status == 0
    assert headrace("whoami", "--profile", "work", "--json", **here).json()["profile"] == "work"
    assert_one_line(headrace("logout", server.target, **here), "--profile own | work", status=2)
    assert headrace("logout", "--profile", "work", **here).status == 0
    assert headrace("ls", server.target, **here).status == 0


def test_the_token_is_asked_for_without_echo(server: Place) -> None:
    token = server.variables["HEADRACE_TOKEN"]
    outcome = answered(
        "login",
        server.target,
        answer=token + "\n",
        question="(not shown): ",
        **without_token(server),
    )
    assert outcome.status == 0, outcome
    assert "logged in as local" in outcome.out
    assert token not in outcome.out


def test_without_a_terminal_nothing_is_asked(server: Place, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    here = without_token(server)
    outcome = headrace("login", server.target, source=empty, **here)
    assert_one_line(outcome, "no terminal", "--token -", "HEADRACE_TOKEN", status=2)
    outcome = headrace("login", server.target, "--token", "-", source=empty, **here)
    assert_one_line(outcome, "standard input is empty", status=2)
    outcome = headrace("login", server.target, "--token", "hr_on_the_command_line", **here)
    assert_one_line(outcome, "--token takes only -", status=2)
    assert not profiles(tmp_path).exists()


def test_a_token_that_is_refused_is_not_stored(server: Place, tmp_path: Path) -> None:
    source = tmp_path / "wrong"
    source.write_text("hr_wrong")
    outcome = headrace(
        "login", server.target, "--token", "-", source=source, **without_token(server)
    )
    assert_one_line(
        outcome, "refused the token from --token - (401, request ", "headrace token create"
    )
    assert not profiles(tmp_path).exists()


def test_addresses_that_get_no_token(tmp_path: Path) -> None:
    source = tmp_path / "token"
    source.write_text("hr_x")
    for address, words in {
        "http://192.168.1.5:8430": ["is not encrypted", "HEADRACE_ALLOW_HTTP=1"],
        "http://hub.example": ["is not encrypted"],
    }.items():
        outcome = headrace("login", address, "--token", "-", source=source)
        assert_one_line(outcome, *words)
    for address in ("hub.example", "ftp://hub.example", str(tmp_path)):
        outcome = headrace("login", address, "--token", "-", source=source)
        assert_one_line(outcome, "is not the address of a server", status=2)


def test_the_file_of_a_cloned_repository_names_no_server_and_no_state(
    server: Place, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "headrace.toml").write_text('token = "hr_theirs"\nstate = "planted"\n')
    outcome = headrace("ls", server.target, cwd=clone, **server.variables)
    assert outcome.status == 0, outcome
    (warning,) = outcome.err.splitlines()
    assert warning.startswith(f"warning: {clone / 'headrace.toml'}: state, token are ignored: ")
    assert "hr_theirs" not in warning
    assert [path.name for path in clone.iterdir()] == ["headrace.toml"]
