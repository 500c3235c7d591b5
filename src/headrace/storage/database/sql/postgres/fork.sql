-- Forks: versions filled from another version of the same dataset, by ranges of seq; keys are kept, content is shared.
-- The new version is locked (2) while it is filled, so that no other change reserves numbers in it.

-- name: copy_tags
insert into tag (family, scope, key, target, name, created)
select 2, :target, t.key, t.target, t.name, t.created from tag t where t.family = 2 and t.scope = :source
on conflict do nothing

-- name: copy_asset_tags
insert into asset_tag (bucket, version, tag, asset)
select :target_bucket, cast(:target as integer), l.tag, l.asset
from asset_tag l
where l.bucket = :bucket and l.version = :source and l.asset > :after and l.asset <= :until
  and exists (select 1 from tag t where t.family = 2 and t.scope = :target and t.key = l.tag)

-- name: copy_annotations
insert into annotation (bucket, version, asset, no, account, status, created, duration,
                        shapes_n, counts, shapes, content, attributes, marks, scores)
select :target_bucket, :target, n.asset, n.no, n.account, n.status, n.created, n.duration,
       n.shapes_n, n.counts, n.shapes, n.content, n.attributes, n.marks, n.scores
from annotation n
where n.bucket = :bucket and n.version = :source and n.asset > :after and n.asset <= :until

-- name: open
update version set locked = 0, revision = revision + 1,
                   next_asset = greatest(next_asset, :next_asset),
                   next_annotation = greatest(next_annotation, :next_annotation)
where no = :no and locked = 2
