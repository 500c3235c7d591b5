"""Reads a layout without any option and compares everything with what its builder expects."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from headrace import formats
from headrace.formats.findings.collect import Findings
from headrace.model.sample import Sample
from tests.support.layouts import Build, Expected


def check_layout(build: Build, folder: Path, *, strict: bool = False) -> Findings:
    """Build a layout, detect its format, read it, and compare counts, splits and paths; returns the findings."""
    wanted = build(folder)
    source = folder / wanted.source if wanted.source else folder
    assert formats.detect(source).format == wanted.format
    with formats.read(source, strict=strict) as opened:
        samples = list(opened)
    check_samples(samples, wanted, folder)
    return opened.findings


def check_samples(samples: list[Sample], wanted: Expected, folder: Path) -> None:
    """Compare samples with what a layout holds."""
    shapes = [shape for sample in samples for shape in sample.shapes]
    found = Expected(
        images=len(samples),
        shapes=len(shapes),
        labels=dict(Counter(shape.label for shape in shapes)),
        splits=dict(Counter(sample.split for sample in samples if sample.split)),
        annotated=sum(sample.annotated for sample in samples),
        paths=sorted(sample.path or f"no path for {sample.filename}" for sample in samples),
        format=wanted.format,
        source=wanted.source,
    )
    assert found == Expected(**{**_fields(wanted), "paths": sorted(wanted.paths)})
    assert all((folder / path).is_file() for path in wanted.paths)
    names = [sample.filename for sample in samples]
    assert len(set(names)) == len(names)


def _fields(wanted: Expected) -> dict[str, object]:
    return {name: getattr(wanted, name) for name in wanted.__struct_fields__}
