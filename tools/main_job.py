"""The main job: images and an annotation file in, statistics, other formats and the images out.

    python examples/main_job.py lake/ photos/ photos.json out/

The target may as well be the address of a headrace server, with the token in HEADRACE_TOKEN.
"""

import asyncio
import sys
from pathlib import Path

import headrace


async def main_job(
    target: str, images: list[Path], annotations: Path, out: Path, name: str = "demo"
) -> None:
    """Carry images and annotations through a lake or a server, and print what happens."""
    async with headrace.connect(target) as client:
        lake = await client.get_datalake()
        data = await lake.upload_data(images)
        print(f"uploaded    {len(data)} images to {target}")

        dataset = await client.create_dataset(name)
        version = await dataset.create_version("v1")
        await version.add_data(data)
        print(
            f"assets      {await version.list_assets().count()} in {version.name}/{version.version}"
        )

        await version.import_annotations(annotations)
        stats = await version.retrieve_stats()
        print(f"imported    {stats.nb_annotations} annotations, {stats.nb_objects} shapes")
        for label, shapes in sorted(stats.label_repartition.items()):
            print(f"  {label:<12} {shapes}")

        for kind, file_name in {"coco": "coco.json", "yolo": "yolo", "voc": "voc"}.items():
            exported = await version.export(out / file_name, kind)
            print(f"exported    {exported.shapes} shapes as {kind} to {exported.target}")

        files = await version.download(out / "images")
        print(f"downloaded  {files.moved} files, {files.bytes} bytes to {out / 'images'}")


if __name__ == "__main__":
    lake, folder, annotation_file, target_folder = sys.argv[1:]
    paths = sorted(path for path in Path(folder).iterdir() if path.is_file())
    Path(target_folder).mkdir(exist_ok=True)
    asyncio.run(main_job(lake, paths, Path(annotation_file), Path(target_folder)))
