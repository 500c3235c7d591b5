"""``headrace label``: list, show, add, rename, merge and delete the labels of a version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from headrace.cli.console.confirm import confirm
from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import by_count, label_lines, plural

if TYPE_CHECKING:
    from headrace.sdk.label import Label
    from headrace.sdk.version.dataset_version import DatasetVersion


async def list_(
    target: str,
    version: str,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """List the labels of a version with their numbers of shapes.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
    """
    async with connected(target, account) as client:
        found = await find_version(client, version)
        names = [label.name async for label in found.list_labels()]
        counts = (await found.retrieve_stats()).label_repartition
    labels = {name: counts.get(name, 0) for name in names}
    return Result(
        command="label.list",
        data={"version": version, "labels": labels},
        lines=label_lines(by_count(labels)) or ["no labels yet"],
    )


async def show(
    target: str,
    version: str,
    label: str,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Show a label: its shapes, group, skeleton and attributes.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        label: Name of the label.
    """
    async with connected(target, account) as client:
        found = await find_version(client, version)
        shown = await found.get_label(label)
        group = await shown.get_group()
        data: dict[str, Any] = {
            "label": label,
            "id": str(shown.id),
            "shapes": (await found.retrieve_stats()).label_repartition.get(label, 0),
            "group": None if group is None else group.name,
            "skeleton": await shown.get_skeleton(),
            "attributes": await shown.get_attributes(),
        }
    lines = [f"{label}: {plural(data['shapes'], 'shape')}"]
    lines += [f"  group: {data['group']}"] if group else []
    if data["skeleton"]["vertices"]:
        lines.append(f"  keypoints: {', '.join(data['skeleton']['vertices'])}")
    lines += [f"  attribute: {name}" for name in data["attributes"] or ()]
    return Result(command="label.show", data={"version": version, **data}, lines=lines)


async def add(
    target: str,
    version: str,
    /,
    *labels: str,
    group: str | None = None,
    definition: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Add labels to a version. Labels that exist get the group and the definition.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        labels: Names of the labels.
        group: Name of a label group to put them in; created if it is missing.
        definition: A JSON file with the skeleton and the attributes, as headrace label show --json prints them.
        dry_run: Print what would be added, and do nothing.
    """
    if not labels:
        raise UsageError("LABEL is missing", hint="see: headrace label add --help")
    defined = {} if definition is None else _definition(definition)
    async with connected(target, account) as client:
        found = await find_version(client, version)
        known = {label.name async for label in found.list_labels()}
        new = [name for name in dict.fromkeys(labels) if name not in known]
        if not dry_run:
            for name in dict.fromkeys(labels):
                await _add(found, name, group, defined)
    would_be = "would be " if dry_run else ""
    return Result(
        command="label.add",
        data={"version": version, "labels": list(labels), "created": new, "dry_run": dry_run},
        lines=[f"{version}: {plural(len(new), 'label')} {would_be}added"],
    )


async def _add(
    version: DatasetVersion, name: str, group: str | None, defined: dict[str, Any]
) -> None:
    label = await version.get_or_create_label(name)
    if group is not None:
        groups = {each.name: each async for each in version.list_label_groups()}
        await label.set_group(groups.get(group) or await version.create_label_group(group))
    if defined.get("skeleton"):
        skeleton = defined["skeleton"]
        await label.set_skeleton(skeleton["vertices"], skeleton["edges"])
    if "attributes" in defined:
        await label.set_attributes(defined["attributes"])


def _definition(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not valid JSON: {error}") from None
    skeleton = found.get("skeleton") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(skeleton or {}, dict):
        raise UsageError(f"{path} is no definition", hint="see: headrace label show --json")
    if skeleton and not {"vertices", "edges"} <= skeleton.keys():
        raise UsageError(f"{path}: a skeleton has vertices and edges")
    return found


async def rename(
    target: str,
    version: str,
    label: str,
    name: str,
    /,
    *,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Rename a label; its shapes keep it.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        label: Name of the label.
        name: The new name.
        dry_run: Print what would be renamed, and do nothing.
    """
    async with connected(target, account) as client:
        found = await find_version(client, version)
        one = await found.get_label(label)
        await _check_free(found, name)
        if not dry_run:
            await one.update(name)
    would_be = "would be " if dry_run else ""
    return Result(
        command="label.rename",
        data={"version": version, "old": label, "label": name, "dry_run": dry_run},
        lines=[f"{label} {would_be}renamed to {name}"],
    )


async def merge(
    target: str,
    version: str,
    /,
    *labels: str,
    into: str,
    yes: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Give the shapes of labels to one label, and delete the others. This cannot be undone.

    On a terminal the name of the label that remains must be typed; elsewhere --yes is needed.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        labels: Names of the labels that go.
        into: Name of the label that gets the shapes; created if it is missing.
        yes: Merge without asking.
        dry_run: Print what would be merged, and do nothing.
    """
    if not labels:
        raise UsageError("LABEL is missing", hint="see: headrace label merge --help")
    async with connected(target, account) as client:
        found = await find_version(client, version)
        merged = [await found.get_label(name) for name in dict.fromkeys(labels) if name != into]
        shapes = await _shapes_of(found, merged)
        names = ", ".join(label.name for label in merged)
        action = f"merge {names} with {plural(shapes, 'shape')} into {into}"
        if not dry_run:
            await confirm(action, into, yes=yes)
            await found.merge_labels(merged, into)
    return Result(
        command="label.merge",
        data={
            "version": version,
            "labels": [label.name for label in merged],
            "into": into,
            "shapes": shapes,
            "dry_run": dry_run,
        },
        lines=[f"would {action}" if dry_run else action.replace("merge", "merged", 1)],
    )


async def delete(
    target: str,
    version: str,
    /,
    *labels: str,
    yes: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Delete labels and all their shapes; the annotations remain. This cannot be undone.

    On a terminal the name of the version must be typed; elsewhere --yes is needed.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        labels: Names of the labels.
        yes: Delete without asking.
        dry_run: Print what would be deleted, and do nothing.
    """
    if not labels:
        raise UsageError("LABEL is missing", hint="see: headrace label delete --help")
    async with connected(target, account) as client:
        found = await find_version(client, version)
        gone = [await found.get_label(name) for name in dict.fromkeys(labels)]
        shapes = await _shapes_of(found, gone)
        names = ", ".join(label.name for label in gone)
        action = f"delete {names} with {plural(shapes, 'shape')} from {version}, for good"
        if not dry_run:
            await confirm(action, version, yes=yes)
            for label in gone:
                await label.delete()
    return Result(
        command="label.delete",
        data={"version": version, "labels": list(labels), "shapes": shapes, "dry_run": dry_run},
        lines=[f"would {action}" if dry_run else action.replace("delete", "deleted", 1)],
    )


async def _shapes_of(version: DatasetVersion, labels: list[Label]) -> int:
    counts = (await version.retrieve_stats()).label_repartition
    return sum(counts.get(label.name, 0) for label in labels)


async def _check_free(version: DatasetVersion, name: str) -> None:
    """Raise UsageError if a label has the name: then it is a merge that is wanted."""
    names = [label.name async for label in version.list_labels()]
    if name in names:
        raise UsageError(
            f"the version has a label {name!r} already",
            hint="headrace label merge joins two labels",
        )
