"""``headrace migrate-schema``."""

from __future__ import annotations

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import DEFAULT_OUTPUT, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import full_place, is_database, shown_place


async def migrate_schema(
    database: str,
    /,
    *,
    objects: str | None = None,
    claim_files: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Bring the schema of a platform's database up to date, after an update of headrace.

    Servers do not do it by themselves: an older one must have ended before what it needs is changed. A lake's folder is
    brought up to date when it is opened. The mark in the place of the files that says to which database they belong is
    completed, where an older headrace wrote it.

    Args:
        database: The PostgreSQL database, postgresql://user@host/name; postgresql:// for that of HEADRACE_DATABASE.
        objects: Where the platform keeps its files. Default: HEADRACE_OBJECTS.
        claim_files: Complete the mark also where it names another address: the database has moved there, and no copy of
            it has these files.
        dry_run: Print what would be done, and do nothing.
    """
    from headrace.platform.postgres_layout import complete_platform
    from headrace.storage import opening

    target = opening.postgres_target(database, objects=objects) if is_database(database) else None
    if target is None:
        raise UsageError(
            f"{database} is no database",
            hint="write postgresql://user@host/name; a lake's folder is brought up to date when it is opened",
        )
    before, after = await opening.migrate_schema(target, dry_run=dry_run)
    marked = False
    if before == after or not dry_run:
        marked = await complete_platform(target, claim=claim_files, dry_run=dry_run)
    would = "would be " if dry_run else ""
    lines = [f"Schema of {shown_place(database)} is up to date."]
    if before != after:
        lines = [f"Schema of {target.name} {would}brought from {before} to {after}."]
    if marked:
        lines.append(f"Files in {target.objects_name} {would}marked as those of {target.name}.")
    return Result(
        command="migrate-schema",
        data={
            "database": full_place(database),
            "before": before,
            "after": after,
            "files_marked": marked,
            "dry_run": dry_run,
        },
        lines=lines,
    )
