"""YOLO data sets and DOTA, as the tools that people label and train with write them.

The builders below hold images. Those in :data:`WITHOUT_IMAGES` write what tools export without them: their rows can be
read where the sizes are known from elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.support.layouts import (
    LABELS,
    Build,
    Expected,
    SceneBox,
    SceneImage,
    draw,
    expected,
    of_splits,
)

_Text = Callable[[SceneImage], str]


def rows(image: SceneImage, digits: int = 6, end: str = "\n", last: bool = True) -> str:
    """The rows of boxes: class, centre and size as fractions with some digits; ``last`` ends the last line too."""
    lines = [
        " ".join([str(LABELS.index(box.label)), *_fractions(image, box, digits)])
        for box in image.boxes
    ]
    return end.join(lines) + (end if last and lines else "")


def _fractions(image: SceneImage, box: SceneBox, digits: int) -> list[str]:
    values = (
        (box.x + box.w / 2) / image.width,
        (box.y + box.h / 2) / image.height,
        box.w / image.width,
        box.h / image.height,
    )
    return [f"{value:.{digits}f}" for value in values]


def _corner_row(image: SceneImage, box: SceneBox) -> str:
    corners = [
        value / side for value, side in zip(box.ring, (image.width, image.height) * 4, strict=True)
    ]
    return " ".join([str(LABELS.index(box.label)), *(f"{value:.6f}" for value in corners)])


def write(path: Path, text: str) -> None:
    """Write a text file, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def _lay_out(
    folder: Path,
    placed: Iterable[tuple[str, str, SceneImage]],
    text: _Text = rows,
    *,
    has_splits: bool = True,
    images: bool = True,
    source: str = "",
) -> Expected:
    """Write images and label files, given as paths below the folder; an empty path leaves the label file out."""
    placed = list(placed)
    for path, label, image in placed:
        if images:
            draw(folder / path, image.width, image.height)
        if label:
            write(folder / label, text(image))
    annotated = sum(bool(label) for _, label, _ in placed)
    return expected(
        [(path, image) for path, _, image in placed],
        format="yolo",
        has_splits=has_splits,
        annotated=annotated,
        source=source,
    )


def draw_images(folder: Path, wanted: Expected) -> None:
    """Draw the images of a layout that has none, below another folder."""
    for path in wanted.paths:
        (image,) = [one for one in of_splits() if Path(path).stem.endswith(one.stem)]
        draw(folder / path, image.width, image.height)


def build_ultralytics(folder: Path) -> Expected:
    """The standard data set, as the documentation of Ultralytics lays it out; backgrounds have no label file."""
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(LABELS))
    write(
        folder / "data.yaml",
        "# Train/val/test sets\n"
        f"path: {folder.name} # dataset root dir\n"
        "train: images/train # train images (relative to 'path')\n"
        "val: images/val # val images (relative to 'path')\n"
        "test: images/test # test images (optional)\n"
        "\n# Classes\n"
        f"names:\n{names}"
        "\n# Download script/URL (optional)\n"
        "download: https://ultralytics.com/assets/street.zip\n",
    )
    return _lay_out(
        folder,
        [
            (
                f"images/{one.split}/{one.stem}.jpg",
                f"labels/{one.split}/{one.stem}.txt" if one.boxes else "",
                one,
            )
            for one in of_splits()
        ],
    )


def build_ultralytics_lists(folder: Path) -> Expected:
    """Splits as lists of images in one folder, as coco.yaml and ``autosplit`` have them."""
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(LABELS))
    yaml = "path: ../datasets/street\ntrain: autosplit_train.txt\nval: autosplit_val.txt\ntest: autosplit_test.txt\n"
    write(folder / "street.yaml", f"{yaml}names:\n{names}")
    for split in ("train", "val", "test"):
        lines = "".join(f"./images/{one.stem}.jpg\n" for one in of_splits(split))
        write(folder / f"autosplit_{split}.txt", lines)
    return _lay_out(
        folder,
        [(f"images/{one.stem}.jpg", f"labels/{one.stem}.txt", one) for one in of_splits()],
    )


def build_mixed_rows(folder: Path) -> Expected:
    """Boxes and polygons in one label file, as Roboflow exports a project that was labelled with both."""

    def text(image: SceneImage) -> str:
        lines = [
            " ".join([str(LABELS.index(box.label)), *_fractions(image, box, 6)])
            if number % 2
            else f"{_corner_row(image, box)} {box.x / image.width:.6f} {(box.y + 1) / image.height:.6f}"
            for number, box in enumerate(image.boxes)
        ]
        return "\n".join(lines)

    return _roboflow(folder, text)


def build_roboflow(folder: Path) -> Expected:
    """The zip "YOLOv8" of Roboflow: paths that lead out of the folder, a mapping of unknown keys, texts beside it."""
    return _roboflow(folder, lambda image: rows(image, 15, last=False))


