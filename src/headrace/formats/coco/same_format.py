"""COCO to COCO without bringing the annotations of any image together: they stay in the order of their file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import cast

from headrace.formats.base import ConversionStep, Reader, Writer
from headrace.formats.coco.reader import COLLECT_EVERY, CocoReader
from headrace.formats.coco.schema import Id
from headrace.formats.coco.unordered import Loose, PlainRecords
from headrace.formats.coco.writer import CocoWriter
from headrace.formats.findings.collect import Pass
from headrace.formats.io.gc_pause import collect_young_garbage, gc_paused


def pass_through(reader: Reader, writer: Writer) -> Generator[ConversionStep, None, None] | None:
    """See :meth:`~headrace.formats.registry.Format.pass_through`; None where the source's images have unusual ids."""
    assert isinstance(reader, CocoReader)
    assert isinstance(writer, CocoWriter)
    found = reader.findings.begin("read")
    loose = reader.loose(found)
    return None if loose is None else _carried(reader, loose, writer, found)


def _carried(
    reader: CocoReader, loose: Loose, writer: CocoWriter, found: Pass
) -> Generator[ConversionStep, None, None]:
    with gc_paused():
        for samples in loose.images():
            found.images_out += len(samples)
            writer.write(samples)
            yield ConversionStep(0, {})
        writer.end_images()
        yield from _annotations(reader, loose, writer, found)


def _annotations(
    reader: CocoReader, loose: Loose, writer: CocoWriter, found: Pass
) -> Generator[ConversionStep, None, None]:
    names, path = loose.names, str(reader.path)
    numbers = {category: writer.category(name) for category, name in names.items()}
    anew = any(category != number for category, number in numbers.items())
    told = 0
    for step, part in enumerate(loose.annotations()):
        if isinstance(part, PlainRecords):
            records = part.records
            categories = cast("list[Id]", [record.category_id for record in records])
            if anew:
                for record, category in zip(records, categories, strict=True):
                    record.category_id = numbers[category]
            writer.write_records(records, path)
            labels = Counter([names[category] for category in categories])
        else:
            writer.write_loose(part, path)
            labels = Counter([shape.label for _, shape in part])
        found.shapes_out += sum(labels.values())
        done = int(found.images_out * loose.progress())
        yield ConversionStep(done - told, labels)
        told = done
        if step % COLLECT_EVERY == 0:
            collect_young_garbage()
    yield ConversionStep(found.images_out - told, {})
