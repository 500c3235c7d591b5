"""headrace without ``async``: the same classes, whose methods wait for the answer.

::

    from headrace import blocking

    with blocking.connect("lake/") as client:
        version = client.version("bccd/v1")
        for asset in version.iter_assets():
            print(asset.filename)

Scripts of the official client run when ``picsellia`` becomes ``headrace.blocking`` in their import lines:
``Client(api_token=…, host=…)``, :mod:`headrace.blocking.exceptions`, ``types.enums`` and ``sdk.*`` are its names for
what is here.

It works in scripts, beside a running event loop (where a call blocks the caller's loop while it lasts), from several
threads, and after a fork. Callbacks for progress are called in a thread of headrace.
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
    Tag,
    User,
    Worker,
)
from headrace.blocking.client import Client, connect
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
    "Tag",
    "User",
    "Worker",
    "connect",
    "convert",
    "create_lake",
]


def create_lake(path: str | os.PathLike[str]) -> None:
    """Make a new lake in a folder that does not exist yet or is empty; LakeError where it is in use."""
    portal().call(lambda: opening.create_lake(path))
