"""Ids: every bit field at its edges, order, bulk round trip, and what is not an id of headrace."""

from __future__ import annotations

import random
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from headrace.model import ids
from headrace.model.ids import IdScope, InvalidIdError, Kind, decode, encode, scoped

EDGES_MS = (0, 1, 2**32, ids.MAX_CREATED_MS)
EDGES_BUCKET = (0, 1, ids.MAX_BUCKET)
EDGES_NUMBER = (0, 1, ids.MAX_SEQ, ids.MAX_SEQ + 1, ids.MAX_NUMBER)


def test_every_edge_of_every_field_comes_back() -> None:
    for kind in Kind:
        for created in EDGES_MS:
            for bucket in EDGES_BUCKET:
                for number in EDGES_NUMBER:
                    made = encode(kind, created, bucket, number)
                    assert decode(made) == (kind, created, bucket, number)
                    assert (made.version, made.variant) == (7, "specified in RFC 4122")
                    assert UUID(str(made)) == made


def test_one_step_beyond_an_edge_is_refused() -> None:
    for created, bucket, number in (
        (ids.MAX_CREATED_MS + 1, 0, 0),
        (-1, 0, 0),
        (0, ids.MAX_BUCKET + 1, 0),
        (0, -1, 0),
        (0, 0, ids.MAX_NUMBER + 1),
        (0, 0, -1),
    ):
        with pytest.raises(ValueError, match="does not fit"):
            encode(Kind.ASSET, created, bucket, number)
    for scope, seq in ((ids.MAX_SCOPE + 1, 0), (-1, 0), (0, ids.MAX_SEQ + 1), (0, -1)):
        with pytest.raises(ValueError, match="does not fit"):
            scoped(scope, seq)


def test_scope_and_seq_are_the_halves_of_the_number() -> None:
    for scope in (0, 1, ids.MAX_SCOPE):
        for seq in (0, 1, ids.MAX_SEQ):
            key = decode(encode(Kind.ANNOTATION, 5, 6, scoped(scope, seq)))
            assert (key.scope, key.seq) == (scope, seq)


def test_many_ids_come_back() -> None:
    scope = IdScope(Kind.ASSET, 1_700_000_000_123, 7, 12_345)
    count = 200_000
    made = list(map(scope.id, range(count)))
    assert list(map(scope.seq, made)) == list(range(count))
    sample = random.Random(3).sample(range(count), 20_000)
    for seq in sample:
        assert made[seq] == encode(Kind.ASSET, 1_700_000_000_123, 7, scoped(12_345, seq))
        assert scope.text(seq) == str(made[seq])
        assert scope.seq(scope.text(seq)) == seq


def test_ids_sort_by_scope_then_by_seq() -> None:
    earlier, later = (IdScope(Kind.ASSET, ms, 4095 - ms, 9 - ms) for ms in (1, 2))
    order = [scope.id(seq) for scope in (earlier, later) for seq in (0, 1, 255, 256, ids.MAX_SEQ)]
    assert all(a < b and str(a) < str(b) for a, b in pairwise(order))


def test_a_scope_knows_only_its_own_ids() -> None:
    scope = IdScope(Kind.ASSET, 1000, 3, 50)
    assert [scope.seq(scope.id(seq)) for seq in (0, ids.MAX_SEQ)] == [0, ids.MAX_SEQ]
    for stranger in (
        IdScope(Kind.ANNOTATION, 1000, 3, 50),
        IdScope(Kind.ASSET, 1001, 3, 50),
        IdScope(Kind.ASSET, 1000, 4, 50),
        IdScope(Kind.ASSET, 1000, 3, 51),
        IdScope(Kind.ASSET, 1000, 3, 49),
    ):
        assert scope.seq(stranger.id(0)) is None
        assert scope.seq(stranger.id(ids.MAX_SEQ)) is None
        assert scope.seq(stranger.text(7)) is None
    assert scope.seq("not an id") is None
    assert scope.seq("") is None


def test_ids_of_other_makers_are_refused() -> None:
    foreign = [uuid4(), UUID(int=0), UUID(int=(1 << 128) - 1)]
    shape = ids.encode_shape(1_700_000_000_000, 1, 2, 3, 4)
    for made in [*foreign, shape]:
        with pytest.raises(InvalidIdError):
            decode(made)
    unknown_kind = UUID(int=encode(Kind.ASSET, 1, 1, 1).int | 0b11111 << ids.NUMBER_BITS)
    with pytest.raises(InvalidIdError):
        decode(unknown_kind)
    for made in [*foreign, encode(Kind.ASSET, 1, 1, 1)]:
        with pytest.raises(InvalidIdError):
            ids.decode_shape(made)


def test_shape_ids_come_back_at_every_edge() -> None:
    for seconds in (0, 2**32 - 1):
        for bucket in EDGES_BUCKET:
            for version in (0, 1, 1023, 1024, ids.MAX_SCOPE):
                for annotation in (0, 1, ids.MAX_SEQ):
                    for ordinal in (0, 1, ids.MAX_ORDINAL):
                        made = ids.encode_shape(
                            seconds * 1000 + 999, bucket, version, annotation, ordinal
                        )
                        assert ids.decode_shape(made) == (
                            seconds,
                            bucket,
                            version,
                            annotation,
                            ordinal,
                        )
                        assert made.version == 8


def test_shape_ids_refuse_what_does_not_fit() -> None:
    for created, bucket, version, annotation, ordinal in (
        (2**32 * 1000, 0, 0, 0, 0),
        (0, ids.MAX_BUCKET + 1, 0, 0, 0),
        (0, 0, ids.MAX_SCOPE + 1, 0, 0),
        (0, 0, 0, ids.MAX_SEQ + 1, 0),
        (0, 0, 0, 0, ids.MAX_ORDINAL + 1),
    ):
        with pytest.raises(ValueError, match="does not fit"):
            ids.encode_shape(created, bucket, version, annotation, ordinal)


def test_ids_made_fast_are_whole_uuids() -> None:
    made = encode(Kind.DATA, 1, 2, 3)
    assert made == UUID(int=made.int)
    assert hash(made) == hash(UUID(str(made)))
    assert repr(made) == repr(UUID(str(made)))
