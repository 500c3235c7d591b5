"""The main job: images and annotations in, statistics, other formats and the images out.

    python examples/main_job.py lake sample/images sample/annotations.json out

The target is a lake's folder, or the address of a headrace server with its token in ``HEADRACE_TOKEN``. A second run
continues the first: nothing is uploaded or downloaded twice, and exports that exist already are kept.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import headrace


async def main_job(
    target: str, images: Sequence[Path], annotations: Path, out: Path, name: str = "demo/v1"
) -> None:
    """Push images and annotations into a version, then export and download it.

    Args:
        target: A lake's folder or a server's address.
        images: Image files, or folders of them.
        annotations: An annotation file or folder; its format is detected.
        out: An existing folder for the exports and the downloaded images.
        name: The version, as dataset/version; created where it is missing.
    """
    async with headrace.connect(target) as client:
        pushed = await client.push(name, images)
        print(f"pushed      {pushed.files} images to {target}: {pushed.assets} new in {name}")

        version = await client.version(name)
        await version.import_annotations(annotations)
        stats = await version.retrieve_stats()
        print(f"imported    {stats.nb_annotations} annotations, {stats.nb_objects} shapes")
        for label, shapes in sorted(stats.label_repartition.items()):
            print(f"  {label:<12} {shapes}")

        for kind, file_name in {"coco": "coco.json", "yolo": "yolo", "voc": "voc"}.items():
            if (out / file_name).exists():
                print(f"kept        {out / file_name}, which exists already")
                continue
            exported = await version.export(out / file_name, kind)
            print(f"exported    {exported.shapes} shapes as {kind} to {exported.target}")

        files = await version.download(out / "images")
        print(f"downloaded  {files.moved} files, {files.bytes} bytes to {out / 'images'}")


def main() -> None:
    """Run the job that the command line names."""
    if len(sys.argv) != 5:
        sys.exit("usage: python examples/main_job.py TARGET IMAGES ANNOTATIONS OUT")
    target, images, annotations, out = sys.argv[1:]
    Path(out).mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(main_job(target, [Path(images)], Path(annotations), Path(out)))
    except headrace.HeadraceError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
