"""Looking after a lake, without ``async``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from headrace.blocking.portal import portal
from headrace.sdk.client import lakes, migrations

P = ParamSpec("P")
R = TypeVar("R")


def _without_await(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Return a function that does the same and returns its result."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return portal().call(lambda: function(*args, **kwargs))

    return call


backup_lake = _without_await(lakes.backup_lake)
restore_lake = _without_await(lakes.restore_lake)
list_snapshots = _without_await(lakes.list_snapshots)
collect_garbage = _without_await(lakes.collect_garbage)
lake_usage = _without_await(lakes.lake_usage)
migrate_lake = _without_await(migrations.migrate_lake)
reopen_lake = _without_await(migrations.reopen_lake)
