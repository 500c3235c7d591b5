-- Datasets.

-- name: doom_versions
update version set state = 'DELETING', removal = :removal,
                   purge_after = case when locked = 2 then 0 else cast(:purge_after as bigint) end
where dataset = :no and state = 'ACTIVE'
