-- Counters of versions: every change appends deltas, reads sum them, and they are folded regularly. The index is named
-- because with statistics from small tables the planner would read the rows of all versions.

-- name: labels
select t.label, t.shapes, t.annotations, b.name
from (select label, cast(sum(shapes) as bigint) as shapes, cast(sum(annotations) as bigint) as annotations
      from label_delta
      where bucket = :bucket and version = :version group by label) t
left join label b on b.version = :version and b.key = t.label
where t.shapes <> 0 or t.annotations <> 0
order by b.position nulls first, t.label

-- name: shapes_of_label
select cast(coalesce(sum(shapes), 0) as bigint) from label_delta
where bucket = :bucket and version = :version and label = :label

-- name: totals
select cast(coalesce(sum(assets), 0) as bigint), cast(coalesce(sum(annotations), 0) as bigint), count(*)
from version_delta
where bucket = :bucket and version = :version

-- name: drop_label_deltas
delete from label_delta where bucket = :bucket and version = :version

-- name: drop_version_deltas
delete from version_delta where bucket = :bucket and version = :version
