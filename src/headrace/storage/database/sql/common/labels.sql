-- Labels of a version and their groups, in order of creation.

-- name: all
select b.key, b.name, b.grp from label b where b.version = :version order by b.position, b.key

-- name: keys
select b.key, b.name from label b where b.version = :version order by b.key

-- name: by_key
select b.key, b.name, b.grp from label b where b.version = :version and b.key = :key

-- name: by_name
select b.key, b.name, b.grp from label b where b.version = :version and b.name = :name

-- name: sibling_key
select b.key
from version v cross join label b
where v.dataset = :dataset and v.state = 'ACTIVE' and b.version = v.no and b.name = :name
  and not exists (select 1 from label x where x.version = :version and x.key = b.key)
  and not exists (select 1 from label_gone g where g.version = :version and g.key = b.key)
order by b.key limit 1

-- name: take_key
update dataset set next_label = next_label + 1 where no = :dataset returning next_label - 1

-- name: next_position
select coalesce(max(b.position), 0) + 1 from label b where b.version = :version

-- name: add
insert into label (version, key, name, grp, position, created)
values (:version, :key, :name, null, :position, :created)

-- name: update
update label set name = coalesce(:name, name), grp = coalesce(:grp, grp)
where version = :version and key = :key
returning key, name, grp

-- name: groups
select g.key, g.name, g.parent from label_group g where g.version = :version order by g.key

-- name: group_by_key
select g.key, g.name, g.parent from label_group g where g.version = :version and g.key = :key

-- name: add_group
insert into label_group (version, key, name, parent, created)
values (:version, :key, :name, :parent, :created)

-- name: update_group
update label_group set name = coalesce(:name, name), parent = coalesce(:parent, parent)
where version = :version and key = :key

-- name: skeletons
select b.key, b.skeleton from label b where b.version = :version and b.skeleton is not null
order by b.position, b.key

-- name: skeleton
select b.skeleton from label b where b.version = :version and b.key = :key

-- name: set_skeleton
update label set skeleton = :skeleton where version = :version and key = :key

-- name: attributes
select b.attributes from label b where b.version = :version and b.key = :key

-- name: set_attributes
update label set attributes = :attributes where version = :version and key = :key

-- name: version_attributes
select v.attributes from version v where v.no = :version

-- name: set_version_attributes
update version set attributes = :attributes where no = :version

-- name: drop
delete from label where version = :version and key = :key

-- name: note_gone
insert into label_gone (version, key) values (:version, :key)

-- name: leave_group
update label set grp = null where version = :version and grp = :key

-- name: leave_parent
update label_group set parent = null where version = :version and parent = :key

-- name: drop_group
delete from label_group where version = :version and key = :key
