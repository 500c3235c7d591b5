"""The images of a dataset that headrace writes: where they belong, and the list of their sizes.

``image-sizes.jsonl`` lies beside ``data.yaml``, with a line ``["images/train/a.jpg",640,480]`` for each image in the order
of writing: its path below the root, its width and height in pixels, null where they are not known. Ultralytics ignores
the file. With it a dataset can be read without its images, and an image without a label file is known to be there.
"""

from __future__ import annotations

from msgspec.json import Encoder

from headrace.formats.io.file_tree import FileTree
from headrace.formats.io.split_names import ALIASES
from headrace.formats.yolo.layout.sizes_file import SIZES

_LINES = Encoder()


class ImageList:
    """Writes ``image-sizes.jsonl``."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self._lines: list[tuple[str, int | None, int | None]] = []

    def add(self, path: str, width: int | None, height: int | None) -> None:
        """Add an image by its path below the root; width and height are pixels, 0 or None if unknown."""
        self._lines.append((path, width or None, height or None))

    def flush(self) -> None:
        """Write the lines added since the last time."""
        if self._lines:
            self._tree.append(SIZES, _LINES.encode_lines(self._lines))
            self._lines = []


def folder_in_split(folder: str, split_folder: str) -> str:
    """Return the folder of an image below that of its split, both ending in ``/`` or empty.

    Ultralytics looks for a label where the **last** folder ``images`` of the path of its image is ``labels``. So a name
    such as ``images/train/a.jpg``, as an asset of a YOLO dataset has it, becomes ``a.jpg`` in the split ``train``.
    """
    parts = folder.split("/")[:-1]
    kept = [part for part in parts if part != "images"]
    split = split_folder[:-1]
    if kept and (
        kept[0] == split or (len(kept) < len(parts) and ALIASES.get(kept[0], kept[0]) == split)
    ):
        del kept[0]
    return "".join([f"{part}/" for part in kept])
