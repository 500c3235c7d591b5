-- Labels of a version and their groups, in order of creation.

-- name: by_names
select b.key, b.name, b.grp
from json_texts(:names) j cross join label b
where b.version = :version and b.name = j.value

-- name: used_by_job
select j.kind
from (select kind, subject, cast(spec as json) as spec from job
      where state = 'RUNNING' and kind in ('FORK', 'COPY', 'CONVERT')) j
where cast(:version as bigint) in (
    j.subject, cast(j.spec ->> 'parent' as bigint), cast(j.spec ->> 'source' as bigint),
    cast(j.spec ->> 'version' as bigint))
limit 1
