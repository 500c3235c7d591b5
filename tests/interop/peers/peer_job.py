"""What every peer's script does around its job: told by arguments, answers in a line of JSON.

with_x.py read FORMAT FOLDER           the boxes that the peer finds, by the stems of the images
with_x.py write FORMAT FOLDER TARGET   what the folder's COCO file says, written by the peer
with_x.py check FORMAT FOLDER          what the peer's own check of the data set counts
"""

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

Boxes = dict[str, list[list]]


def run(
    read: Callable[[str, Path], Boxes],
    write: Callable[[str, Path, Path], None] | None = None,
    check: Callable[[str, Path], dict] | None = None,
):
    """Do what the arguments say."""
    action, kind, folder, *target = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):
        if action == "read":
            answer = read(kind, Path(folder))
        elif action == "check":
            answer = check(kind, Path(folder))
        else:
            answer = write(kind, Path(folder), Path(target[0]))
    print(json.dumps(answer))


def gather(found) -> Boxes:
    """Boxes by stem, of triples of a file name and a label and x, y, w, h."""
    boxes: Boxes = {}
    for name, label, values in found:
        mine = boxes.setdefault(Path(name).stem, [])
        if label is not None:
            mine.append([label, *map(float, values)])
    return boxes
