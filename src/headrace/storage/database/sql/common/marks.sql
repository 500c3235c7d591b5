-- Which assets have which labels (platform/core/label_marks.py): sets of assets by label, in blocks of seq.

-- name: labels
select b.key from label b where b.version = :version /*filters*/

-- name: horizon
select v.next_asset, v.unmarked from version v where v.no = :version

-- name: sets_of_blocks
select m.block, m.label, m.assets
from label_mark m
where m.bucket = :bucket and m.version = :version and m.block between :first and :last

-- name: counts_of_range
select n.asset, n.counts
from annotation n
where n.bucket = :bucket and n.version = :version and n.asset >= :first and n.asset < :end

-- name: drop
delete from label_mark where bucket = ? and version = ? and block = ? and label = ?

-- name: drop_of_version
delete from label_mark where bucket = :bucket and version = :version

-- name: unmarked
select v.no, v.bucket, v.unmarked, v.next_asset from version v
where v.unmarked is not null and v.locked <> 2 limit 1

-- name: set_unmarked
update version set unmarked = :unmarked where no = :version

-- name: inherit_unmarked
update version set unmarked = 0
where no = :target and exists (select 1 from version f where f.no = :source and f.unmarked is not null)
