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

-- name: copy_tags
insert or ignore into tag (family, scope, key, target, name, created)
select 2, :target, t.key, t.target, t.name, t.created from tag t where t.family = 2 and t.scope = :source

-- name: copy_assets
insert into asset (bucket, version, seq, lake_bucket, data, filename)
select :target_bucket, :target, a.seq, a.lake_bucket, a.data, a.filename
from asset a
where a.bucket = :bucket and a.version = :source and a.seq > :after and a.seq <= :until

-- name: copy_asset_tags
insert into asset_tag (bucket, version, tag, asset)
select :target_bucket, :target, l.tag, l.asset
from asset_tag l indexed by asset_tag_asset
where l.bucket = :bucket and l.version = :source and l.asset > :after and l.asset <= :until
  and exists (select 1 from tag t where t.family = 2 and t.scope = :target and t.key = l.tag)

-- name: copy_annotations
insert into annotation (bucket, version, asset, no, account, status, created, duration,
                        shapes_n, counts, shapes, content, attributes)
select :target_bucket, :target, n.asset, n.no, n.account, n.status, n.created, n.duration,
       n.shapes_n, n.counts, n.shapes, n.content, n.attributes
from annotation n
where n.bucket = :bucket and n.version = :source and n.asset > :after and n.asset <= :until

-- name: counts
select n.counts, count(*)
from annotation n
where n.bucket = :bucket and n.version = :version and n.asset > :after and n.asset <= :until
group by n.counts

-- name: open
update version set locked = 0, revision = revision + 1,
                   next_asset = max(next_asset, :next_asset),
                   next_annotation = max(next_annotation, :next_annotation)
where no = :no and locked = 2
