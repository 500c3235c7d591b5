-- Which assets have which labels (platform/core/label_marks.py): sets of assets by label, in blocks of seq.

-- Of pairs of a block and a label, as one number each. A planner that may choose reads all marks of the version instead.

-- name: sets
select m.block, m.label, m.assets
from json_numbers(:pairs) j cross join lateral (
    select x.block, x.label, x.assets from label_mark x
    where x.bucket = :bucket and x.version = :version
      and x.block = j.value >> 32 and x.label = j.value & 4294967295 offset 0) m

-- name: sizes
select coalesce(sum(m.assets_n), 0)
from json_numbers(:pairs) j cross join lateral (
    select x.assets_n from label_mark x
    where x.bucket = :bucket and x.version = :version
      and x.block = j.value >> 32 and x.label = j.value & 4294967295 offset 0) m

-- name: counts_of_assets
select n.asset, n.counts
from json_numbers(:assets) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value

-- name: put
insert into label_mark (bucket, version, block, label, assets_n, assets) values (?, ?, ?, ?, ?, ?)
on conflict (bucket, version, block, label) do update set assets_n = excluded.assets_n, assets = excluded.assets
