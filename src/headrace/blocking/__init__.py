"""The blocking API: the classes of headrace without ``async``.

::

    from headrace import blocking

    with blocking.connect("lake/") as client:
        version = client.version("bccd/v1")
        for asset in version.iter_assets():
            print(asset.filename)

Scripts for the official client run with ``picsellia`` replaced by ``headrace.blocking`` in their imports: the modules
``exceptions``, ``types`` and ``sdk`` have its names.

Calls work in scripts, in several threads, after a fork, and inside a running event loop (which they block). Progress
callbacks are called in a thread of headrace.
"""

from __future__ import annotations

import os

from headrace.blocking._generated import (
    Annotation,
    Asset,
    Classification,
    Data,
    Datalake,
    Dataset,
    DatasetVersion,
    DataSource,
    Job,
    Label,
    LabelGroup,
    Line,
    Mask,
    MultiAnnotation,
    MultiAsset,
    MultiData,
    Point,
    Polygon,
    Processing,
    Rectangle,
    Removal,
    Tag,
    User,
    Worker,
)
from headrace.blocking.client import Client, connect
from headrace.blocking.copies import copy_version
from headrace.blocking.portal import portal
from headrace.engine.convert.run import convert_blocking as convert
from headrace.sdk.client import connect as opening

__all__ = [
    "Annotation",
    "Asset",
    "Classification",
    "Client",
    "Data",
    "DataSource",
    "Datalake",
    "Dataset",
    "DatasetVersion",
    "Job",
    "Label",
    "LabelGroup",
    "Line",
    "Mask",
    "MultiAnnotation",
    "MultiAsset",
    "MultiData",
    "Point",
    "Polygon",
    "Processing",
    "Rectangle",
    "Removal",
    "Tag",
    "User",
    "Worker",
    "connect",
    "convert",
    "copy_version",
    "create_lake",
]


def create_lake(path: str | os.PathLike[str]) -> None:
    """Create a lake.

    Args:
        path: A folder that does not exist yet or is empty.

    Raises:
        LakeError: If the folder is not empty.
    """
    portal().call(lambda: opening.create_lake(path))
