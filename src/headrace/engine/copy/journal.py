"""What a copy remembers: which asset became which, and what of its annotations was written.

One SQLite file in the state folder for each source, version, target and version. Rows are committed after the work that
they stand for, so a copy that was killed repeats at most its last batch, for which it asks the target first. The file
holds ids, names, sizes and digests; no token, no URL, no metadata and no shape. It may be deleted: then the next copy
compares everything with the target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

from headrace.engine.copy.journal_file import JournalFile
from headrace.engine.copy.journal_rows import COLUMNS, Listed, Present, Row, row_of

_RUN_BITS = 40


class Journal(JournalFile):
    """The journal of one copy."""

    def belongs_to(self, source: UUID, target: UUID) -> bool:
        """Say which versions are copied; returns False, and forgets all, where the names meant others before."""
        same = self.fact("source") in (None, str(source)) and self.fact("target") in (
            None,
            str(target),
        )
        with self._mutex, self._db:
            if not same:
                self._db.execute(
                    "delete from asset; delete from annotation; delete from writing; delete from tag"
                )
            self.set_fact("source", str(source))
            self.set_fact("target", str(target))
        return same

    # --- the source ---------------------------------------------------------------------------------------

    def list_source(self, assets: Sequence[Listed], before: int) -> None:
        """Note assets in the order of the listing, newest first; ``before`` counts those of earlier pages.

        New assets come after those of earlier runs, and the oldest of them first.
        """
        first = ((self.run + 1) << _RUN_BITS) - before - 1
        with self._mutex, self._db:
            self._db.executemany(
                "insert into asset (no, source, data, name, size, width, height, sha256, seen)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " on conflict (source) do update set seen = excluded.seen, name = excluded.name,"
                " size = coalesce(excluded.size, size), sha256 = coalesce(excluded.sha256, sha256),"
                " width = excluded.width, height = excluded.height",
                (
                    (
                        first - index,
                        each.source.bytes,
                        each.data.bytes,
                        each.name,
                        each.size,
                        each.width,
                        each.height,
                        each.sha256,
                        self.run,
                    )
                    for index, each in enumerate(assets)
                ),
            )

    def rows(self, most: int, after: int = -1) -> list[Row]:
        """Return assets of this run after the number ``after``, oldest first."""
        found = self._all(
            f"select {COLUMNS} from asset where no > ? and seen = ? order by no limit ?",
            (after, self.run, most),
        )
        return list(map(row_of, found))

    def rows_of(self, sources: Iterable[UUID]) -> list[Row]:
        """Return the rows of these assets of the source, as far as they are in the journal."""
        query = f"select {COLUMNS} from asset where source = ? and seen = ?"
        found = [self._all(query, (source.bytes, self.run)) for source in sources]
        return [row_of(rows[0]) for rows in found if rows]

    def totals(self) -> tuple[int, int]:
        """Return the number of assets of this run, and how many of them the target has."""
        query = "select count(*), count(target) from asset where seen = ?"
        ((assets, there),) = self._all(query, (self.run,))
        return assets, there

    def vanished(self) -> int:
        """Return the number of assets that an earlier run copied and that the source has no longer."""
        query = "select count(*) from asset where seen < ? and target is not null"
        return int(self._all(query, (self.run,))[0][0])

    # --- the target ---------------------------------------------------------------------------------------

    def list_target(self, assets: Iterable[Present]) -> None:
        """Note assets that the target version has, in the order of the listing, newest first."""
        with self._mutex, self._db:
            self._db.executemany(
                "insert or ignore into temp.present values (null, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        each.asset.bytes,
                        each.data.bytes,
                        each.name,
                        each.sha256,
                        each.size,
                        each.width,
                        each.height,
                    )
                    for each in assets
                ),
            )

    def forget_missing(self) -> int:
        """Forget the assets that are no longer in the target version; returns their number."""
        with self._mutex, self._db:
            gone = "target is not null and target not in (select asset from temp.present)"
            self._db.execute(
                f"delete from annotation where asset in (select no from asset where {gone})"
            )
            self._db.execute(f"delete from tag where asset in (select no from asset where {gone})")
            self._db.execute(f"update asset set target = null, annotations = null where {gone}")
            changes = self._db.changes()
        return int(changes)

    def present(self, names: Iterable[str]) -> dict[str, list[Present]]:
        """Return the assets of these names that the target version has, and that no asset of the source stands for.

        The oldest comes first, as assets of the source are looked up: so twins find their own counterpart.
        """
        query = (
            "select asset, data, name, sha256, size, width, height from temp.present where name = ?"
            " and not exists (select 1 from main.asset where target = present.asset) order by no desc"
        )
        found: dict[str, list[Present]] = {}
        for name in dict.fromkeys(names):
            rows = self._all(query, (name,))
            if rows:
                found[name] = [
                    Present(UUID(bytes=asset), UUID(bytes=data), *rest)
                    for asset, data, *rest in rows
                ]
        return found

    def taken(self, data: Iterable[UUID]) -> set[UUID]:
        """Return those of the data of the target that stand for an asset of the source already."""
        query = "select 1 from asset where target_data = ? limit 1"
        return {each for each in data if self._all(query, (each.bytes,))}

    # --- what was done ------------------------------------------------------------------------------------

    def set_files(
        self, found: Iterable[tuple[int, UUID, bool, bytes | None, int | None, bytes]]
    ) -> None:
        """Note for numbers of assets: the data of the target, whether this copy made it, SHA-256, size, metadata."""
        with self._mutex, self._db:
            self._db.executemany(
                "update asset set target_data = ?, own = ?, sha256 = coalesce(?, sha256),"
                " size = coalesce(?, size), metadata = ? where no = ?",
                [
                    (data.bytes, own, sha256, size, metadata, no)
                    for no, data, own, sha256, size, metadata in found
                ],
            )

    def set_metadata(self, found: Iterable[tuple[int, bytes]]) -> None:
        """Note digests of the metadata that was written, by number of the asset."""
        with self._mutex, self._db:
            self._db.executemany(
                "update asset set metadata = ? where no = ?", [(digest, no) for no, digest in found]
            )

    def set_targets(self, found: Iterable[tuple[int, UUID]]) -> None:
        """Note the assets of the target by number."""
        with self._mutex, self._db:
            self._db.executemany(
                "update asset set target = ? where no = ?",
                [(target.bytes, no) for no, target in found],
            )

    def keys_of(self, numbers: Iterable[int]) -> dict[int, dict[str, bytes]]:
        """Return for numbers of assets the keys that were written, by annotation of the source."""
        query = "select source, key from annotation where asset = ?"
        found = {no: self._all(query, (no,)) for no in numbers}
        return {
            no: {str(UUID(bytes=source)): key for source, key in rows}
            for no, rows in found.items()
            if rows
        }

    def set_annotations(
        self,
        keys: Iterable[tuple[str, int, bytes]],
        digests: Iterable[tuple[int, bytes | None, bytes | None]],
        gone: Iterable[str] = (),
    ) -> None:
        """Note keys by annotation of the source, and for assets the digests of all keys and of the content.

        Annotations that are ``gone`` from the source are forgotten.
        """
        with self._mutex, self._db:
            self._db.executemany(
                "delete from annotation where source = ?", [(UUID(each).bytes,) for each in gone]
            )
            self._db.executemany(
                "insert or replace into annotation values (?, ?, ?)",
                [(UUID(source).bytes, no, key) for source, no, key in keys],
            )
            done = list(digests)
            self._db.executemany(
                "update asset set annotations = ?, content = coalesce(?, content) where no = ?",
                [(digest, content, no) for no, digest, content in done],
            )
            self._db.executemany(
                "delete from writing where asset = ?", [(no,) for no, _, _ in done]
            )

    def set_writing(self, assets: Iterable[tuple[int, Iterable[UUID]]]) -> None:
        """Note that annotations are being written in several calls, and those that the assets had before.

        What an interrupted run has half written is told by it. A second note for an asset is ignored.
        """
        with self._mutex, self._db:
            self._db.executemany(
                "insert or ignore into writing values (?, ?)",
                [(no, b"".join(each.bytes for each in present)) for no, present in assets],
            )

    def writing_of(self, numbers: Iterable[int]) -> dict[int, set[UUID]]:
        """Return the annotations that assets had before a run began to write, for those that it has not finished."""
        found = {}
        for no in numbers:
            for (present,) in self._all("select present from writing where asset = ?", (no,)):
                found[no] = {UUID(bytes=present[at : at + 16]) for at in range(0, len(present), 16)}
        return found

    def untagged(self, kind: str, name: str, rows: Sequence[Row]) -> list[Row]:
        """Return those of the rows for which a tag was not attached yet."""
        query = "select 1 from tag where kind = ? and name = ? and asset = ?"
        return [row for row in rows if not self._all(query, (kind, name, row.no))]

    def set_tagged(self, kind: str, name: str, rows: Iterable[Row]) -> None:
        """Note that a tag was attached."""
        with self._mutex, self._db:
            self._db.executemany(
                "insert or ignore into tag values (?, ?, ?)", [(kind, name, row.no) for row in rows]
            )

    # --- verifying ----------------------------------------------------------------------------------------

    def begin_check(self) -> None:
        """Forget which assets were compared."""
        with self._mutex:
            self._db.execute("update asset set checked = 0 where checked <> 0")

    def of_target(self, asset: UUID) -> Row | None:
        """Return the row of an asset of the target; None for one that the copy did not bring."""
        query = f"select {COLUMNS} from asset where target = ? and seen = ?"
        found = self._all(query, (asset.bytes, self.run))
        return row_of(found[0]) if found else None

    def set_checked(self, numbers: Iterable[int]) -> None:
        """Note that assets were compared."""
        with self._mutex, self._db:
            self._db.executemany(
                "update asset set checked = 1 where no = ?", [(no,) for no in numbers]
            )

    def unchecked(self) -> Iterator[str]:
        """Yield the names of the assets that should be at the target and were not found there."""
        for name, target, checked in self._each("name, target, checked"):
            if target is not None and not checked:
                yield name

    def contents(self) -> Iterator[bytes | None]:
        """Yield the digests of the content of all assets of this run; None where one is not known."""
        for (content,) in self._each("content"):
            yield content

    def _each(self, columns: str) -> Iterator[tuple[Any, ...]]:
        """Yield columns of all assets of this run, a page at a time, since other threads use the database too."""
        after = -1
        while True:
            found = self._all(
                f"select no, {columns} from asset where no > ? and seen = ? order by no limit 5000",
                (after, self.run),
            )
            if not found:
                return
            yield from (row[1:] for row in found)
            after = found[-1][0]


def key_of(*names: str) -> str:
    """Return the name of the journal of a copy: a digest of what is copied where."""
    text = "\0".join(names).encode(errors="surrogatepass")
    return blake2b(text, digest_size=16).hexdigest()
