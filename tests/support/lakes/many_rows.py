"""A lake with many rows and hardly any file: what moves in a migration, without the time to import it."""

from __future__ import annotations

from pathlib import Path

import apsw

from headrace.folders.lakes import DATABASE
from tests.support.lakes.cared import make_lake

_MORE = """
insert into data (lake_bucket, no, lake, object_name, filename, kind, content_type, status, width, height, size, sha256,
                  source, created, metadata, custom_metadata)
select d.lake_bucket, 1000 + n.no, d.lake, 'many/' || n.no || '.jpg', n.no || '.jpg', d.kind, d.content_type, d.status,
       d.width, d.height, null, d.sha256, d.source, d.created, d.metadata, d.custom_metadata
from numbers n cross join (select * from data where size is not null limit 1) d;

insert into asset (bucket, version, seq, lake_bucket, data, filename)
select a.bucket, a.version, 1000 + n.no, a.lake_bucket, 1000 + n.no, n.no || '.jpg'
from numbers n cross join (select * from asset order by version, seq limit 1) a;

insert into annotation (bucket, version, asset, no, account, status, created, duration, shapes_n, counts, shapes, content,
                        attributes)
select a.bucket, a.version, 1000 + n.no, 1000 + n.no, a.account, a.status, a.created, a.duration, a.shapes_n, a.counts,
       a.shapes, null, a.attributes
from numbers n cross join
     (select * from annotation where shapes is not null order by length(shapes) desc limit 1) a;
"""


async def make_many_rows(lake: Path, images: Path, assets: int) -> None:
    """Make a lake with annotated images, and so many assets more, each with the annotation of one of them and no file."""
    await make_lake(lake, images)
    connection = apsw.Connection(str(lake / DATABASE))
    try:
        with connection:
            connection.execute("create temp table numbers (no integer primary key)")
            connection.execute(
                "with recursive n (no) as (select 1 union all select no + 1 from n where no < ?)"
                " insert into numbers select no from n",
                (assets,),
            )
            connection.execute(_MORE)
    finally:
        connection.close()
