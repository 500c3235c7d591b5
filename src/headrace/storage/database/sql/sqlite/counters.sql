-- Counters of versions: every change appends deltas, reads sum them, and they are folded regularly. The index is named
-- because with statistics from small tables the planner would read the rows of all versions.

-- name: labels
select t.label, t.shapes, t.annotations, b.name
from (select label, sum(shapes) as shapes, sum(annotations) as annotations
      from label_delta indexed by label_delta_version
      where bucket = :bucket and version = :version group by label) t
left join label b on b.version = :version and b.key = t.label
where t.shapes <> 0 or t.annotations <> 0
order by b.position, t.label

-- name: shapes_of_label
select coalesce(sum(shapes), 0) from label_delta indexed by label_delta_version
where bucket = :bucket and version = :version and label = :label

-- name: totals
select coalesce(sum(assets), 0), coalesce(sum(annotations), 0), count(*)
from version_delta indexed by version_delta_version
where bucket = :bucket and version = :version

-- name: drop_label_deltas
delete from label_delta indexed by label_delta_version where bucket = :bucket and version = :version

-- name: drop_version_deltas
delete from version_delta indexed by version_delta_version where bucket = :bucket and version = :version
