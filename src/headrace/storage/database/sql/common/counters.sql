-- Counters of versions: every change appends deltas, reads sum them, and they are folded regularly. The index is named
-- because with statistics from small tables the planner would read the rows of all versions.

-- name: add_label_delta
insert into label_delta (bucket, version, label, shapes, annotations) values (?, ?, ?, ?, ?)

-- name: add_version_delta
insert into version_delta (bucket, version, assets, annotations) values (?, ?, ?, ?)
