"""The files of deploy/: what they name exists, and nginx and systemd take them."""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from headrace.cli.app import make_app
from headrace.cli.console.variables import options_of, variable_of
from headrace.cli.parse import parse
from headrace.settings import Settings
from headrace.storage.database.postgres import connections, database
from headrace.storage.objects.s3.location import parse_location
from tests.support.processes import nginx

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
PAGE = ROOT / "docs" / "how-to" / "serve-from-postgresql.md"
UNITS = sorted(DEPLOY.glob("*.service"))
OTHERS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "POSTGRES_PASSWORD"}
"""Variables that are not headrace's."""


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def environment() -> dict[str, str]:
    lines = (DEPLOY / "headrace.env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def commands(text: str) -> list[str]:
    """The commands of headrace in a text of a shell, each up to what ends it."""
    return re.findall(r"headrace ((?!\w+:)[a-z][^|&;>\n]*)", text)


def test_every_variable_of_the_environment_exists() -> None:
    options = options_of(make_app()["serve"].assemble_argument_collection())
    known = {variable_of(("serve",), name) for name in options}
    known |= {f"HEADRACE_{name.upper()}" for name in Settings.__struct_fields__}
    assert environment().keys() <= known | OTHERS


def test_the_environment_names_a_database_and_a_bucket() -> None:
    variables = environment()
    location = parse_location(variables["HEADRACE_OBJECTS"], variables)
    assert (location.bucket, location.prefix) == ("headrace", "platform/")
    assert location.endpoint != location.public
    assert f":{variables['POSTGRES_PASSWORD']}@" in variables["HEADRACE_DATABASE"]


def test_the_services_start_commands_that_exist() -> None:
    services = compose()["services"]
    servers = [each for each in services.values() if each.get("image") == "headrace"]
    assert len(servers) == 3
    for each in servers:
        if "command" in each:
            parse(each["command"])
        else:
            *shell, script = each["entrypoint"]
            assert shell == ["sh", "-c"]
            found = commands(script)
            assert found
            for command in found:
                parse(shlex.split(command))


def test_the_services_wait_for_services_that_exist() -> None:
    services = compose()["services"]
    for each in services.values():
        for name, wanted in each.get("depends_on", {}).items():
            healthy = wanted["condition"] == "service_healthy"
            assert not healthy or "healthcheck" in services[name]
    volumes = {
        volume.partition(":")[0] for each in services.values() for volume in each.get("volumes", ())
    }
    assert {each for each in volumes if not each.startswith("./")} == set(compose()["volumes"])
    assert (DEPLOY / services["server-1"]["build"]["dockerfile"]).name == "Dockerfile"


def test_the_proxy_names_the_services_and_their_ports() -> None:
    services = compose()["services"]
    addresses = re.findall(r"^\s+server ([\w-]+):(\d+)", nginx_conf(), re.MULTILINE)
    assert {name for name, _ in addresses} <= set(services)
    for name, port in addresses:
        assert port in " ".join(services[name]["command"])


def test_the_image_has_the_files_that_the_build_needs() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in line.split())


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_exists(unit: Path) -> None:
    (line,) = re.findall(r"^ExecStart=\S+/headrace (.+)$", unit.read_text(), re.MULTILINE)
    parse(shlex.split(line.replace("%i", "8431")))


def test_a_server_is_started_again_until_its_database_is_there() -> None:
    """Starts that fail count against a limit of systemd, after which it starts the unit no more."""
    unit = ConfigParser(interpolation=None, strict=False)
    unit.read(DEPLOY / "headrace@.service", encoding="utf-8")
    assert unit["Service"]["Restart"] == "on-failure"
    limit = unit["Unit"].get("StartLimitIntervalSec", "10")
    starts = int(unit["Unit"].get("StartLimitBurst", "5"))
    assert limit == "0" or starts * int(unit["Service"]["RestartSec"]) > int(limit)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("headrace")
    copies = []
    for unit in (*UNITS, *DEPLOY.glob("*.timer")):
        copy = tmp_path / unit.name.replace("@.", "@8431.")
        copy.write_text(unit.read_text().replace("/usr/local/bin/headrace", str(program)))
        copies.append(str(copy))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *copies],
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in done.stderr.splitlines() if "headrace" in line] == []
    assert done.returncode == 0


def nginx_conf() -> str:
    return nginx.DEPLOYED.read_text(encoding="utf-8")


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    command = [nginx.program(), "-t", "-c", str(nginx.configured(tmp_path)), "-p", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_names_commands_that_exist() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found = [command for block in blocks for command in commands(block)]
    assert len(found) >= 8
    for command in found:
        parse(shlex.split(command))
    for command in re.findall(r"`headrace ([a-z-]+(?: [^`]*)?)`", PAGE.read_text(encoding="utf-8")):
        assert command.split()[0] in make_app()


def test_the_page_counts_the_connections() -> None:
    sizes = inspect.signature(database.PostgresDatabase).parameters
    writers, readers, streams = (sizes[name].default for name in ("writers", "readers", "streams"))
    numbers, asking = connections._TAKERS, readers // 2
    total = writers + readers + streams + numbers
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert (
        f"at most {total}: {writers} that write, {readers - asking} that read, {asking} for listings by queries, "
        f"{streams} for streams, such as exports, and {numbers} for numbers"
    ) in text
    assert f"[{total} for each process](#count-the-connections)" in text
    example = (DEPLOY / "headrace.env.example").read_text(encoding="utf-8")
    assert f"opens up to {total} connections" in example
