"""What every test stands on."""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from headrace.storage.database.sqlite import page_checksums
from tests.support import format_rows, lock_ladder, methods, storage
from tests.support.door_counts import DOORS, door_counts
from tests.support.tiers import register_profiles

CLEAN_UP_SECONDS = 300.0

register_profiles()

# Tests read and write lakes with connections of their own, which must keep the checksums of pages too.
page_checksums.available()

# A shell starts background jobs with Ctrl-C ignored, and children inherit that; tests of interruptions need it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--storage",
        choices=storage.KINDS,
        help="run the tests of the platform on this storage alone; default: lakes, and a part of them on PostgreSQL",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that make platforms run on every storage; what the default run leaves out is in the slow tier."""
    possible = storage.kinds_of(metafunc)
    if "platform_storage" not in metafunc.fixturenames or not possible:
        return
    chosen = metafunc.config.getoption("storage")
    if chosen is not None:
        kinds = [pytest.param(chosen, id=pytest.HIDDEN_PARAM)]
    else:
        early = metafunc.definition.get_closest_marker("every_storage") is not None
        kinds = [pytest.param("lake", id=pytest.HIDDEN_PARAM)]
        kinds += [
            pytest.param(kind, marks=() if early and kind == "postgres" else pytest.mark.slow)
            for kind in possible[1:]
        ]
    every = {*storage.KINDS}
    for marker, kept in (
        ("sqlite_only", {"lake"}),
        ("one_platform", every - {"two"}),
        ("folder_of_files", every - {"s3"}),
    ):
        if metafunc.definition.get_closest_marker(marker) is not None:
            kinds = [each for each in kinds if each.values[0] in kept]
    metafunc.parametrize("platform_storage", kinds, indirect=True)


def pytest_configure(config: pytest.Config) -> None:
    format_rows.check_rows(config)
    if methods.folder() is not None:
        methods.watch_headrace()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out doors that have nothing to do with a test.

    Tests of what only headrace's platform has do not run on the door ``plain``, whose storage is its own. Programs are
    launched on a lake, or by a server.
    """
    left_out = [
        item
        for item in items
        if (
            _is_plain(item)
            and (item.get_closest_marker("lakes_only") or _storage_of(item) != "lake")
        )
        or (
            item.get_closest_marker("launches")
            and _storage_of(item) != "lake"
            and _door_of(item) == "lake"
        )
    ]
    left_out += storage.of_other_doors(items)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_report_collectionfinish(items: list[pytest.Item]) -> str:
    """Say how many tests go through each door."""
    counts = door_counts(items)
    return "doors: " + ", ".join(f"{door} {counts[door]}" for door in DOORS)


def _storage_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return "lake" if callspec is None else str(callspec.params.get("platform_storage", "lake"))


def _door_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return "" if callspec is None else str(callspec.params.get("door", ""))


def _is_plain(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "plain" in (
        item.callspec.params.values() if hasattr(item, "callspec") else ()
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    with process_ends_after(time_limit(item) + CLEAN_UP_SECONDS):
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None]:
    with process_ends_after(CLEAN_UP_SECONDS):
        yield


@contextmanager
def process_ends_after(seconds: float) -> Iterator[None]:
    """End a process that hangs, with the stacks of its threads; the other tests run in a new one.

    pytest-timeout raises once per test. What hangs while that error is handled, as a join of a thread does, would hang
    for ever.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def time_limit(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    limit = item.config.getini("timeout") if marker is None else marker.args[0]
    return float(limit)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if methods.folder() is not None and call.when == "call":
        if report.passed:
            methods.passed(item.nodeid)
        methods.CALLS.take()
    return report


@pytest.fixture(name="platform_storage", autouse=True)
def stored(request: pytest.FixtureRequest) -> Iterator[None]:
    """The storage of the platforms that the test makes."""
    with storage.stored_in(getattr(request, "param", "lake")):
        yield


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is remembered and configured is no person's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("HEADRACE_HOME", raising=False)
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(scope="session", autouse=True)
def checked_locks() -> Iterator[None]:
    """Every transaction of a lake in this process holds the locks that it needs."""
    with lock_ladder.checked_locks():
        yield


@pytest.fixture(autouse=True)
def no_lock_violations() -> Iterator[None]:
    """What background work did without its locks fails the test, too."""
    lock_ladder.VIOLATIONS.clear()
    yield
    assert lock_ladder.VIOLATIONS == []
