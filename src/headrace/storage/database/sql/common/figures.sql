-- Figures of the whole lake, for those who look after it.

-- name: oldest_lease
select min(j.lease) from job j where j.state = 'RUNNING' and j.owner is not null

-- name: buckets
select distinct k.bucket from lake k
