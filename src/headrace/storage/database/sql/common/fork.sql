-- Forks: versions filled from another version of the same dataset, by ranges of seq; keys are kept, content is shared.
-- The new version is locked (2) while it is filled, so that no other change reserves numbers in it.

-- name: fill
update version set locked = 2, next_asset = :next_asset where no = :no

-- name: share
update dataset set sharing = 1 where no = :dataset

-- name: numbers
select v.next_asset, v.next_annotation from version v where v.no = :no

-- name: places
select f.bucket, t.bucket
from version f cross join version t
where f.no = :source and f.state = 'ACTIVE' and t.no = :target and t.state = 'ACTIVE'

-- name: end_of_range
select max(seq) from (
    select a.seq from asset a
    where a.bucket = :bucket and a.version = :version and a.seq > :after and a.seq < :horizon
    order by a.seq limit :limit)

-- name: copy_labels
insert into label (version, key, name, grp, position, created, skeleton, attributes)
select :target, b.key, b.name, b.grp, b.position, b.created, b.skeleton, b.attributes
from label b where b.version = :source

-- name: copy_attributes
update version set attributes = (select f.attributes from version f where f.no = :source) where no = :target

-- name: copy_groups
insert into label_group (version, key, name, parent, created)
select :target, g.key, g.name, g.parent, g.created from label_group g where g.version = :source

-- name: copy_assets
insert into asset (bucket, version, seq, lake_bucket, data, filename)
select :target_bucket, :target, a.seq, a.lake_bucket, a.data, a.filename
from asset a
where a.bucket = :bucket and a.version = :source and a.seq > :after and a.seq <= :until

-- name: counts
select n.counts, count(*)
from annotation n
where n.bucket = :bucket and n.version = :version and n.asset > :after and n.asset <= :until
group by n.counts
