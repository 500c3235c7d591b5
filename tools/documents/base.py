"""What the JSON objects of the commands have in common."""

from __future__ import annotations

from msgspec import Struct


class Document(Struct, forbid_unknown_fields=True, kw_only=True):
    """A printed object."""

    schema: str


class Part(Struct, forbid_unknown_fields=True, kw_only=True):
    """An object inside another one."""


class Change(Document):
    """What a command did, or would do with ``dry_run``."""

    dry_run: bool
