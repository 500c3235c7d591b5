-- What an undo compares and writes.

-- name: asset_names
select a.seq, a.filename
from json_each(:keys) j cross join asset a
where a.bucket = :bucket and a.version = :version and a.seq = j.value

-- name: annotations_of_assets
select n.asset, n.account, n.no
from json_each(:keys) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value

-- name: present_numbers
select n.no
from json_each(:keys) j cross join annotation n indexed by annotation_no
where n.bucket = :bucket and n.version = :version and n.no = j.value

-- name: tags
select t.key, t.name from tag t where t.family = 2 and t.scope = :version

-- name: deleted_versions
select v.no, v.name, v.dataset, s.name, s.state
from version v cross join dataset s
where v.removal = :removal and v.state = 'DELETING' and v.purge_after > :now and s.no = v.dataset
order by v.no

-- name: dataset
select s.name, s.state from dataset s
where s.no = :no and (s.state = 'ACTIVE' or s.purge_after > :now)

-- name: version_state
select v.state from version v where v.no = :no

-- name: version_name
select 1 from version v where v.dataset = :dataset and v.name = :name and v.state = 'ACTIVE'

-- name: restore_version
update version set state = 'ACTIVE', name = :name, purge_after = 0, revision = revision + 1
where no = :no and state = 'DELETING'

-- name: restore_dataset
update dataset set state = 'ACTIVE', name = :name, purge_after = 0 where no = :no and state = 'DELETING'
