"""A tree whose files are created later is the tree that creates them itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from headrace.formats.io.file_tree import FileTree
from headrace.newfile import create_file

PARTS = st.sampled_from(["a", "A", "b", "a-2", "a.txt", "ä", "a\u0308", "ß", "ss", "1", "1-2"])
# Folders, and a stem.
PLACES = st.tuples(st.lists(PARTS, max_size=2), PARTS)


class Late:
    """Creates files when somebody waits for them, and takes only so many."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._waiting: list[tuple[str, bytes]] = []

    def start(self, root: Path, lock: int) -> None:
        self._root = root

    def put(self, folder: str, name: str, content: bytes) -> bool:
        self._left -= 1
        if self._left < 0:
            return False
        self._waiting.append((f"{self._root}/{folder}{name}", content))
        return True

    def flush(self) -> None:
        for path, content in self._waiting:
            create_file(path, content)
        self._waiting = []

    def end(self) -> None:
        self.flush()

    def abandon(self) -> None:
        self._waiting = []


def grown(root: Path, places: list[tuple[list[str], str]], late: Late | None) -> list[str]:
    """The names that the files were given, up to the first that a file system cannot have, and that error."""
    told = []
    if late is not None:
        late.start(root, 0)
    tree = FileTree(root, late)
    try:
        for number, (folders, stem) in enumerate(places):
            folder = "".join(f"{each}/" for each in folders)
            told.append(tree.create(folder, stem, ".txt", b"%d" % number))
        if late is not None:
            late.end()
    except OSError as error:
        told.append(str(error).replace(str(root), ""))
        if late is not None:
            late.end()
    return told


@given(st.lists(PLACES, max_size=30), st.integers(0, 40))
def test_the_same_tree_later(places: list[tuple[list[str], str]], most: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        seen = []
        for name, late in (("now", None), ("later", Late(most))):
            root = Path(folder) / name
            root.mkdir()
            told = grown(root, places, late)
            files = [each for each in root.rglob("*") if each.is_file()]
            seen.append((told, {str(each.relative_to(root)): each.read_bytes() for each in files}))
        assert seen[0] == seen[1]
