"""The kinds of removals."""

from __future__ import annotations

from enum import StrEnum


class RemovalKind(StrEnum):
    """What a removal took away."""

    ASSETS = "assets"
    ANNOTATIONS = "annotations"
    IMPORT = "import"
    UNDO = "undo"
    VERSION = "version"
    DATASET = "dataset"
