-- Which assets have which labels, so that a listing by label reads no annotation: one row for each label that some of
-- 4096 neighbouring assets have ("block" is seq / 4096). "assets" is the set of their offsets (platform/core/asset_set.py),
-- "assets_n" its size.
create table label_mark (
    bucket integer not null,
    version integer not null,
    block integer not null,
    label integer not null,
    assets_n integer not null,
    assets blob not null,
    primary key (bucket, version, block, label)
) without rowid, strict;

-- The first asset of the version that is not marked yet; null once all are. What is written is marked in any case.
alter table version add column unmarked integer;
update version set unmarked = 0;
