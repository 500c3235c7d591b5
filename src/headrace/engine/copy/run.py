"""Copy a version from one lake, server or platform to another.

What a run has done is in the journal, so the same call continues after a crash, and follows what was changed at the source
since.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
from msgspec.structs import replace

from headrace.engine.copy.journal import Journal, key_of
from headrace.engine.copy.report import CopyReport
from headrace.engine.copy.sides import CopySide, place_of, same_place
from headrace.engine.copy.version_copy import CopyOptions, VersionCopy
from headrace.engine.copy.versions import description_of, ensure_target, find_target
from headrace.engine.digest.run import check_unchanged, expect_digest
from headrace.errors import ConfigurationError, PartialTransferError
from headrace.model.records import OrganizationRecord
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

FOLDER = "copies"

Confirm = Callable[[CopyReport], Awaitable[bool]]


async def copy(
    source: CopySide,
    target: CopySide,
    organization: OrganizationRecord,
    dataset: str,
    version: str,
    state: Path,
    options: CopyOptions,
    *,
    confirm: Confirm | None = None,
    progress: OnProgress | None = None,
) -> CopyReport:
    """Copy a version.

    Args:
        source: The version to copy.
        target: The place to copy it to; its version is not set yet.
        organization: Organization of the target.
        dataset: Name of the dataset at the target.
        version: Name of the version there.
        state: Folder for the journal and the spool.
        options: What to copy, and how.
        confirm: Called before anything is written, with the report as of a dry run; if it returns False, nothing is.
            Annotations are counted in it only if the target may not hold all of them.
        progress: Called with a progress event from time to time.

    Returns:
        What was copied.

    Raises:
        ConfigurationError: Source and target are the same version.
        ConflictError: The same copy is running in another process.
        DigestMismatchError: The source has another digest than the expected one, or changed during the copy.
        LockedError: The version of the target is locked.
        PartialTransferError: Something could not be copied, or differs at the end; its report has the rest.
    """
    with Progress("copy", "assets", progress, phase="list") as counting:
        report = CopyReport(source=source.name, target=f"{dataset}/{version}")
        before = await expect_digest(
            source.backend, source.version, options.expected_digest, progress=progress
        )
        planned = None
        if options.dry_run or confirm is not None:
            counting.enter("plan")
            planned = await _plan(source, target, organization, dataset, version, state, options)
            planned.seconds = counting.seconds
            if options.dry_run or (confirm is not None and not await confirm(planned)):
                return planned
        description = await description_of(source.backend, source.version)
        record = await ensure_target(
            target.backend, organization, dataset, version, source.version, description, report
        )
        target = replace(target, version=record)
        _check_apart(source, target)
        key = _key(source, target, organization, report.target)
        journal = await in_thread(Journal, state / FOLDER, key)
        await in_thread(journal.__enter__)
        try:
            run = VersionCopy(source, target, journal, options, report, counting, progress)
            await run.run()
        finally:
            with anyio.CancelScope(shield=True):
                await in_thread(journal.__exit__, None, None, None)
        if before is not None:
            await check_unchanged(source.backend, source.version, before)
        report.seconds = counting.seconds
    _check_complete(report)
    return report


def _key(source: CopySide, target: CopySide, organization: OrganizationRecord, name: str) -> str:
    return key_of(
        place_of(source),
        str(source.organization_id),
        source.name,
        place_of(target),
        str(organization.id),
        name,
    )


def _check_apart(source: CopySide, target: CopySide) -> None:
    if same_place(source, target) and source.version.id == target.version.id:
        raise ConfigurationError(
            f"{source.name} cannot be copied onto itself", hint="give the copy another name"
        )


def _check_complete(report: CopyReport) -> None:
    if not report.missing:
        return
    parts = [
        f"{count:,} {what}"
        for count, what in (
            (report.failed, "files failed"),
            (report.left_out_count, "assets have no readable file at the source"),
            (report.conflict_count, "annotations were changed at the target"),
            (report.different_count, "assets are missing or different at the target"),
        )
        if count
    ]
    names = [*(f.name for f in report.failures), *report.left_out, *report.conflicts]
    first = next(iter([*names, *report.different]), "")
    raise PartialTransferError(
        f"{report.target} is not a complete copy of {report.source}: {', '.join(parts)}; first {first}",
        report=report,
        hint="run it again; everything else is there",
    )


async def _plan(
    source: CopySide,
    target: CopySide,
    organization: OrganizationRecord,
    dataset: str,
    version: str,
    state: Path,
    options: CopyOptions,
) -> CopyReport:
    """Return the report of a dry run: what is to be copied, and what the target cannot hold."""
    report = CopyReport(source=source.name, target=f"{dataset}/{version}", dry_run=True)
    found, there = await find_target(target.backend, organization, dataset, version)
    report.created_dataset, report.created_version = found is None, there is None
    if there is not None:
        target = replace(target, version=there)
        _check_apart(source, target)
    key = _key(source, target, organization, report.target)
    with Progress("copy", "assets", None) as counting:
        journal = await in_thread(lambda: Journal(state / FOLDER, key, scratch=True))
        await in_thread(journal.__enter__)
        try:
            run = VersionCopy(source, target, journal, options, report, counting, None)
            await run.plan(exists=there is not None)
        finally:
            with anyio.CancelScope(shield=True):
                await in_thread(journal.__exit__, None, None, None)
    return report
