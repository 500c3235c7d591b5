"""Which public methods of the SDK a test calls, and through which door: what tests/methods.md is made of.

Nothing is watched unless the environment's ``HEADRACE_RECORD`` names a folder (tools/make_methods.py does it). Then each
passed test leaves one line of JSON there. Calls that headrace, or the official client, makes on its own do not count.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Any

from tests.support.plain_platform.app import ADDRESSES

VARIABLE = "HEADRACE_RECORD"
LAKE, HTTP, BLOCKING, OFFICIAL = "lake", "http", "blocking", "official"
PLAIN = "plain platform"
_DOORS = {"LocalBackend": LAKE, "RemoteBackend": HTTP}
PROPERTIES = {"DatasetVersion": ("origin_id", "name", "version", "type")}


class Calls:
    """The calls of the test that runs."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], None] = {}

    def add(self, name: str, door: str) -> None:
        self.made[name, door] = None

    def take(self) -> list[tuple[str, str]]:
        made, self.made = list(self.made), {}
        return made


CALLS = Calls()


def folder() -> Path | None:
    """Where lines are left; None where nothing is recorded."""
    text = os.environ.get(VARIABLE)
    return Path(text) if text else None


def passed(test: str) -> None:
    """Leave the line of a test."""
    place, made = folder(), CALLS.take()
    if place is not None and made:
        with (place / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"test": test, "calls": made}) + "\n")


def watch_headrace() -> None:
    """Note calls of the async classes and of their blocking twins."""
    from tools.make_blocking import CLASSES, GENERATED

    generated = import_module("headrace.blocking._generated")
    seen: set[type] = set()
    for name in CLASSES:
        _watch(getattr(import_module("headrace"), name), "headrace", _door, seen)
        twin = getattr(generated, GENERATED.get(name, name))
        _watch(twin, "headrace", lambda _: BLOCKING, seen)


def watch_official() -> None:
    """Note calls of the official client's classes."""
    from tools.make_blocking import CLASSES, home

    seen: set[type] = set()
    for name in CLASSES:
        module = "picsellia.client" if name == "Client" else f"picsellia.sdk.{home(name)}"
        if find_spec(module) is None:
            continue  # a class that only headrace has
        _watch(getattr(import_module(module), name), "picsellia", lambda _: OFFICIAL, seen)


def _door(handle: Any) -> str | None:
    backend = handle.session.backend
    if backend.name in ADDRESSES:
        return PLAIN
    return _DOORS.get(type(backend).__name__)


def _watch(cls: type, package: str, door: Callable[[Any], str | None], seen: set[type]) -> None:
    for base in cls.__mro__:
        if base in seen or not base.__module__.startswith(package):
            continue
        seen.add(base)
        for name, attribute in list(vars(base).items()):
            if name.startswith("_"):
                continue
            if inspect.isfunction(attribute):
                setattr(base, name, _noted(attribute, package, door))
            elif isinstance(attribute, property) and name in PROPERTIES.get(cls.__name__, ()):
                assert isinstance(attribute.fget, FunctionType)
                setattr(base, name, property(_noted(attribute.fget, package, door)))


def _noted(function: Any, package: str, door: Callable[[Any], str | None]) -> Any:
    @functools.wraps(function)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if not caller.startswith((package, "beartype")):
            through = door(self)
            if through is not None:
                CALLS.add(f"{type(self).__name__}.{function.__name__}", through)
        return function(self, *args, **kwargs)

    return call
