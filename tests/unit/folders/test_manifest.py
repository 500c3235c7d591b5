"""The manifest of a folder knows the files that headrace wrote, as long as nobody changed them."""

from __future__ import annotations

import os
from pathlib import Path

from headrace.folders.manifest import Entry, Manifest, entries, join_manifests, save_manifest


def paths(found: list[Entry]) -> set[bytes]:
    return {entry.path for entry in found}


def test_files_folders_and_links_are_known_and_changes_are_not(tmp_path: Path) -> None:
    root, file = tmp_path / "out", tmp_path / "manifest"
    odd = b"labels/a\nb \xff.txt"
    (root / "labels").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a b.txt").write_text("one")
    Path(os.fsdecode(os.path.join(os.fsencode(root), odd))).write_text("two")
    (root / "link").symlink_to("/somewhere/else")
    save_manifest(file, root)
    everything = list(entries(root))
    assert paths(everything) == {b"a b.txt", b"labels/", odd, b"empty/", b"link"}
    with Manifest(file) as own:
        assert all(entry in own for entry in everything)
    state = (root / "a b.txt").stat()
    (root / "a b.txt").write_text("six")
    os.utime(root / "a b.txt", ns=(0, state.st_mtime_ns + 1))
    (root / "new").write_text("")
    (root / "link").unlink()
    (root / "link").symlink_to("/elsewhere")
    with Manifest(file) as own:
        foreign = [entry for entry in entries(root) if entry not in own]
    assert paths(foreign) == {b"a b.txt", b"new", b"link"}


def test_a_file_made_again_is_foreign_whatever_its_inode(tmp_path: Path) -> None:
    root, file = tmp_path / "out", tmp_path / "manifest"
    root.mkdir()
    (root / "a").write_text("ours")
    save_manifest(file, root)
    (root / "a").unlink()
    (root / "a").write_text("mine")
    os.utime(root / "a", ns=(1, 1))
    with Manifest(file) as own:
        assert [entry in own for entry in entries(root)] == [False]


def test_a_manifest_may_hold_two_writings(tmp_path: Path) -> None:
    root, file = tmp_path / "out", tmp_path / "manifest"
    root.mkdir()
    (root / "a").write_text("first")
    first = list(entries(root))
    save_manifest(file, root)
    (root / "a").write_text("the second")
    save_manifest(tmp_path / "second", root)
    join_manifests(file, tmp_path / "second")
    with Manifest(file) as own:
        assert all(entry in own for entry in first + list(entries(root)))
    save_manifest(file, root)
    with Manifest(file) as own:
        assert [entry in own for entry in first] == [False]
    assert set(os.listdir(tmp_path)) == {"out", "manifest", "second"}


def test_without_a_manifest_nothing_is_known(tmp_path: Path) -> None:
    for file in (None, tmp_path / "missing"):
        with Manifest(file) as own:
            assert not own.exists
            assert Entry(b"a", 0, 0) not in own


def test_a_manifest_longer_than_a_block_is_read_whole(tmp_path: Path) -> None:
    root, file = tmp_path / "out", tmp_path / "manifest"
    root.mkdir()
    for number in range(5000):
        (root / f"{number}-{'n' * 220}").touch()
    save_manifest(file, root)
    assert file.stat().st_size > 1 << 20
    with Manifest(file) as own:
        assert all(entry in own for entry in entries(root))
