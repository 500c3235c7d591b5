"""What the owner of a lake does on the command line: tokens, keys, organizations, users, and the audit log."""

from __future__ import annotations

import getpass
import json
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from headrace.blocking import connect
from headrace.errors import AuthenticationError, PermissionDeniedError
from tests.support.data.images import draw_images
from tests.support.lakes.templates import copy_empty, copy_with_version, finished
from tests.support.processes.cli import headrace, running


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    copy_empty(tmp_path / "lake")
    return tmp_path / "lake"


def test_a_read_only_token_that_expires(lake: Path, tmp_path: Path) -> None:
    made = headrace("token", "create", lake, "--read-only", "--days", "30", "--name", "ci")
    token = made.out.strip()
    expired = headrace("token", "create", lake, "--days", "0", "--name", "old").out.strip()
    assert headrace("token", "create", lake, "--days", "-1").status == 2
    draw_images(tmp_path / "images", 1)
    with running("serve", lake, "--port", "0", "--json") as command:
        address = json.loads(command.first_line())["url"]
        with connect(address, api_token=token) as client:
            assert [*client.list_datasets()] == []
            with pytest.raises(PermissionDeniedError, match="read-only"):
                client.push("d/v", tmp_path / "images")
        with pytest.raises(AuthenticationError, match="the token has expired"):
            connect(address, api_token=expired)
        deadline = time.monotonic() + 20
        while "never used" in headrace("token", "list", lake).out.splitlines()[0]:
            assert time.monotonic() < deadline
        command.process.send_signal(signal.SIGTERM)
        assert command.outcome().status == 0
    first, second = headrace("token", "list", lake).out.splitlines()
    assert "read-only" in first
    assert "until" in first
    assert "used 20" in first
    assert "expired" in second
    assert "never used" in second
    assert token not in first
    (one, two) = headrace("token", "list", lake, "--json").json()["tokens"]
    assert (one["read_only"], two["read_only"]) == (True, False)
    assert one["last_used"].endswith("+00:00")
    assert two["last_used"] is None


async def answers(url: str, count: int = 12) -> set[int]:
    """The statuses over as many connections, which the processes of a server share."""
    found = set()
    for _ in range(count):
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            found.add(answer.status)
    return found


def test_all_processes_of_a_server_follow_a_new_key(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    token = copy_with_version(lake)
    with running("serve", lake, "--port", "0", "--json", "--processes", "2") as command:
        address = json.loads(command.first_line())["url"]

        def url() -> str:
            with connect(address, api_token=token) as client:
                return str(
                    next(iter(client.get_datalake().list_data(limit=1))).record.presigned_url
                )

        old = url()
        assert finished(answers(old)) == {200}
        assert "Key 2" in headrace("token", "rotate-key", lake).out
        assert finished(answers(old)) == {200}
        shown = headrace("token", "rotate-key", lake, "--drop-old", "--json").json()
        assert (shown["key"], shown["dropped"]) == (3, 2)
        deadline = time.monotonic() + 20
        while finished(answers(old)) != {403}:
            assert time.monotonic() < deadline
        assert all(finished(answers(url(), 2)) == {200} for _ in range(4))
        command.process.send_signal(signal.SIGTERM)
        assert command.outcome().status == 0


def test_organizations_and_users(lake: Path) -> None:
    assert headrace("organization", "create", lake, "vision", "--owner", "ann").status == 0
    assert headrace("organization", "add", lake, "vision", "bob").status == 0
    assert headrace("organization", "rename", lake, "vision", "sight").status == 0
    listed = headrace("organization", "list", lake).out.splitlines()
    assert listed == ["local  local (owner)", "sight  ann (owner), bob (member)"]
    token = headrace(
        *("token", "create", lake, "--user", "bob", "--organization", "sight")
    ).out.strip()
    refused = headrace("user", "remove", lake, "ann")
    assert refused.status == 1
    assert "last owner" in refused.err
    assert "organization add --role owner" in refused.err
    dry = headrace("user", "remove", lake, "bob", "--dry-run")
    assert dry.out == "bob would be removed from sight; 1 token would be revoked.\n"
    with running("serve", lake, "--port", "0", "--json") as command:
        address = json.loads(command.first_line())["url"]
        with connect(address, api_token=token) as client:
            assert client.name == "sight"
            assert headrace("user", "remove", lake, "bob").status == 0
            with pytest.raises(AuthenticationError, match="revoked"):
                client.list_users()
        command.process.send_signal(signal.SIGTERM)
        assert command.outcome().status == 0
    assert "bob" not in headrace("organization", "list", lake).out


def test_the_audit_log(lake: Path, tmp_path: Path) -> None:
    draw_images(tmp_path / "images", 2)
    assert headrace("push", lake, "d/v", tmp_path / "images").status == 0
    assert headrace("token", "create", lake, "--name", "ci").status == 0
    lines = headrace("audit", lake).out.splitlines()
    assert all(f"{getpass.getuser()} on this machine" in line for line in lines)
    assert any("create_dataset  name=d" in line and "(push)" in line for line in lines)
    assert "token.create" in lines[-1]
    assert "(token create)" in lines[-1]
    whole = headrace("audit", lake, "--json").json()
    assert len(whole["entries"]) == len(lines)
    rows = [json.loads(line) for line in headrace("audit", lake, "--jsonl").out.splitlines()]
    assert [row["operation"] for row in rows] == [entry["operation"] for entry in whole["entries"]]
    chosen = headrace("audit", lake, "--operation", "token.*", "--json").json()["entries"]
    assert [entry["subject"]["name"] for entry in chosen] == ["ci"]
    assert headrace("audit", lake, "--until", "2020-01-01").out == ""
    assert len(
        headrace("audit", lake, "--since", "2020-01-01T00:00+01:00").out.splitlines()
    ) == len(lines)
    wrong = headrace("audit", lake, "--since", "yesterday")
    assert wrong.status == 2
    assert "--since cannot be 'yesterday'" in wrong.err


def test_what_looks_after_a_lake_is_in_its_audit_log(lake: Path, tmp_path: Path) -> None:
    assert headrace("gc", lake).status == 0
    assert headrace("gc", lake, "--dry-run").status == 0
    assert headrace("check", lake).status == 0
    assert headrace("check", lake, "--repair").status == 0
    assert headrace("backup", lake, tmp_path / "backups").status == 0
    assert headrace("restore", tmp_path / "backups", tmp_path / "again").status == 0

    def rows(path: Path) -> list[str]:
        entries = headrace("audit", path, "--json").json()["entries"]
        assert all(entry["system_user"] == getpass.getuser() for entry in entries)
        return [entry["operation"] for entry in entries]

    assert rows(lake) == ["gc", "check", "backup"]
    assert rows(tmp_path / "again") == ["gc", "check", "backup", "restore"]
