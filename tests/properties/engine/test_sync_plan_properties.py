"""The plan of a synchronization, over all there can be to plan for."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.engine.sync.plan import (
    Action,
    Direction,
    RemoteFile,
    Side,
    SyncBase,
    SyncOptions,
    decide,
)
from headrace.errors import ConfigurationError

WISHES = [
    SyncOptions(direction=direction, delete=delete, prefer=prefer)
    for direction, delete, prefer in product(Direction, (False, True), (None, *Side))
]
CONTENTS = ["a", "b", "c"]
LOCALS = [None, *CONTENTS]
BASES = [None, *(SyncBase(content, content) for content in CONTENTS)]
REMOTES = [None, *(RemoteFile(content, content) for content in CONTENTS)]
CASES = list(product(BASES, LOCALS, REMOTES, WISHES))

MIRRORED = {
    Action.UPLOAD: Action.DOWNLOAD,
    Action.REPLACE: Action.DOWNLOAD,
    Action.DOWNLOAD: Action.UPLOAD,
    Action.DELETE_LOCAL: Action.DELETE_REMOTE,
    Action.DELETE_REMOTE: Action.DELETE_LOCAL,
}
TO_VERSION = {Action.UPLOAD, Action.REPLACE, Action.DELETE_REMOTE}
TO_FOLDER = {Action.DOWNLOAD, Action.DELETE_LOCAL}


def mirror(wish: SyncOptions) -> SyncOptions:
    turned = {Direction.UP: Direction.DOWN, Direction.DOWN: Direction.UP}
    sides = {Side.LOCAL: Side.REMOTE, Side.REMOTE: Side.LOCAL, None: None}
    return SyncOptions(
        direction=turned.get(wish.direction, wish.direction),
        delete=wish.delete,
        prefer=sides[wish.prefer],
    )


def carried_out(
    base: SyncBase | None, local: str | None, remote: RemoteFile | None, action: Action
) -> tuple[SyncBase | None, str | None, RemoteFile | None]:
    """What is there after an action, and what is remembered."""
    if action in (Action.UPLOAD, Action.REPLACE):
        assert local is not None
        remote = RemoteFile(local, local)
    elif action is Action.DOWNLOAD:
        assert remote is not None
        local = remote.content
    elif action is Action.DELETE_LOCAL:
        local = None
    elif action is Action.DELETE_REMOTE:
        remote = None
    elif action not in (Action.SAME, Action.GONE):
        return base, local, remote
    return (None if local is None else SyncBase(local, local)), local, remote


def test_a_second_run_does_nothing() -> None:
    idle = {Action.SAME, Action.GONE, Action.KEEP, Action.CONFLICT}
    for base, local, remote, wish in CASES:
        first = decide(base, local, remote, wish)
        after = carried_out(base, local, remote, first.action)
        second = decide(*after, wish)
        assert second.action in idle
        if first.action not in idle:
            assert second.action in (Action.SAME, Action.GONE)


def test_nothing_is_deleted_unasked() -> None:
    for base, local, remote, wish in CASES:
        if not wish.delete:
            action = decide(base, local, remote, wish).action
            assert action not in (Action.DELETE_LOCAL, Action.DELETE_REMOTE)


def test_each_direction_changes_its_side_alone() -> None:
    for base, local, remote, wish in CASES:
        action = decide(base, local, remote, wish).action
        assert wish.up or action not in TO_VERSION
        assert wish.down or action not in TO_FOLDER


def test_what_both_changed_is_touched_only_where_a_side_is_preferred() -> None:
    for base, local, remote, wish in CASES:
        mine = None if base is None else base.local
        if (
            local == mine
            or (remote and remote.content) == mine
            or (remote and remote.sha256 == local)
        ):
            continue
        if local is None and remote is None:
            continue
        verdict = decide(base, local, remote, wish)
        if wish.prefer is None:
            assert verdict.action is Action.CONFLICT
            assert verdict.why


def test_a_change_of_one_side_is_never_undone_unless_it_is_not_preferred() -> None:
    """What only the folder changed is not fetched over, and what only the version changed is not sent over."""
    for base, local, remote, wish in CASES:
        if base is None or local is None or remote is None:
            continue
        action = decide(base, local, remote, wish).action
        if local != base.local and remote.content == base.remote and wish.prefer is not Side.REMOTE:
            assert action is not Action.DOWNLOAD
        if remote.content != base.remote and local == base.local and wish.prefer is not Side.LOCAL:
            assert action is not Action.REPLACE


def test_both_sides_are_treated_alike() -> None:
    for base, local, remote, wish in CASES:
        mine = decide(base, local, remote, wish)
        theirs = decide(
            base,
            None if remote is None else remote.content,
            None if local is None else RemoteFile(local, local),
            mirror(wish),
        )
        expected = MIRRORED.get(mine.action, mine.action)
        assert theirs.action in {expected, *([Action.REPLACE] if expected is Action.UPLOAD else [])}


def test_what_is_done_nowhere_says_why() -> None:
    for base, local, remote, wish in CASES:
        verdict = decide(base, local, remote, wish)
        assert bool(verdict.why) == (verdict.action in (Action.KEEP, Action.CONFLICT))


@given(st.sampled_from(WISHES), st.sampled_from(BASES), st.sampled_from(["", *CONTENTS]))
def test_a_version_without_digests(wish: SyncOptions, base: SyncBase | None, local: str) -> None:
    """Nothing is moved for what cannot be told apart; another size, or another data than before, is a change."""
    known = None if base is None else SyncBase(base.local, "data 1")
    same = decide(known, local, RemoteFile("data 1"), wish)
    if base is None:
        assert same.action is (Action.SAME if local else same.action)
    elif local == base.local:
        assert same.action is Action.SAME
    else:
        assert same.action is not Action.SAME
    if base is not None and local == base.local:
        other = decide(known, local, RemoteFile("data 2"), wish)
        assert other.action in (Action.DOWNLOAD, Action.KEEP, Action.REPLACE)


def test_words_that_mean_nothing() -> None:
    assert SyncOptions.parse("up", delete=True, prefer="local", undo=True) == SyncOptions(
        direction=Direction.UP, delete=True, prefer=Side.LOCAL
    )
    with pytest.raises(ConfigurationError, match="no direction 'left'"):
        SyncOptions.parse("left", delete=False, prefer=None, undo=True)
    with pytest.raises(ConfigurationError, match="no side 'mine'"):
        SyncOptions.parse("up", delete=False, prefer="mine", undo=True)
