-- Assets copied by lists of keys, with their tags and annotations.

-- name: assets
select a.seq, a.lake_bucket, a.data, a.filename
from json_numbers(:assets) j cross join asset a
where a.bucket = :bucket and a.version = :version and a.seq = j.value
order by j.key

-- name: present
select a.seq, t.seq
from json_numbers(:assets) j cross join asset a cross join asset t
where a.bucket = :bucket and a.version = :version and a.seq = j.value
  and t.bucket = :target_bucket and t.version = :target
  and t.lake_bucket = a.lake_bucket and t.data = a.data

-- name: asset_tags
select l.asset, l.tag
from json_numbers(:assets) j cross join asset_tag l
where l.bucket = :bucket and l.version = :version and l.asset = j.value
order by j.key, l.tag

-- name: annotations
select n.asset, n.no, n.account, n.status, n.created, n.duration, n.shapes_n, n.counts, n.shapes,
       n.content, n.attributes
from json_numbers(:assets) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value
order by n.no

-- name: add_annotation
insert into annotation (bucket, version, asset, no, account, status, created, duration,
                        shapes_n, counts, shapes, content, attributes, marks, scores)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
