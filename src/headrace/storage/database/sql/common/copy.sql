-- Assets copied by lists of keys, with their tags and annotations.

-- name: tags
select t.key, t.name, t.created from tag t
where t.family = 2 and t.scope = :version order by t.key

-- name: labels
select b.key, b.name, b.grp, b.created, b.skeleton, b.attributes from label b
where b.version = :version order by b.position, b.key

-- name: gone_labels
select g.key from label_gone g where g.version = :version

-- name: set_label_details
update label set skeleton = :skeleton, attributes = :attributes where version = :version and key = :key

-- name: set_label_group
update label set grp = :grp where version = :version and key = :key

-- name: places
select f.bucket, t.bucket, s.no, s.bucket, t.locked, g.no
from version f cross join version t cross join dataset s
left join campaign g on g.version = t.no and g.state <> 'DELETING'
where f.no = :source and f.state = 'ACTIVE' and t.no = :target and t.state = 'ACTIVE' and s.no = t.dataset
