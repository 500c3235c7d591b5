"""New platforms over PostgreSQL as copies of one that was made once in a test run: its database, and its files."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from headrace.platform.postgres_layout import create_platform
from headrace.storage.opening import PostgresTarget, open_objects
from tests.support import storage
from tests.support.postgres_server import blocking, fresh_database, postgres_server

Fill = Callable[[PostgresTarget, Path], Awaitable[None]]


def copy_platform(path: Path, name: str, fill: Fill | None = None) -> str:
    """Let a path stand for a new platform; returns its token, empty where it has none.

    Args:
        path: The path.
        name: The name of the template.
        fill: Fills the template; called once in a test run.
    """
    folder = postgres_server().folder / f"objects-{name}"
    token = postgres_server().folder / f"token-{name}"

    async def make(dsn: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        target = PostgresTarget(
            dsn=dsn, objects=str(folder), scratch_root=folder.with_name("scratch")
        )
        await create_platform(target)
        token.write_text("", encoding="utf-8")
        if fill is not None:
            await fill(target, token)

    dsn = storage.keep(fresh_database(f"platform_{name}", make))
    if storage.files_on_s3():
        from tests.support.s3_server import s3_server

        objects = s3_server().fresh_prefix()
        files = [(each.relative_to(folder).as_posix(), each) for each in _files(folder)]
        blocking(lambda: _send(dsn, objects, files))
    else:
        objects = str(path / "objects")
        shutil.copytree(folder, objects, dirs_exist_ok=True)
    storage.place(path, dsn, objects)
    return token.read_text(encoding="utf-8")


async def add_token(target: PostgresTarget, token: Path) -> None:
    """Add a token called ``test``, and write it to a file."""
    async with await Platform._open_postgres(target, False, None, None, None) as platform:
        made, _ = await create_token(platform.context, name="test")
    token.write_text(made, encoding="utf-8")


def _files(folder: Path) -> list[Path]:
    hidden = (".incoming", ".parts")
    return [
        each
        for each in folder.rglob("*")
        if each.is_file() and each.relative_to(folder).parts[0] not in hidden
    ]


async def _send(dsn: str, objects: str, files: list[tuple[str, Path]]) -> None:
    store = await open_objects(PostgresTarget(dsn=dsn, objects=objects, scratch_root=Path()))
    try:
        for outcome in await store.put_files(files):
            if isinstance(outcome, BaseException):
                raise outcome
    finally:
        await asyncio.shield(store.aclose())
