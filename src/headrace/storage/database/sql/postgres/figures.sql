-- Figures of the whole lake, for those who look after it.

-- name: jobs
select j.state, count(*) from job j group by j.state

-- name: files
select count(*), cast(coalesce(sum(t.size), 0) as bigint), max(t.no)
from (select d.no, d.size from data d where d.lake_bucket = :bucket and d.no > :after order by d.no limit :limit) t
