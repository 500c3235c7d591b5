"""Load COCO with orjson, as dicts and lists."""

from pathlib import Path

import orjson

from bench.contenders.job import run


def work(file: str) -> dict[str, int]:
    """Load the whole file."""
    content = orjson.loads(Path(file).read_bytes())
    return {"images": len(content["images"]), "annotations": len(content["annotations"])}


run(work)