def _roboflow(folder: Path, text: _Text) -> Expected:
    write(
        folder / "data.yaml",
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\n"
        f"nc: {len(LABELS)}\nnames: {list(LABELS)}\n\n"
        "roboflow:\n  workspace: street-7130\n  project: street-scenes\n  version: 2\n"
        "  license: CC BY 4.0\n"
        "  url: https://universe.roboflow.com/street-7130/street-scenes/dataset/2",
    )
    write(
        folder / "README.dataset.txt", "# Street scenes > 2024-01-05\n\nProvided by a Roboflow user"
    )
    write(
        folder / "README.roboflow.txt",
        "\nStreet scenes - v2\n" + "=" * 30 + "\n\n* Resize to 64x48\n",
    )
    return _lay_out(
        folder,
        [
            (f"{place}/images/{stem}.jpg", f"{place}/labels/{stem}.txt", image)
            for place, stem, image in _roboflow_names()
        ],
        text,
    )


def _roboflow_names() -> list[tuple[str, str, SceneImage]]:
    """Folder of the split, stem with the hash that Roboflow adds, and image."""
    places = {"train": "train", "val": "valid", "test": "test"}
    return [
        (
            places[one.split],
            f"{one.stem}_jpg.rf.{hashlib.md5(one.stem.encode()).hexdigest()}",
            one,
        )
        for one in of_splits()
    ]


def build_roboflow_darknet(folder: Path) -> Expected:
    """The zip "YOLO Darknet" of Roboflow: in each split images, label files and a list of classes in one folder."""
    for place in ("train", "valid", "test"):
        write(folder / place / "_darknet.labels", "\n".join(LABELS) + "\n")
    write(folder / "README.roboflow.txt", "\nStreet scenes - v2\n")
    return _lay_out(
        folder,
        [
            (f"{place}/{stem}.jpg", f"{place}/{stem}.txt", image)
            for place, stem, image in _roboflow_names()
        ],
        lambda image: rows(image, 15, last=False),
    )


def build_label_studio(folder: Path) -> Expected:
    """The export "YOLO with Images" of Label Studio."""
    write(folder / "classes.txt", "\n".join(LABELS) + "\n")
    notes = {
        "categories": [{"id": number, "name": name} for number, name in enumerate(LABELS)],
        "info": {"year": 2024, "version": "1.0", "contributor": "Label Studio"},
    }
    write(folder / "notes.json", json.dumps(notes, indent=2))
    stems = [
        (f"{hashlib.md5(one.stem.encode()).hexdigest()[:8]}-{one.stem}", one) for one in of_splits()
    ]
    return _lay_out(
        folder,
        [(f"images/{stem}.png", f"labels/{stem}.txt", one) for stem, one in stems],
        lambda image: rows(image, 17),
        has_splits=False,
    )


def build_labelimg(folder: Path) -> Expected:
    """LabelImg in its mode YOLO: everything in one folder."""
    write(folder / "classes.txt", "\n".join(LABELS) + "\n")
    return _lay_out(
        folder,
        [(f"{one.stem}.jpg", f"{one.stem}.txt", one) for one in of_splits()],
        has_splits=False,
    )


def build_labelimg_two_folders(folder: Path) -> Expected:
    """LabelImg with another folder to save to: the list of classes lies there."""
    write(folder / "labels" / "classes.txt", "\n".join(LABELS) + "\n")
    return _lay_out(
        folder,
        [(f"images/{one.stem}.jpg", f"labels/{one.stem}.txt", one) for one in of_splits()],
        has_splits=False,
    )


def build_named_label_folder(folder: Path) -> Expected:
    """Folders of other names, as many public data sets have: ``JPEGImages`` and ``Annotations-txt``."""
    write(folder / "Annotations-txt" / "classes.txt", "\n".join(LABELS))
    return _lay_out(
        folder,
        [
            (f"JPEGImages/{one.stem}.jpg", f"Annotations-txt/{one.stem}.txt", one)
            for one in of_splits()
        ],
        has_splits=False,
    )


def build_named_label_folder_splits(folder: Path) -> Expected:
    """``SPLIT/imgs`` and ``SPLIT/ann`` below a list of classes."""
    write(folder / "classes.txt", "\n".join(LABELS))
    return _lay_out(
        folder,
        [
            (f"{one.split}/imgs/{one.stem}.jpg", f"{one.split}/ann/{one.stem}.txt", one)
            for one in of_splits()
        ],
    )


