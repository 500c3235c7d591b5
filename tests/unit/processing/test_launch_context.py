"""The facts of a launch, read from the environment of the launched program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from headrace.errors import BadRequestError, ConfigurationError
from headrace.processing import Context
from headrace.processing.launch_context import read_launch_context

ONE = UUID(int=1)
GIVEN = {
    "HEADRACE_TARGET": "lake",
    "HEADRACE_TOKEN": "hr_secret",
    "HEADRACE_ORGANIZATION_ID": str(ONE),
    "HEADRACE_JOB_ID": str(ONE),
    "HEADRACE_PROCESSING": "p",
    "HEADRACE_PARAMETERS": '{"a": [1, "é"]}',
    "HEADRACE_CPU": "2",
    "HEADRACE_GPU": "0",
}


def test_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text(f"{ONE}\n{UUID(int=2)}\n")
    found = read_launch_context(
        {**GIVEN, "HEADRACE_VERSION_ID": str(ONE), "HEADRACE_IDS": str(tmp_path / "ids")}
    )
    assert (found.parameters, found.cpu, found.version_id) == ({"a": [1, "é"]}, 2, ONE)
    assert found.ids == [ONE, UUID(int=2)]
    assert "hr_secret" not in repr(found)


@pytest.mark.parametrize("missing", ["HEADRACE_JOB_ID", "HEADRACE_PARAMETERS", "HEADRACE_TARGET"])
def test_a_process_that_is_no_program(missing: str) -> None:
    with pytest.raises(ConfigurationError):
        read_launch_context({name: value for name, value in GIVEN.items() if name != missing})


def test_what_it_was_not_launched_on() -> None:
    context = Context(read_launch_context(GIVEN), None, None, None)  # type: ignore[arg-type]
    with pytest.raises(BadRequestError, match="version"):
        _ = context.version
    with pytest.raises(BadRequestError, match="datalake"):
        _ = context.datalake


def test_run_by_hand() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "headrace.processing",
            "headrace.processing.duplicates:find_duplicates",
        ],
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "headrace processing run TARGET VERSION NAME" in done.stderr
