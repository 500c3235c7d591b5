"""What a copy writes and deletes at one asset, for everything that may have happened on both sides since the last run."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from headrace.engine.copy.fit import Fitted
from headrace.engine.copy.reconcile import PENDING, Changes, Found, reconcile
from headrace.protocol.operations.annotations import LoadedAnnotation

OLD, NEW, OTHER = b"o" * 16, b"n" * 16, b"x" * 16


def source(*keys: bytes) -> list[Fitted]:
    """Annotations of the source with these keys, called 0, 1 and so on, the oldest first."""
    return [
        Fitted(str(number), LoadedAnnotation(asset_id=""), key) for number, key in enumerate(keys)
    ]


def outcome(changes: Changes, ids: dict[UUID, str]) -> tuple[list[str], list[str], int, int]:
    """What is written, what is deleted, and how many are there and in conflict."""
    written = [each.source_id for each in changes.writes]
    return written, [ids[each] for each in changes.deletes], changes.there, changes.conflicts


@pytest.mark.parametrize(
    ("keys", "target", "known", "expected"),
    [
        pytest.param([NEW], [], {}, (["0"], [], 0, 0), id="new"),
        pytest.param([NEW], [NEW], {}, ([], [], 1, 0), id="there without a journal"),
        pytest.param([NEW, NEW], [NEW], {}, (["1"], [], 1, 0), id="one of two equal ones"),
        pytest.param([NEW], [OTHER], {}, (["0"], [], 0, 0), id="beside one of others"),
        pytest.param([OLD], [OLD], {"0": OLD}, ([], [], 1, 0), id="unchanged"),
        pytest.param([NEW], [OLD], {"0": OLD}, (["0"], ["o"], 0, 0), id="changed at the source"),
        pytest.param([NEW], [NEW], {"0": OLD}, ([], [], 1, 0), id="changed alike on both sides"),
        pytest.param([OLD], [OTHER], {"0": OLD}, ([], [], 0, 1), id="changed at the target"),
        pytest.param([OLD], [], {"0": OLD}, ([], [], 0, 1), id="deleted at the target"),
        pytest.param([NEW], [OTHER], {"0": OLD}, ([], [], 0, 1), id="changed on both sides"),
        pytest.param(
            [NEW],
            [OLD],
            {"0": PENDING + OLD},
            (["0"], ["o"], 0, 0),
            id="killed before the deletion",
        ),
        pytest.param(
            [NEW], [], {"0": PENDING + OLD}, (["0"], [], 0, 0), id="killed after the deletion"
        ),
        pytest.param([NEW], [NEW], {"0": PENDING + OLD}, ([], [], 1, 0), id="killed at the end"),
        pytest.param(
            [NEW, OTHER],
            [OTHER, OLD],
            {"0": OLD, "1": OTHER},
            (["0", "1"], ["o", "x"], 0, 0),
            id="newer ones are written again",
        ),
        pytest.param(
            [OLD, OTHER], [OLD], {"0": OLD}, (["1"], [], 1, 0), id="a newer one leaves older ones"
        ),
        pytest.param(
            [OLD, OLD], [OLD], {"1": OLD}, (["0"], [], 1, 0), id="known ones claim their own"
        ),
    ],
)
def test_what_is_done(
    keys: list[bytes],
    target: list[bytes],
    known: dict[str, bytes],
    expected: tuple[list[str], list[str], int, int],
) -> None:
    ids = {uuid4(): key.decode()[0] for key in target}
    found = Found(list(zip(target, ids, strict=True)))
    assert outcome(reconcile(source(*keys), found, known), ids) == expected


def test_what_the_source_has_no_longer_is_named() -> None:
    changes = reconcile(source(OLD), Found([(OLD, uuid4())]), {"0": OLD, "gone": NEW})
    assert (changes.gone, changes.there, changes.beside) == (["gone"], 1, True)


def test_the_oldest_of_equal_annotations_is_replaced() -> None:
    newest, oldest = uuid4(), uuid4()
    changes = reconcile(source(NEW), Found([(OLD, newest), (OLD, oldest)]), {"0": OLD})
    assert changes.deletes == [oldest]
    assert changes.beside
