"""A reader of samples that a test holds, as the source of an import."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import to_builtins
from msgspec.msgpack import decode, encode

from headrace.engine.imports.source import ImportSource
from headrace.formats import ReadOptions
from headrace.formats.base import Reader
from headrace.formats.coco import INFO
from headrace.formats.findings.collect import Findings, Pass
from headrace.model.sample import LabelInfo, Sample


def source_of(samples: Sequence[Sample], folder: Path) -> ImportSource:
    """The source of an import that reads these samples; ``folder`` is any that exists."""
    return ImportSource(
        path=folder,
        format="samples",
        open=lambda options, findings: _SampleReader(samples, folder, options, findings),
        digest=lambda cut: str(hash(encode(to_builtins(samples)))),
    )


class _SampleReader(Reader):
    info = INFO

    def __init__(
        self, samples: Sequence[Sample], path: Path, options: ReadOptions, findings: Findings
    ) -> None:
        super().__init__(path, options=options, findings=findings)
        # A reader makes new samples in each pass, because an import changes them.
        self._packed = encode(samples)

    def _labels(self, found: Pass) -> list[LabelInfo]:
        return []

    def _filenames(self) -> Iterator[list[str]]:
        yield [sample.filename for sample in decode(self._packed, type=list[Sample])]

    def _batches(self, found: Pass) -> Iterator[list[Sample]]:
        samples = decode(self._packed, type=list[Sample])
        found.images_in += len(samples)
        found.shapes_in += sum(len(sample.shapes) for sample in samples)
        yield samples