def build_yaml_and_named_label_folder(folder: Path) -> Expected:
    """A yaml that names folders of images whose label files lie in ``Annotations-txt/SPLIT``."""
    write(
        folder / "data.yaml",
        f"train: images/train\nval: images/val\ntest: images/test\nnames: {list(LABELS)}\n",
    )
    return _lay_out(
        folder,
        [
            (
                f"images/{one.split}/{one.stem}.jpg",
                f"Annotations-txt/{one.split}/{one.stem}.txt",
                one,
            )
            for one in of_splits()
        ],
    )


def build_darknet(folder: Path) -> Expected:
    """Darknet: the folder ``data`` of its examples, with ``obj.data``, ``obj.names`` and lists of images."""
    write(
        folder / "obj.data",
        f"classes= {len(LABELS)}\ntrain  = data/train.txt\nvalid  = data/valid.txt\nnames = data/obj.names\n"
        "backup = backup/\n",
    )
    write(folder / "obj.names", "\n".join(LABELS) + "\n")
    listed = {"train": "train", "val": "valid"}
    for split, name in listed.items():
        write(
            folder / f"{name}.txt",
            "".join(f"data/obj/{one.stem}.jpg\n" for one in of_splits(split)),
        )
    return _lay_out(
        folder,
        [(f"obj/{one.stem}.jpg", f"obj/{one.stem}.txt", one) for one in of_splits(*listed)],
    )


def build_darknet_names_only(folder: Path) -> Expected:
    """Images with label files beside them, and a file ``street.names``."""
    write(folder / "street.names", "\n".join(LABELS) + "\n")
    return _lay_out(
        folder,
        [(f"pics/{one.stem}.jpg", f"pics/{one.stem}.txt", one) for one in of_splits()],
        has_splits=False,
    )


def build_cvat_yolo(folder: Path, images: bool = True) -> Expected:
    """CVAT's "YOLO 1.1" with images: ``obj_SPLIT_data`` and lists whose paths begin with ``data/``."""
    names = {"train": "train", "val": "valid"}
    write(
        folder / "obj.data",
        f"classes = {len(LABELS)}\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n"
        "backup = backup/\n",
    )
    write(folder / "obj.names", "".join(f"{name}\n" for name in LABELS))
    for split, name in names.items():
        lines = [f"data/obj_{name}_data/{one.stem}.jpg\n" for one in of_splits(split)]
        write(folder / f"{name}.txt", "".join(lines))
    places = [(f"obj_{names[one.split]}_data/{one.stem}", one) for one in of_splits(*names)]
    return _lay_out(
        folder, [(f"{place}.jpg", f"{place}.txt", one) for place, one in places], images=images
    )


def build_cvat_ultralytics(folder: Path, images: bool = True) -> Expected:
    """CVAT's "Ultralytics YOLO Detection 1.0" with images: lists of images whose paths begin with ``data/``."""
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(LABELS))
    write(
        folder / "data.yaml",
        f"names:\n{names}path: .\ntest: test.txt\ntrain: train.txt\nval: val.txt\n",
    )
    for split in ("train", "val", "test"):
        lines = [f"data/images/{split}/{one.stem}.jpg\n" for one in of_splits(split)]
        write(folder / f"{split}.txt", "".join(lines))
    return _lay_out(
        folder,
        [
            (f"images/{one.split}/{one.stem}.jpg", f"labels/{one.split}/{one.stem}.txt", one)
            for one in of_splits()
        ],
        images=images,
    )


def build_platform_zip(folder: Path, images: bool = True) -> Expected:
    """The platform's YOLO zip, unpacked into the folder of the images: ``data.yaml`` and flat label files."""
    write(
        folder / "data.yaml",
        f"names:\n{''.join(f'- {name}{chr(10)}' for name in LABELS)}nc: {len(LABELS)}\n"
        "train: ../train/images\nval: ../val/images\n",
    )
    return _lay_out(
        folder,
        [(f"{one.stem}.jpg", f"{one.stem}.txt", one) for one in of_splits()],
        has_splits=False,
        images=images,
    )


def build_equal_names(folder: Path) -> Expected:
    """Images that are called alike in two splits, as numbered exports have them."""
    yaml = f"train: images/train\nval: images/val\nnc: {len(LABELS)}\nnames: {list(LABELS)}\n"
    write(folder / "data.yaml", yaml)
    pairs = [
        (number, one)
        for split in ("train", "val")
        for number, one in enumerate(of_splits(split), 1)
    ]
    return _lay_out(
        folder,
        [
            (f"images/{one.split}/{number:06}.jpg", f"labels/{one.split}/{number:06}.txt", one)
            for number, one in pairs
        ],
    )


def _dota_rows(image: SceneImage) -> str:
    lines = ["imagesource:GoogleEarth", "gsd:0.146343590398"]
    for number, box in enumerate(image.boxes):
        corners = " ".join(f"{float(value)}" for value in box.ring)
        lines.append(f"{corners} {box.label} {number % 2}")
    return "\n".join(lines) + "\n"


