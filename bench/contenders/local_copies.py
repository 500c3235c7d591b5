"""Copy files one by one: the limit for moving files between two folders of one disk."""

import os
import shutil

from bench.contenders.job import run


def work(source: str, target: str) -> dict[str, int]:
    """Copy the files below a folder into one folder."""
    os.makedirs(target)
    count = 0
    for parent, _, names in os.walk(source):
        for name in names:
            shutil.copyfile(os.path.join(parent, name), os.path.join(target, name))
            count += 1
    return {"files": count}


run(work)
