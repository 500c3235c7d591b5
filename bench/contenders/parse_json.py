"""Load COCO with the standard library, as dicts and lists."""

import json
from pathlib import Path

from bench.contenders.job import run


def work(file: str) -> dict[str, int]:
    """Load the whole file."""
    content = json.loads(Path(file).read_bytes())
    return {"images": len(content["images"]), "annotations": len(content["annotations"])}


run(work)
