"""Convert COCO to COCO without grouping annotations by image: they stay in the order of their file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import cast

from headrace.formats.base import ConversionStep, Reader, Writer
from headrace.formats.coco.reader import COLLECT_EVERY, CocoReader
from headrace.formats.coco.schema import Id
from headrace.formats.coco.unordered import PlainRecords, UnorderedAnnotations
from headrace.formats.coco.writer import CocoWriter
from headrace.formats.findings.collect import Pass
from headrace.garbage import collect_young, collector_paused


def pass_through(reader: Reader, writer: Writer) -> Generator[ConversionStep, None, None] | None:
    """Copy records; see :meth:`.Format.pass_through`.

    Returns None where the ids of images are not small numbers, or the target is a folder.
    """
    assert isinstance(reader, CocoReader)
    if not isinstance(writer, CocoWriter):
        return None
    found = reader.findings.begin("read")
    unordered = reader.unordered(found)
    return None if unordered is None else _steps(reader, unordered, writer, found)


def _steps(
    reader: CocoReader, unordered: UnorderedAnnotations, writer: CocoWriter, found: Pass
) -> Generator[ConversionStep, None, None]:
    with collector_paused():
        for samples in unordered.images():
            found.images_out += len(samples)
            writer.write(samples)
            yield ConversionStep(0, {})
        writer.end_images()
        yield from _annotations(reader, unordered, writer, found)


def _annotations(
    reader: CocoReader, unordered: UnorderedAnnotations, writer: CocoWriter, found: Pass
) -> Generator[ConversionStep, None, None]:
    names, path = unordered.names, str(reader.path)
    numbers = {category: writer.category(name) for category, name in names.items()}
    renumber = any(category != number for category, number in numbers.items())
    reported = 0
    for step, part in enumerate(unordered.annotations()):
        if isinstance(part, PlainRecords):
            records = part.records
            categories = cast("list[Id]", [record.category_id for record in records])
            if renumber:
                for record, category in zip(records, categories, strict=True):
                    record.category_id = numbers[category]
            writer.write_records(records, path)
            labels = Counter([names[category] for category in categories])
        else:
            writer.write_shapes(part, path)
            labels = Counter([shape.label for _, shape in part])
        found.shapes_out += sum(labels.values())
        done = int(found.images_out * unordered.progress())
        yield ConversionStep(done - reported, labels)
        reported = done
        if step % COLLECT_EVERY == 0:
            collect_young()
    yield ConversionStep(found.images_out - reported, {})
