"""COCO by the standard library: everything becomes dicts and lists."""

import json
from pathlib import Path

from bench.contenders.job import run


def work(file: str) -> dict[str, int]:
    """Load the file whole."""
    content = json.loads(Path(file).read_bytes())
    return {"images": len(content["images"]), "annotations": len(content["annotations"])}


run(work)