def build_dota(folder: Path) -> Expected:
    """DOTA v1.0: corners in pixels and class names, in ``SPLIT/labelTxt`` beside ``SPLIT/images``."""
    return _lay_out(
        folder,
        [
            (f"{one.split}/images/{one.stem}.png", f"{one.split}/labelTxt/{one.stem}.txt", one)
            for one in of_splits("train", "val")
        ],
        _dota_rows,
    )


def build_dota_v15(folder: Path) -> Expected:
    """DOTA v1.5 as it is unpacked: the label files lie one folder deeper, without a line for the source."""

    def text(image: SceneImage) -> str:
        return "\r\n".join(_dota_rows(image).splitlines()[2:])

    return _lay_out(
        folder,
        [
            (f"images/{one.stem}.png", f"labelTxt-v1.5/DOTA-v1.5_train/{one.stem}.txt", one)
            for one in of_splits()
        ],
        text,
        has_splits=False,
    )


def build_dota_with_yaml(folder: Path) -> Expected:
    """DOTA with the yaml of a training beside it."""
    write(
        folder / "dota.yaml",
        f"train: images/train\nval: images/val\nnames: {list(LABELS)}\n",
    )
    return _lay_out(
        folder,
        [
            (f"images/{one.split}/{one.stem}.png", f"labelTxt/{one.split}/{one.stem}.txt", one)
            for one in of_splits("train", "val")
        ],
        _dota_rows,
    )


def build_classify(folder: Path) -> Expected:
    """A folder for each class in each split, as torchvision and Ultralytics read them: one label an image."""
    placed = [
        (f"{one.split}/{one.boxes[0].label}/{one.stem}.jpg", one)
        for one in of_splits()
        if one.boxes
    ]
    for path, one in placed:
        draw(folder / path, one.width, one.height)
    plain = [
        (path, SceneImage(one.stem, one.width, one.height, one.split, one.boxes[:1]))
        for path, one in placed
    ]
    return expected(plain, format="yolo")


def build_with_sizes(folder: Path) -> Expected:
    """An export of headrace without images: ``image-sizes.jsonl`` names them; one was never annotated."""
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(LABELS))
    write(
        folder / "data.yaml",
        f"train: images/train\nval: images/val\ntest: images/test\n\ntask: detect\nnc: {len(LABELS)}\nnames:\n{names}",
    )
    # In no order that a folder has.
    paths = [
        (
            f"images/{one.split}/{one.stem}.jpg",
            f"labels/{one.split}/{one.stem}.txt" if number != 4 else "",
            one,
        )
        for number, one in enumerate(of_splits())
    ]
    found = _lay_out(folder, [each for each in paths if each[1]], images=False)
    lines = [json.dumps([path, one.width, one.height]) + "\n" for path, _, one in reversed(paths)]
    write(folder / "image-sizes.jsonl", "".join(lines).replace(", ", ","))
    found.images += 1
    found.splits["val"] += 1
    found.paths.insert(4, paths[4][0])
    return found


def build_cvat_yolo_without_images(folder: Path) -> Expected:
    """CVAT's "YOLO 1.1" as it is by default, without images."""
    return build_cvat_yolo(folder, images=False)


def build_cvat_ultralytics_without_images(folder: Path) -> Expected:
    """CVAT's "Ultralytics YOLO Detection 1.0" as it is by default, without images."""
    return build_cvat_ultralytics(folder, images=False)


def build_platform_zip_without_images(folder: Path) -> Expected:
    """The platform's YOLO zip alone."""
    return build_platform_zip(folder, images=False)


def build_label_studio_without_images(folder: Path) -> Expected:
    """The export "YOLO" of Label Studio: its folder ``images`` is empty."""
    found = build_label_studio(folder)
    for path in found.paths:
        (folder / path).unlink()
    return found


LAYOUTS: tuple[Build, ...] = (
    build_ultralytics,
    build_ultralytics_lists,
    build_mixed_rows,
    build_roboflow,
    build_roboflow_darknet,
    build_label_studio,
    build_labelimg,
    build_labelimg_two_folders,
    build_named_label_folder,
    build_named_label_folder_splits,
    build_yaml_and_named_label_folder,
    build_darknet,
    build_darknet_names_only,
    build_cvat_yolo,
    build_cvat_ultralytics,
    build_platform_zip,
    build_equal_names,
    build_dota,
    build_dota_v15,
    build_dota_with_yaml,
    build_classify,
)

WITHOUT_IMAGES: tuple[Build, ...] = (
    build_with_sizes,
    build_cvat_yolo_without_images,
    build_cvat_ultralytics_without_images,
    build_platform_zip_without_images,
    build_label_studio_without_images,
)
