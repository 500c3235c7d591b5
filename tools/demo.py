"""Show the main job: make a lake, draw pictures, carry them through; run by `tools/demo`.

The job itself is `tools/main_job.py`; here is what it needs around it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import headrace
from tools.drawing import draw_dataset
from tools.main_job import main_job

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"}


def main() -> int:
    """Run the demo; 0 when all of it worked."""
    options = _options()
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
    parser.add_argument("--images", type=Path, help="a folder of images of your own")
    parser.add_argument("--annotations", type=Path, help="their annotations: COCO, YOLO or VOC")
    parser.add_argument("--lake", type=Path, help="a lake to use, made where there is none")
    options = parser.parse_args()
    if (options.images is None) != (options.annotations is None):
        parser.error("--images and --annotations go together")
    if options.images is not None and not options.images.is_dir():
        parser.error(f"{options.images} is no folder")
    return options


async def _demo(options: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="headrace-demo-"))
    images, annotations = options.images, options.annotations
    if images is None:
        images, annotations = draw_dataset(folder / "drawn")
        print(f"drew        {len(_files(images))} images in {images}")
    lake = options.lake or folder / "lake"
    if not (lake / "headrace.db").exists():
        await headrace.create_lake(lake)
    (folder / "out").mkdir()
    name = await _free_name(lake)
    await main_job(str(lake), _files(images), annotations, folder / "out", name)
    _print_tree(folder / "out")
    print(f"lake        {lake}")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


async def _free_name(lake: Path) -> str:
    """A dataset's name that is not taken: a lake of a person's own may have seen the demo before."""
    async with headrace.connect(str(lake)) as client:
        taken = {dataset.name async for dataset in client.list_datasets()}
    numbered = (f"demo-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in ("demo", *numbered) if name not in taken)


def _print_tree(folder: Path) -> None:
    """The exported files: each one that lies alone, and how many where there are many."""
    for entry in sorted(folder.iterdir()):
        if entry.is_file():
            print(f"file        {entry} ({entry.stat().st_size:,} bytes)")
        else:
            # What a download remembers for its next run lies hidden beside the files.
            found = [path.relative_to(entry) for path in entry.rglob("*") if path.is_file()]
            files = sum(not path.parts[0].startswith(".") for path in found)
            print(f"folder      {entry} ({files:,} files)")


if __name__ == "__main__":
    sys.exit(main())
