-- Removal of assets from versions, and of the rows of deleted versions, range by range.

-- name: touch
update version set revision = revision + 1 where no = :version

-- name: doomed_version
select v.no, v.bucket, s.no, s.bucket, s.organization
from version v cross join dataset s
where v.state = 'DELETING' and v.purge_after <= :now and s.no = v.dataset
order by v.no limit 1

-- name: range
select seq from asset where bucket = :bucket and version = :version order by seq limit :limit

-- name: drop_labels
delete from label where version = :version

-- name: drop_gone_labels
delete from label_gone where version = :version

-- name: drop_groups
delete from label_group where version = :version

-- name: drop_tags
delete from tag where family = 2 and scope = :version

-- name: drop_object_tags
delete from object_tag where organization = :organization and object = :object and tag in (
    select t.key from tag t where t.family = 3 and t.scope = :organization and t.target = :target)

-- name: drop_ledger
delete from shard where job in (select no from job where kind = 'IMPORT' and subject = :version)

-- name: end_imports
update job set state = 'TERMINATED', updated = :now
where kind = 'IMPORT' and subject = :version and state = 'RUNNING'

-- name: drop_removals
delete from removal where version = :version

-- name: drop_version
delete from version where no = :version and state = 'DELETING'

-- name: doomed_dataset
select s.no, s.organization, s.bucket from dataset s
where s.state = 'DELETING' and s.purge_after <= :now and not exists (select 1 from version v where v.dataset = s.no)
order by s.no limit 1

-- name: drop_dataset
delete from dataset where no = :dataset and state = 'DELETING'
