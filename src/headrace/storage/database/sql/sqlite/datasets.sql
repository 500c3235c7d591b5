-- Datasets.

-- name: doom_versions
update version set state = 'DELETING', removal = :removal,
                   purge_after = iif(locked = 2, 0, :purge_after)
where dataset = :no and state = 'ACTIVE'
