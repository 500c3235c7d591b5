"""``headrace migrate-schema``."""

from __future__ import annotations

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import DEFAULT_OUTPUT, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import full_place, is_database, shown_place


async def migrate_schema(
    database: str, /, *, dry_run: Flag = False, output: Output = DEFAULT_OUTPUT
) -> Result:
    """Bring the schema of a platform's database up to date, after an update of headrace.

    Servers do not do it by themselves: an older one must have ended before what it needs is changed. A lake's folder is
    brought up to date when it is opened.

    Args:
        database: The PostgreSQL database, postgresql://user@host/name; postgresql:// for that of HEADRACE_DATABASE.
        dry_run: Print what would be done, and do nothing.
    """
    from headrace.storage import opening

    target = opening.postgres_target(database) if is_database(database) else None
    if target is None:
        raise UsageError(
            f"{database} is no database",
            hint="write postgresql://user@host/name; a lake's folder is brought up to date when it is opened",
        )
    before, after = await opening.migrate_schema(target, dry_run=dry_run)
    verb = "would be brought" if dry_run else "brought"
    changed = f"Schema of {target.name} {verb} from {before} to {after}."
    return Result(
        command="migrate-schema",
        data={
            "database": full_place(database),
            "before": before,
            "after": after,
            "dry_run": dry_run,
        },
        lines=[changed if before != after else f"Schema of {shown_place(database)} is up to date."],
    )
