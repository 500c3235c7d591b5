"""Annotation formats: read files into samples and write samples to files, without network or database.

::

    from headrace import formats

    with formats.read("instances.json") as source:
        formats.write(source, "labels", "yolo", labels=source.labels)
"""

from headrace.formats.api import Samples, read, write
from headrace.formats.base import Reader, Writer
from headrace.formats.chunked_reader import ChunkedReader
from headrace.formats.findings.collect import Finding, Findings, Occurrence, Pass, Place, Severity
from headrace.formats.findings.explained import FindingText
from headrace.formats.info import WHOLE, Capability, FormatInfo, Guess, Loss, losses
from headrace.formats.options import (
    ConvertKeywords,
    ReadKeywords,
    ReadOptions,
    WriteKeywords,
    WriteOptions,
)
from headrace.formats.registry import Format, all_formats, detect, get, names

__all__ = [
    "WHOLE",
    "Capability",
    "ChunkedReader",
    "ConvertKeywords",
    "Finding",
    "FindingText",
    "Findings",
    "Format",
    "FormatInfo",
    "Guess",
    "Loss",
    "Occurrence",
    "Pass",
    "Place",
    "ReadKeywords",
    "ReadOptions",
    "Reader",
    "Samples",
    "Severity",
    "WriteKeywords",
    "WriteOptions",
    "Writer",
    "all_formats",
    "detect",
    "get",
    "losses",
    "names",
    "read",
    "write",
]
