"""A limit: msgspec decodes the generated file, whose layout is known, window by window.

The annotations are decoded and discarded; nothing is grouped, checked or kept.
"""

import gc
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from bench.contenders.job import run
from bench.contenders.records import Annotation, Image

WINDOW = 256 * 1024


def array(stream: BinaryIO, left: bytes, ends: bytes, kind: Any) -> tuple[int, bytes]:
    """Count the items of the array that starts with `left`; return the count and the text after the array."""
    decoder = msgspec.json.Decoder(list[kind])
    count = 0
    while (end := left.find(ends)) < 0:
        cut = left.rfind(b"},\n{") + 1
        if cut:
            count += len(decoder.decode(b"[" + left[:cut] + b"]"))
            left = left[cut + 1 :]
        left += stream.read(WINDOW)
    return count + len(decoder.decode(b"[" + left[:end] + b"]")), left[end + len(ends) :]


def work(operation: str, source: str, target: str) -> dict[str, int]:
    """Decode the whole file once."""
    del operation, target
    gc.disable()
    with Path(source).open("rb", buffering=0) as stream:
        left = stream.read(WINDOW).partition(b'"images":[')[2]
        images, left = array(stream, left, b'],"annotations":[', Image)
        annotations, _ = array(stream, left, b'],"categories":[', Annotation)
    return {"images": images, "shapes": annotations}


run(work)
