"""The methods of DatasetVersion against the reference that they promise to follow: names, order and defaults."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from headrace import blocking
from headrace.sdk.version.dataset_version import DatasetVersion

TEXT = Path(__file__).with_name("seed").joinpath("dataset_version.txt").read_text(encoding="utf-8")

MORE = {
    "list_assets": "filters of campaigns and metadata, as 6.37.0 has them",
    "download": "layout, durable, retry_failed and progress, by keyword",
    "delete": "undo, as headrace has it",
    "delete_all_annotations": "undo, as headrace has it",
    "export_annotation_file": "export_key, as 6.37.0 has it",
    "build_coco_file_locally": "export_key and chunk_size, as 6.37.0 has them",
    "import_annotations_coco_file": "export_key, as 6.37.0 has it",
    "import_annotations_coco_video_file": "export_key, as 6.37.0 has it",
    "convert_tags_to_classification": "wait, as all other methods with a job have it",
    "create_campaign": "what 6.37.0 or headrace adds, by keyword",
    "launch_processing": "what 6.37.0 or headrace adds, by keyword",
    "retrieve_stats": "assets, as headrace has it",
    "synchronize": "what headrace adds, by keyword",
}
"""Methods that take more than the reference says, behind what it says; why."""

OTHER_DEFAULTS: dict[tuple[str, str], str] = {}
"""Parameters whose default is another one than the reference's; why."""


def signatures() -> dict[str, list[tuple[str, Any]]]:
    """Parameters and defaults (as source text, None where there is none) by method."""
    found = {}
    _, _, blocks = TEXT.partition("\n\n")
    for name, body in re.findall(r"^([a-z_]+)\((.*?)\)$", blocks, re.MULTILINE | re.DOTALL):
        node = ast.parse(f"def {name}({' '.join(body.split())}): ...").body[0]
        assert isinstance(node, ast.FunctionDef)
        given = node.args.args
        defaults = [None] * (len(given) - len(node.args.defaults)) + [
            ast.unparse(default) for default in node.args.defaults
        ]
        found[name] = [(arg.arg, default) for arg, default in zip(given, defaults, strict=True)]
    return found


SEED = signatures()


def said(default: Any) -> str | None:
    """A default as the reference writes it."""
    if default is inspect.Parameter.empty:
        return None
    return str(default) if hasattr(default, "value") else repr(default)


def plain(text: str | None) -> str | None:
    return None if text is None else text.rpartition(".")[2] if text[0].isupper() else text


def test_the_reference_is_read() -> None:
    assert len(SEED) == 38
    assert SEED["fork"][0] == ("version", None)
    assert SEED["fork"][3] == ("type", "InferenceType.NOT_CONFIGURED")
    assert SEED["load_annotations"][3] == ("chunk_size", "100")
    assert SEED["get_tags"] == []


@pytest.mark.parametrize(
    "kind", [DatasetVersion, blocking.DatasetVersion], ids=["async", "blocking"]
)
@pytest.mark.parametrize("name", sorted(SEED))
def test_a_method_is_the_reference_s(kind: type, name: str) -> None:
    method = getattr(kind, name, None)
    assert method is not None, f"{kind.__name__} has no {name}"
    _, *ours = inspect.signature(method).parameters.values()
    wanted = SEED[name]
    told = [(each.name, plain(said(each.default))) for each in ours[: len(wanted)]]
    expected = [(argument, plain(default)) for argument, default in wanted]
    differing = [
        argument
        for (argument, default), (mine, have) in zip(expected, told, strict=False)
        if argument != mine or (default != have and (name, argument) not in OTHER_DEFAULTS)
    ]
    assert not differing, (told, expected)
    assert len(told) == len(expected), (told, expected)
    more = ours[len(wanted) :]
    assert not more or name in MORE, more
    for each in more:
        assert each.default is not inspect.Parameter.empty, each
    # A caller may give every argument of the reference by its place.
    assert all(each.kind is each.POSITIONAL_OR_KEYWORD for each in ours[: len(wanted)])


@pytest.mark.parametrize("name", TEXT.splitlines()[0].partition(": ")[2].split())
def test_a_property_is_the_reference_s(name: str) -> None:
    for kind in (DatasetVersion, blocking.DatasetVersion):
        assert isinstance(inspect.getattr_static(kind, name), property)


def test_no_difference_is_told_that_is_none() -> None:
    assert set(MORE) <= set(SEED)
    assert {name for name, _ in OTHER_DEFAULTS} <= set(SEED)
