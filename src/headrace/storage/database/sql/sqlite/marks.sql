-- Which assets have which labels (platform/core/label_marks.py): sets of assets by label, in blocks of seq.

-- Of pairs of a block and a label, as one number each.

-- name: sets
select m.block, m.label, m.assets
from json_each(:pairs) j cross join label_mark m
where m.bucket = :bucket and m.version = :version and m.block = j.value >> 32 and m.label = j.value & 4294967295

-- name: sizes
select coalesce(sum(m.assets_n), 0)
from json_each(:pairs) j cross join label_mark m
where m.bucket = :bucket and m.version = :version and m.block = j.value >> 32 and m.label = j.value & 4294967295

-- name: counts_of_assets
select n.asset, n.counts
from json_each(:assets) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value

-- name: put
insert or replace into label_mark (bucket, version, block, label, assets_n, assets) values (?, ?, ?, ?, ?, ?)
