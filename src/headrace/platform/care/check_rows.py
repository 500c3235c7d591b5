"""Check the rows beside the versions: references, numbers, removals and jobs; and files that were half written."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import aclosing
from pathlib import Path

from headrace.errors import StorageError
from headrace.folders.lakes import DATABASE
from headrace.platform.care.check_report import CheckFindings
from headrace.platform.context import Context
from headrace.platform.removals.parts import all_frames
from headrace.storage.database.sqlite.page_checksums import left_over
from headrace.threads import in_thread
from headrace.transfer.progress import Progress

REFERENCES = (
    *("labels_of_no_version", "labels_of_no_group", "groups_of_no_group"),
    *("assets_of_no_version", "annotations_of_no_version", "content_of_no_dataset"),
    *("tags_of_assets", "tags_of_data", "tasks", "campaigns", "lakes_of_data"),
)
"""The statements of ``check.sql`` that find rows which name others that do not exist."""

HOUR_MS = 3_600_000
STALE_SECONDS = 24 * 3600.0
"""Age from which a half-written file is left over from a process that was killed."""
UPLOAD_MS = 7 * 24 * HOUR_MS
"""Age from which an upload is given up; a younger one may be continued."""

_BATCH = 1_000
_DRAFT = ".headrace-"
_EXPORTS = ".exports"


async def check_references(context: Context, findings: CheckFindings) -> None:
    """Find rows that name others which do not exist."""
    for statement in REFERENCES:
        with findings.guard(statement.replace("_", " ")):
            rows = context.database.stream(f"check.{statement}", batch=_BATCH)
            async with aclosing(rows) as batches:
                async for batch in batches:
                    for place, message in batch:
                        findings.add("reference", place, message)


async def check_numbers(context: Context, findings: CheckFindings, *, repair: bool) -> None:
    """Find numbers that the next row would get although a row has them; mend them by counting on."""
    with findings.guard("the numbers of rows"):
        for name, least, _ in await context.database.fetch("check.sequences"):
            message = f"the next would get a number up to {least}, which are taken"
            findings.add("counter", f"numbers of {name} rows", message)
            if repair:
                await context.database.execute("check.set_sequence", name=name, least=least)
                findings.mend("counter", 1, f"the next {name} gets a number above {least}")
        for row in await context.database.fetch("check.numbers_of_datasets"):
            no, name, next_label, next_content, last_label, last_content = row
            if next_label > last_label and next_content > last_content:
                continue
            findings.add(
                "counter", f"dataset {name}", "the next label or shapes get a number that is taken"
            )
            if repair:
                await context.database.execute(
                    "check.set_numbers_of_dataset",
                    no=no,
                    next_label=last_label + 1,
                    next_content=last_content + 1,
                )
                findings.mend("counter", 1, f"dataset {name} gives out numbers above those taken")


async def check_removals(context: Context, findings: CheckFindings, progress: Progress) -> None:
    """Read what removals recorded, so that each of them can be undone."""
    rows = context.database.stream("check.removals", batch=_BATCH)
    async with aclosing(rows) as batches:
        async for batch in batches:
            for no, size, restorable in batch:
                if restorable and size:
                    await _check_removal(context, no, size, findings)
            progress.add(len(batch))


async def _check_removal(context: Context, no: int, size: int, findings: CheckFindings) -> None:
    try:
        async with aclosing(all_frames(context, no, size)) as frames:
            async for _ in frames:
                pass
    except StorageError as error:
        # A removal that is too old is deleted while the lake is open.
        if any(
            row[0] == no for row in await context.database.fetch("removals.live", keys=f"[{no}]")
        ):
            findings.add("removal", f"removal {no}", error.message)


async def check_jobs(context: Context, findings: CheckFindings, *, repair: bool) -> None:
    """Find jobs that a process holds whose lease has ended an hour ago; mend them by letting others take them."""
    now = context.clock()
    for no, kind, owner, lease, _ in await context.database.fetch("check.jobs"):
        if lease > now - HOUR_MS:
            continue
        hours = (now - lease) // HOUR_MS
        message = f"its process {owner.rpartition(':')[0]} gave no sign for {hours:,} h"
        findings.add("job", f"job {no} {kind}", message)
        if repair:
            await context.database.execute("check.release", no=no, lease=lease)
            findings.mend("job", 1, f"job {no}: continues when the lake is opened next")


async def check_uploads(context: Context, findings: CheckFindings, *, repair: bool) -> None:
    """Find uploads and objects that were given up half-way a week ago or earlier; mend them by deleting them."""
    before = context.clock() - UPLOAD_MS
    found = await context.objects.unfinished(before, delete=repair)
    if not found.count:
        return
    findings.add(
        "left over", "uploads", f"{found.bytes:,} bytes that no upload goes on with", found.count
    )
    if repair:
        findings.mend("left over", found.count, f"deleted {found.count:,} unfinished uploads")


async def check_left_overs(lake: Path, findings: CheckFindings, *, repair: bool) -> None:
    """Find files that a killed process left half written a day ago or earlier; mend them by deleting them."""
    for path in await in_thread(_left_overs, lake):
        name = path.relative_to(lake).as_posix()
        findings.add("left over", name, "a process that was killed left it half written")
        if repair:
            await in_thread(_delete, path)
            findings.mend("left over", 1, f"deleted {name}")


def _left_overs(lake: Path) -> list[Path]:
    before = time.time() - STALE_SECONDS
    found = [path for path in lake.glob(f"{_DRAFT}*.db*") if path.name.startswith(_DRAFT)]
    copy = left_over(lake / DATABASE)
    if (lake / _EXPORTS).is_dir():
        found += [Path(entry.path) for entry in os.scandir(lake / _EXPORTS)]
    if copy is not None:
        found.append(copy)
    return sorted(path for path in found if path.lstat().st_mtime < before)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
