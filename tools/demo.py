"""Run the main job, `examples/main_job.py`, in a new lake, with generated images or your own.

`tools/demo` starts it. At the end it prints the commands to try next.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import headrace
from examples.main_job import main_job
from examples.make_sample import draw_dataset

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"}


def main() -> int:
    """Run the demo and return the exit status."""
    options = _options()
    if options.cluster:
        # Needs the packages of the group "servers".
        from tools.demo_cluster import run_cluster

        return run_cluster()
    try:
        asyncio.run(_demo(options))
    except headrace.HeadraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="tools/demo", description=__doc__)
    parser.add_argument("--images", type=Path, help="a folder of your own images")
    parser.add_argument("--annotations", type=Path, help="their annotations: COCO, YOLO or VOC")
    parser.add_argument("--lake", type=Path, help="a lake to use; created if missing")
    parser.add_argument(
        "--cluster",
        action="store_true",
        help="run two servers over PostgreSQL and S3, which it starts, and go back to a lake",
    )
    options = parser.parse_args()
    if options.cluster and (options.images or options.annotations or options.lake):
        parser.error("--cluster takes no other option")
    if (options.images is None) != (options.annotations is None):
        parser.error("--images and --annotations go together")
    if options.images is not None and not options.images.is_dir():
        parser.error(f"{options.images} is not a folder")
    return options


async def _demo(options: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="headrace-demo-"))
    images, annotations = options.images, options.annotations
    if images is None:
        images, annotations = draw_dataset(folder / "sample")
        print(f"drew        {len(_files(images))} images in {images}")
    lake = options.lake or folder / "lake"
    if not (lake / "headrace.db").exists():
        await headrace.create_lake(lake)
    (folder / "out").mkdir()
    name = await _free_name(lake)
    await main_job(str(lake), _files(images), annotations, folder / "out", name)
    _print_tree(folder / "out")
    print(f"lake        {lake}")
    _print_next(lake, name, folder)


def _print_next(lake: Path, name: str, folder: Path) -> None:
    """Print what to type next, and how to remove what the demo left."""
    command = shlex.quote(str(Path(sys.executable).with_name("headrace")))
    where = shlex.quote(str(lake))
    print("\nnext:")
    print(f"  {command} ls {where}")
    print(f"  {command} stats {where} {name}")
    print(f"  {command} serve {where}")
    print(f"everything is in {folder}; delete that folder when you are done")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


async def _free_name(lake: Path) -> str:
    """Return a dataset/version that is free: the lake may have seen the demo before."""
    async with headrace.connect(str(lake)) as client:
        taken = {dataset.name async for dataset in client.list_datasets()}
    numbered = (f"demo-{number}" for number in range(2, len(taken) + 3))
    return next(f"{name}/v1" for name in ("demo", *numbered) if name not in taken)


def _print_tree(folder: Path) -> None:
    """Print each exported file, and how many files each folder holds."""
    for entry in sorted(folder.iterdir()):
        if entry.is_file():
            print(f"file        {entry} ({entry.stat().st_size:,} bytes)")
        else:
            # The journal of a download is in a hidden folder next to the files.
            found = [path.relative_to(entry) for path in entry.rglob("*") if path.is_file()]
            files = sum(not path.parts[0].startswith(".") for path in found)
            print(f"folder      {entry} ({files:,} files)")


if __name__ == "__main__":
    sys.exit(main())
