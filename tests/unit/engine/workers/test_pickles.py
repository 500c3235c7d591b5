"""Workers make headrace's own types of what they receive, and nothing that could act (S19)."""

from __future__ import annotations

import copyreg
import os
import pickle
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from headrace.engine.convert.workers.messages import MessageDecoder, WorkerReply, encode_message
from headrace.engine.convert.workers.pickles import dumps, loads
from headrace.errors import ParseError
from headrace.model.sample import Sample
from headrace.model.shapes import Rectangle


class Acting:
    """What an attacker would send: it calls a function when it is made."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self._call = call
        self._arguments = arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._call, self._arguments


@pytest.mark.parametrize(
    "evil",
    [
        Acting(os.system, "touch made"),
        Acting(subprocess.run, ["touch", "made"]),
        Acting(eval, "open('made', 'w')"),
        Acting(exec, "open('made', 'w')"),
        Acting(open, "made", "w"),
        Acting(getattr, "text", "upper"),
        Acting(__import__, "os"),
        Acting(partial(os.system, "touch made")),
        Acting(np.load, "made"),
    ],
    ids=["system", "run", "eval", "exec", "open", "getattr", "import", "partial", "load"],
)
def test_what_could_act_is_refused(
    evil: Acting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in (evil, [evil], WorkerReply(result=evil)):
        with pytest.raises(pickle.UnpicklingError, match="no type of a message"):
            loads(pickle.dumps(value, 5))
        with pytest.raises(pickle.UnpicklingError):
            MessageDecoder().add(encode_message(value))
    assert not (tmp_path / "made").exists()


def test_what_a_module_of_headrace_has_of_others_is_refused() -> None:
    """A name may lead through a module: ``headrace.newfile`` has an ``os``."""
    text = b"\x80\x04\x8c\x10headrace.newfile\x8c\x09os.system\x93\x8c\x04true\x85R."
    with pytest.raises(pickle.UnpicklingError, match="no type of a message"):
        loads(text)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"a": [1, 2.5, "x", b"y", (True, None)], "s": {1}, "f": frozenset({2})},
        Path("a/b"),
        UUID(int=5),
        ParseError("broken", path="x.json", line=3),
        FileNotFoundError(2, "no such file", "x"),
        ValueError("text"),
        Rectangle(label="car", x=1, y=2, w=3, h=4, attributes={"a": [1]}),
        Sample(filename="a.jpg", width=4, height=3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_messages_hold_arrives(value: Any) -> None:
    back = loads(dumps(value))
    assert type(back) is type(value)
    assert str(back) == str(value)


def test_arrays_arrive() -> None:
    for array in (np.arange(5), np.zeros((2, 3), dtype=np.float32)):
        assert np.array_equal(loads(dumps(array)), array)


def test_errors_arrive_where_another_package_pickles_them_its_own_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dask does so for all errors as soon as it is imported."""
    monkeypatch.setitem(copyreg.dispatch_table, ParseError, lambda error: (os.getcwd, ()))
    error = loads(dumps(ParseError("no number", line=3)))
    assert isinstance(error, ParseError)
    assert error.line == 3
