"""Ultralytics itself, with torch: its check of a dataset, its scan of the labels, and one step of training.

The answer holds, for each split, what the scan found: ``images``, ``missing``, ``empty`` and ``corrupt`` label files, and
the number of objects by class. Its trainer and class folders need the compiled part of torchvision, which exists for
graphics cards only, so the step is made by hand: a batch of its own dataset through its own model and loss.
"""

import os
from collections import Counter
from pathlib import Path

import torch
from peer_job import run
from ultralytics.cfg import get_cfg
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_cls_dataset, check_det_dataset
from ultralytics.nn.tasks import DetectionModel, OBBModel, PoseModel, SegmentationModel

HOME = Path(os.environ["TMPDIR"])
MODELS = {
    "detect": (DetectionModel, "yolo11n.yaml"),
    "segment": (SegmentationModel, "yolo11n-seg.yaml"),
    "pose": (PoseModel, "yolo11n-pose.yaml"),
    "obb": (OBBModel, "yolo11n-obb.yaml"),
}
SPLITS = ("train", "val", "test")


def read(task, folder):
    """Check, scan and train."""
    return read_class_folders(folder) if task == "classify" else read_labels(task, folder)


def read_class_folders(folder):
    """Count images by class as their check of class folders finds them."""
    data = check_cls_dataset(folder)
    told = {}
    for split in SPLITS:
        if data[split]:
            found = [path for path in Path(data[split]).rglob("*.*") if path.is_file()]
            classes = Counter(path.parent.name for path in found)
            told[split] = {"images": len(found), "objects": dict(classes)}
    return {"names": data["names"], "splits": told}


def read_labels(task, folder):
    """Report what their cache of labels says, and train on the first split."""
    data = check_det_dataset(str(folder / "data.yaml"), autodownload=False)
    told = {}
    for split in SPLITS:
        if not data.get(split):
            continue
        dataset = YOLODataset(
            img_path=data[split], data=data, task=task, imgsz=64, augment=True,
            hyp=get_cfg(overrides={"task": task}),
        )  # fmt: skip
        cache = dataset.cache_labels(HOME / f"{split}.cache")
        found, missing, empty, corrupt, total = cache["results"]
        objects = Counter()
        for label in dataset.labels:
            objects.update(data["names"][int(number)] for number in label["cls"].ravel())
        told[split] = {
            "images": total,
            "found": found,
            "missing": missing,
            "empty": empty,
            "corrupt": corrupt,
            "messages": cache["msgs"],
            "objects": dict(objects),
            "loss": one_step(task, data, dataset),
        }
    return {"names": data["names"], "splits": told}


def one_step(task, data, dataset):
    """Make one step of training with the first images, and return the loss."""
    kind, config = MODELS[task]
    more = {"data_kpt_shape": data["kpt_shape"]} if task == "pose" else {}
    model = kind(config, nc=data["nc"], verbose=False, **more)
    model.args = get_cfg(overrides={"task": task, "imgsz": 64})
    batch = dataset.collate_fn([dataset[index] for index in range(min(4, len(dataset)))])
    batch["img"] = batch["img"].float() / 255
    loss, _ = model(batch)
    loss.sum().backward()
    torch.optim.SGD(model.parameters(), lr=0.01).step()
    return float(loss.sum().detach())


run(read)
