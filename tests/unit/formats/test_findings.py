"""Findings: what raises under which policy, bounded memory, and the conservation of records."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import ConfigurationError, ConservationError, LossyWriteError, ParseError
from headrace.formats.findings.collect import Findings, Occurrence, OnError, Place, Severity
from headrace.formats.findings.passes import MAX_EXAMPLES, MAX_KINDS


@pytest.mark.parametrize(
    ("on_error", "strict", "raises"),
    [
        ("raise", False, {Severity.ERROR}),
        ("raise", True, {Severity.LOSS, Severity.WARNING, Severity.ERROR}),
        ("skip", False, set()),
        ("collect", False, set()),
        ("collect", True, set()),
    ],
)
@pytest.mark.parametrize("severity", list(Severity))
def test_what_raises_at_once(
    on_error: OnError, strict: bool, raises: set[Severity], severity: Severity
) -> None:
    found = Findings(on_error, strict=strict).begin("read")
    if severity not in raises:
        found.add("C09", "bad", severity=severity)
        assert [kind.count for kind in found.kinds] == [1]
        return
    with pytest.raises(
        LossyWriteError if severity == Severity.LOSS else ParseError, match="C09  bad"
    ) as caught:
        found.add("C09", "bad", severity=severity, path="a.json", line=3)
    if isinstance(caught.value, ParseError):
        assert (caught.value.finding, caught.value.line) == ("C09", 3)
        assert str(caught.value).startswith("a.json:3: ")


def test_collected_errors_fail_at_the_end_and_are_all_named() -> None:
    findings = Findings("collect")
    found = findings.begin("read")
    found.shapes_in = 3
    for line in (1, 2):
        found.add("C12", "damaged", severity=Severity.ERROR, path="a.json", line=line, dropped=1)
    found.add("C18", "orphan", dropped=1)
    with pytest.raises(ParseError) as caught:
        findings.check()
    assert "2 records do not conform to the format" in str(caught.value)
    assert "a.json:1, a.json:2" in str(caught.value)
    assert "orphan" not in str(caught.value)


def test_strict_collect_fails_at_the_end_for_warnings_too() -> None:
    findings = Findings("collect", strict=True)
    findings.begin("read").add("C18", "orphan")
    with pytest.raises(ParseError, match="1 record does not"):
        findings.check()


def test_policies_that_make_no_sense() -> None:
    with pytest.raises(ConfigurationError, match="contradict"):
        Findings("skip", strict=True)
    with pytest.raises(ConfigurationError, match="unknown error policy 'ignore'"):
        Findings("ignore")  # type: ignore[arg-type]


def test_memory_stays_bounded() -> None:
    findings = Findings("skip")
    found = findings.begin("read")
    for number in range(MAX_KINDS * 3):
        found.add("C09", f"text {number}", detail="x" * 10_000, dropped=1)
    for _ in range(100):
        found.add("C09", "text 0")
    assert len(findings) == MAX_KINDS + 1
    assert max(len(kind.examples) for kind in findings) == MAX_EXAMPLES
    assert max(len(str(place)) for kind in findings for place in kind.examples) <= 200
    assert sum(kind.count for kind in findings) == MAX_KINDS * 3 + 100
    assert found.shapes_dropped == MAX_KINDS * 3


def test_every_single_finding_is_told_to_whoever_asks() -> None:
    told: list[tuple[str, str | None]] = []
    findings = Findings(on_finding=lambda one: told.append((one.code, one.place.detail)))
    found = findings.begin("read")
    for number in range(10):
        found.add("C09", "bad", detail=str(number))
    assert told == [("C09", str(number)) for number in range(10)]


def test_what_ends_a_job_is_told_too() -> None:
    told: list[Occurrence] = []
    findings = Findings(strict=True, on_finding=told.append)
    found = findings.begin("read")
    with pytest.raises(ParseError) as caught:
        found.add("C09", "bad", path="a.json", offset=7, dropped=2)
    assert findings.ended_by is caught.value
    assert told == [
        Occurrence("C09", Severity.WARNING, "bad", Place("a.json", None, 7), dropped_shapes=2)
    ]
    assert len(findings) == 0


def test_a_pass_begun_again_is_heard_once() -> None:
    told: list[Occurrence] = []
    findings = Findings("skip", on_finding=told.append)
    for walked in (2, 5, 3, 5):
        found = findings.begin("read")
        for number in range(walked):
            found.add("C09", "bad", detail=str(number))
    assert [one.place.detail for one in told] == list("01234")
    assert [kind.count for kind in findings] == [5]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9), st.integers(0, 3)), max_size=50))
def test_what_is_heard_adds_up_however_many_kinds_there_are(
    found: list[tuple[int, int, int]],
) -> None:
    told: list[Occurrence] = []
    findings = Findings("skip", on_finding=told.append)
    once = findings.begin("read")
    for number in range(MAX_KINDS - 2):
        once.add("C08", f"filler {number}")
    told.clear()
    for kind, count, dropped in found:
        once.add("C09", f"text {kind}", count=count, dropped=dropped, detail="here")
    heard = Counter[str]()
    for one in told:
        heard[one.message] += one.count
        assert one.place.detail in ("here", *(f"text {kind}: here" for kind in range(6)))
    assert heard == {kind.message: kind.count for kind in findings if kind.code == "C09"}
    assert sum(one.dropped_shapes for one in told) == once.shapes_dropped


def test_a_pass_begun_again_forgets() -> None:
    findings = Findings()
    findings.begin("read").add("C09", "bad", dropped=1)
    again = findings.begin("read")
    assert (len(findings), again.shapes_dropped, findings.get("read")) == (0, 0, again)


def test_the_gravest_come_first() -> None:
    findings = Findings("skip")
    found = findings.begin("read")
    found.add("N", "note", severity=Severity.NOTE, count=9)
    found.add("W", "few")
    found.add("V", "many", count=5)
    found.add("E", "error", severity=Severity.ERROR)
    assert [kind.code for kind in findings] == ["E", "V", "W", "N"]


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({"images_in": 2, "images_out": 1}, "2 images in, but 1 out and 0 dropped"),
        (
            {"shapes_in": 5, "shapes_out": 4},
            "5 shapes in and 0 added, but 4 out, 0 dropped and 0 merged",
        ),
        ({"shapes_in": 5, "added": 1, "shapes_out": 5}, "5 shapes in and 1 added"),
    ],
)
def test_records_that_vanish_are_an_error(counts: dict[str, int], text: str) -> None:
    findings = Findings()
    found = findings.begin("read")
    for name, value in counts.items():
        setattr(found, name, value)
    with pytest.raises(ConservationError, match=text):
        findings.check()


def test_records_that_are_accounted_for_are_not() -> None:
    findings = Findings("skip")
    found = findings.begin("read")
    found.images_in, found.images_out = 3, 2
    found.shapes_in, found.shapes_out, found.merged, found.added = 9, 5, 3, 1
    found.add("C18", "twice", dropped=2, dropped_images=1)
    findings.check()


def test_what_is_read_must_reach_the_writer() -> None:
    findings = Findings()
    read, written = findings.begin("read"), findings.begin("write")
    read.images_in = read.images_out = 3
    written.images_in = written.images_out = 2
    with pytest.raises(
        ConservationError, match="read 3 images with 0 shapes, but 2 with 0 reached the writer"
    ):
        findings.check()


def test_places_are_told_as_people_say_them() -> None:
    assert str(Place("a.json", None, 12, "ring 3")) == "a.json at byte 12 ring 3"
    assert str(Place("a.xml", 4)) == "a.xml:4"
    assert str(Place()) == ""


FOUND = st.tuples(
    st.sampled_from(["V12", "Y18"]),
    st.sampled_from(["odd", "odder"]),
    st.sampled_from([Severity.NOTE, Severity.WARNING]),
    st.fixed_dictionaries(
        {"path": st.sampled_from("abc")},
        optional={"count": st.integers(1, 3), "dropped": st.integers(0, 2)},
    ),
)


@pytest.mark.parametrize("heard", [False, True])
@given(chunks=st.lists(st.lists(FOUND, max_size=12), max_size=6))
def test_what_is_noted_in_other_places_is_found_as_if_here(
    heard: bool, chunks: list[list[tuple[str, str, Severity, dict[str, Any]]]]
) -> None:
    outcomes = []
    for workers in (0, 1, 2):
        told: list[Occurrence] = []
        findings = Findings("skip", on_finding=told.append if heard else None)
        found = findings.begin("read")
        notes = [findings.deferred("read", every=heard) for _ in range(workers)]
        for number, chunk in enumerate(chunks):
            there = notes[number % workers] if workers else found
            for code, message, severity, more in chunk:
                there.add(code, message, severity=severity, **more)
            if workers:
                found.merge(notes[number % workers].take())
        outcomes.append((list(findings), told))
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert bool(outcomes[0][1]) == (heard and any(map(bool, chunks)))


def test_notes_of_a_kind_are_few_however_often_they_come() -> None:
    notes = Findings("skip").deferred("read", every=False)
    for _ in range(1000):
        notes.add("V12", "odd", severity=Severity.NOTE, path="a.xml")
    assert len(notes.take().findings) == MAX_EXAMPLES
