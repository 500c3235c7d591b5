"""Pauses of the garbage collector end, whatever happens in them, and leave it as it was."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from headrace import garbage
from headrace.garbage import collect_kept, collector_paused


class Ring:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_a_pause_ends_with_the_outermost_of_all_threads() -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with collector_paused():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
        thread.start()
        assert inside.wait(10)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_an_error_ends_a_pause() -> None:
    with pytest.raises(KeyError), collector_paused():
        raise KeyError
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with collector_paused():
        pass
    assert not gc.isenabled()


def test_pauses_without_a_gap_leave_no_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "LONGEST", 0.0)
    with collector_paused():
        ring = weakref.ref(Ring())
        assert ring() is not None
        with collector_paused():
            pass
        assert ring() is None


def test_a_server_collects_seldom_and_never_what_it_started_with() -> None:
    before = gc.get_threshold()
    try:
        garbage.collect_seldom()
        assert gc.get_threshold() == garbage.SELDOM
        assert gc.get_freeze_count() > 1_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_kept_records_are_never_visited_as_young_ones() -> None:
    visits: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        visits.append(info["generation"])

    gc.callbacks.append(note)
    try:
        with collector_paused(kept=True):
            kept: list[list[int]] = [[] for _ in range(4 * garbage.MANY)]
        assert gc.get_count()[0] < garbage.MANY
        assert kept[0] is not kept[-1]
        assert not visits
    finally:
        gc.callbacks.remove(note)


def test_what_somebody_has_frozen_stays_frozen() -> None:
    gc.freeze()
    try:
        with collector_paused(kept=True):
            kept: list[list[int]] = [[] for _ in range(4 * garbage.MANY)]
        assert gc.get_freeze_count() > 1_000
        assert len(kept) == 4 * garbage.MANY
    finally:
        gc.unfreeze()


def test_kept_records_that_became_garbage_are_collected_once_they_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gc.collect()
    collect_kept()
    with collector_paused(kept=True):
        rings = [Ring() for _ in range(4 * garbage.MANY)]
    ring = weakref.ref(rings[0])
    del rings
    collect_kept()
    assert ring() is not None
    monkeypatch.setattr(garbage, "DUE", garbage.MANY)
    collect_kept()
    assert ring() is None
