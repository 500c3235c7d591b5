"""A limit: create the files that the conversion writes, with the same names but empty."""

import os
from typing import Any

from bench.contenders.job import run
from bench.dataset import Spec, iter_images


def work(folder: str, suffix: str, spec: dict[str, Any]) -> dict[str, int]:
    """Create the files one after another."""
    os.makedirs(folder)
    for image in iter_images(Spec(**spec)):
        name = f"{folder}/{image.file_name[:-4]}{suffix}"
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    return {"images": spec["images"]}


run(work)
