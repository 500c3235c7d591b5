"""The order of classes: what may be asked for, on every way in, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace import formats
from headrace.engine.convert.run import convert_blocking
from headrace.errors import ConfigurationError
from headrace.formats.class_order import CLASS, ClassNumbers
from headrace.formats.findings.collect import Findings, Severity
from tests.support.data.formats import lay_out

BAD: list[tuple[Any, str]] = [
    ("nmae", "unknown class order 'nmae' .did you mean 'name'"),
    ("Source", "did you mean 'source'"),
    ("cat,dog", "a list of class names"),
    ("", "unknown class order ''"),
    ([], "is an empty list"),
    ((), "is an empty list"),
    (["a", "b", "a"], "names 'a' twice, at 1 and 3"),
    (["a", 3], "name 2 in the class order is of type int, not a string"),
    (["a", " "], "name 2 in the class order is empty"),
    ([["a"]], "of type list, not a string"),
    (b"name", "cannot be of type bytes"),
    ({"b", "a"}, "cannot be of type set"),
    (None, "cannot be of type NoneType"),
    (7, "cannot be of type int"),
]


@pytest.mark.parametrize(("order", "words"), BAD)
def test_an_order_that_is_none_is_refused_on_every_way_in(
    tmp_path: Path, order: Any, words: str
) -> None:
    source = lay_out(
        tmp_path / "source", {"a.xml": "<annotation><filename>a.jpg</filename></annotation>"}
    )
    with pytest.raises(ConfigurationError, match=words):
        formats.WriteOptions(class_order=order)
    with pytest.raises(ConfigurationError, match=words):
        formats.write([], tmp_path / "out", "yolo", class_order=order)
    with pytest.raises(ConfigurationError, match=words):
        convert_blocking(source, tmp_path / "out", to="coco", class_order=order)
    assert {path.name for path in tmp_path.iterdir()} == {"source"}


def test_a_list_is_taken_as_it_is_now() -> None:
    names = ["b", "a"]
    options = formats.WriteOptions(class_order=names)
    names.append("b")
    assert options.class_order == ("b", "a")


def test_a_list_of_a_thousand_classes_tells_each_that_is_missing() -> None:
    told: list[Any] = []
    findings = Findings(strict=True, on_error="collect", on_finding=told.append)
    order = [f"class {n}" for n in range(1_000)]
    numbers = ClassNumbers(["class 998", "other"], order, first=0)
    found = findings.begin("write")
    numbers.note_missing(found)
    assert numbers.items() == [*zip(order, range(1_000), strict=True), ("other", 1_000)]
    (kind,) = found.kinds
    assert (kind.code, kind.severity, kind.count) == (CLASS, Severity.NOTE, 999)
    assert len(told) == 999
    findings.check()


def test_a_slip_of_the_pen_is_told_with_the_name_that_was_meant() -> None:
    findings = Findings()
    numbers = ClassNumbers(["person", "car"], ["perosn", "zebra", "car"], first=1)
    numbers.note_missing(findings.begin("write"))
    assert numbers.items() == [("perosn", 1), ("zebra", 2), ("car", 3), ("person", 4)]
    (kind,) = findings
    assert [place.detail for place in kind.examples] == [
        "'perosn', did you mean 'person'?",
        "'zebra'",
    ]
