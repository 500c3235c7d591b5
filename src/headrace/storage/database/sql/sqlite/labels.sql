-- Labels of a version and their groups, in order of creation.

-- name: by_names
select b.key, b.name, b.grp
from json_each(:names) j cross join label b indexed by label_name
where b.version = :version and b.name = j.value

-- name: used_by_job
select j.kind from job j
where j.state = 'RUNNING' and j.kind in ('FORK', 'COPY', 'CONVERT')
  and :version in (j.subject, json_extract(j.spec, '$.parent'), json_extract(j.spec, '$.source'),
                   json_extract(j.spec, '$.version'))
limit 1
