-- Looking after a lake: what a backup holds beside the objects, and what takes space.

-- name: expired
select count(*), coalesce(sum(r.bytes), 0) from removal r where r.created < :before

-- name: garbage
select coalesce(sum(s.garbage), 0) from dataset s where s.state = 'ACTIVE'

-- name: files_of_versions
select d.lake_bucket, d.no, coalesce(d.size, 0), a.version
from data d left join asset a indexed by asset_of_data on a.lake_bucket = d.lake_bucket and a.data = d.no
order by d.lake_bucket, d.no
