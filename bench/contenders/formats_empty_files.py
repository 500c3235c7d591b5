"""A limit: as many files as the conversion writes, under the same names, with nothing in them."""

import os
from typing import Any

from bench.contenders.job import run
from bench.dataset import Spec, iter_images


def work(folder: str, suffix: str, spec: dict[str, Any]) -> dict[str, int]:
    """Create them one after the other."""
    os.makedirs(folder)
    for image in iter_images(Spec(**spec)):
        name = f"{folder}/{image.file_name[:-4]}{suffix}"
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    return {"images": spec["images"]}


run(work)
