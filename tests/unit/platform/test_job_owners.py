"""Whose process has ended is known on its own machine, also where its number was given to another one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headrace.platform.jobs.owner import is_gone, new_owner

NAME = "from headrace.platform.jobs.owner import new_owner; print(new_owner(), flush=True)"


def test_this_process_lives_under_each_of_its_names() -> None:
    names = {new_owner() for _ in range(3)}
    assert len(names) == 3
    assert not any(map(is_gone, names))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_has_ended_is_gone() -> None:
    ended = subprocess.run([sys.executable, "-c", NAME], capture_output=True, text=True, check=True)
    assert is_gone(ended.stdout.strip())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_number_that_another_process_got_is_not_the_owner() -> None:
    place, pid, token = new_owner().rsplit(":", 2)
    start, random = token.split(".")
    assert is_gone(f"{place}:{pid}:{int(start) - 1}.{random}")
    assert not is_gone(f"{place}:{pid}:.{random}")


@pytest.mark.parametrize("owner", ["other:1:x", "elsewhere/boot/1:99999999:5.x"])
def test_of_other_machines_nothing_is_known(owner: str) -> None:
    assert not is_gone(owner)


def test_names_of_an_earlier_headrace_are_understood() -> None:
    place, pid, _ = new_owner().rsplit(":", 2)
    host = place.split("/")[0]
    assert not is_gone(f"{host}:{pid}:0123abcd")
    assert is_gone(f"{host}:{2**22 + 1}:0123abcd")
