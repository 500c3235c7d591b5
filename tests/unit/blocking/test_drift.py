"""The generated API is what the async classes say, and the check sees when it is not."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import headrace
from headrace import blocking
from headrace.blocking import _generated

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "tools" / "make_blocking.py"


def check(tool: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False
    )


def test_the_face_has_not_drifted() -> None:
    done = check(TOOL)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_drift_is_seen(tmp_path: Path) -> None:
    """A copy of the tool that compares with a face in which one default was changed."""
    face = Path(str(_generated.__file__)).read_text()
    target = tmp_path / "src" / "headrace" / "blocking" / "_generated.py"
    target.parent.mkdir(parents=True)
    target.write_text(face.replace("use_id: bool = False", "use_id: bool = True", 1))
    (tmp_path / "tools").mkdir()
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    copy = tmp_path / "tools" / "make_blocking.py"
    copy.write_bytes(TOOL.read_bytes())
    done = check(copy)
    assert done.returncode == 1
    assert "use_id: bool = True" in done.stdout
    assert "has drifted" in done.stdout


CLASSES = [name for name in blocking.__all__ if isinstance(getattr(blocking, name), type)]


COMPLETED = {("Datalake", "upload_data")}
"""Methods that take what the official client's take."""


@pytest.mark.parametrize("name", CLASSES)
def test_every_method_has_its_twin(name: str) -> None:
    """Same names, same parameters, same defaults, same docstrings; nothing to await."""
    twin = getattr(blocking, name)
    own = getattr(headrace, name)
    methods = {
        method: function
        for method, function in inspect.getmembers(own, inspect.isfunction)
        if not method.startswith("_")
    }
    for method, function in methods.items():
        other = getattr(twin, {"aclose": "close"}.get(method, method))
        assert not inspect.iscoroutinefunction(other)
        if "MutableSequence" in str(other) or method in ("insert", "extend"):
            continue
        if (name, method) in COMPLETED:
            continue
        mine, theirs = inspect.signature(function), inspect.signature(other)
        assert [(p.name, p.default, p.kind) for p in mine.parameters.values()] == [
            (p.name, p.default, p.kind) for p in theirs.parameters.values()
        ], method
