"""Damaged files and damaged input of the wire end in typed errors or are read; the fuzzer that says so would notice if they did not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from headrace.errors import ConservationError
from headrace.formats.coco import images
from headrace.formats.findings.collect import Pass
from headrace.protocol.codec import decode_request, decode_response
from tools import fuzz


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_only_typed_errors_come_out(tmp_path: Path, target: str) -> None:
    # One attempt on the wire is a case for each operation.
    for number in range(250 if target in fuzz.FILES else 25):
        draw = random.Random(f"{target}-{number}")
        fuzz.attempt(target, tmp_path, lambda data, draw=draw: fuzz.mutate(draw, data))  # type: ignore[misc]


def test_the_seeds_of_the_wire_are_valid() -> None:
    for call in fuzz.fuzz_wire.calls():
        request = decode_request(call.operation, call.path, call.query, call.body)
        assert isinstance(request, call.operation.request)
        decode_response(call.operation, call.answer)


@pytest.mark.parametrize("target", fuzz.LAYERS)
def test_whole_files_are_read(tmp_path: Path, target: str) -> None:
    name, lay = fuzz.LAYERS[target]
    path = lay(tmp_path, lambda data: data)
    findings = fuzz.Findings("skip")
    options = fuzz.ReadOptions(predictions=target == "results")
    fuzz.read_all(name, path, findings, options)
    read = findings.get("read")
    assert read is not None
    assert read.shapes_out >= 1


def test_run_lengths_that_do_not_fill_their_mask_are_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fuzz.rle, "decode", lambda text, height, width: [1])
    with pytest.raises(ValueError, match="became"):
        fuzz.attempt_rle(lambda data: data)


def test_other_errors_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images.CocoSampleDecoder, "decode", lambda self, record: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fuzz.attempt("coco", tmp_path, lambda data: data)
    assert fuzz.run("coco", 0.2, 0, tmp_path / "kept") > 0
    assert list((tmp_path / "kept").iterdir())


def test_lost_counts_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(found: Pass) -> None:
        raise ConservationError("lost")

    monkeypatch.setattr(Pass, "check", lose)
    with pytest.raises(ConservationError):
        fuzz.attempt("coco", tmp_path, lambda data: data)
