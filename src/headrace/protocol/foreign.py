"""Answers of other platforms, which may have any fields besides those of the wire, also of the names that headrace uses.

Such a field is left out where it is of another type than headrace's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

OWN_FIELDS = frozenset(
    [
        "annotated_entry_step_id",
        "assignees",
        "auto_add_new_assets",
        "auto_close_on_completion",
        "bbox",
        "default_cpu",
        "default_entry_step_id",
        "default_gpu",
        "default_parameters",
        "description",
        "done",
        "end_date",
        "error",
        "images",
        "instance",
        "instructions_object_name",
        "instructions_text",
        "is_closed",
        "is_locked",
        "nb_assets",
        "parameters",
        "sample_rate",
        "score",
        "segmentation",
        "sha256",
        "shapes",
        "shapes_dropped",
        "size",
        "tags",
        "total",
        "version_types",
        "worker_id",
    ]
)
"""Fields of answers that only headrace sends, or that the wire names for some answers only."""


def decode_foreign(body: bytes, kind: Any) -> Any:
    """Decode an answer, without the fields of headrace that are of another type.

    Args:
        body: The answer, as JSON.
        kind: The type of the result.

    Raises:
        msgspec.MsgspecError: It does not match the type without them either.
    """
    value = msgspec.json.decode(body)
    left_out: set[tuple[str, ...]] = set()
    while True:
        try:
            return msgspec.convert(value, kind, strict=False)
        except msgspec.ValidationError as error:
            # A place such as ``$.items[0].data.size``: what one item has, the others have too.
            keys = re.findall(r"\[[^\]]*\]|\w+", str(error).partition(" - at ")[2])
            while keys and keys[-1] not in OWN_FIELDS:
                keys.pop()
            if not keys or tuple(keys) in left_out:
                raise
            left_out.add(tuple(keys))
            _leave_out(value, keys)


def _leave_out(value: Any, keys: Sequence[str]) -> None:
    """Delete the last of the keys at the place that the others lead to; an index stands for every item or value."""
    first, *rest = keys
    if first.startswith("["):
        for item in value.values() if isinstance(value, dict) else value:
            _leave_out(item, rest)
    elif isinstance(value, dict) and first in value:
        if rest:
            _leave_out(value[first], rest)
        else:
            del value[first]
