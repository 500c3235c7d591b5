-- Removals that can be undone: their rows, and what they read before it goes.

-- name: count_deletion
update removal set updated = :now, assets = t.assets, annotations = t.annotations, shapes = t.shapes
from (select cast(coalesce(sum(d.assets), 0) as bigint) as assets,
             cast(coalesce(sum(d.annotations), 0) as bigint) as annotations,
             cast(coalesce(sum(l.shapes), 0) as bigint) as shapes
      from version v
      cross join lateral (select sum(c.assets) as assets, sum(c.annotations) as annotations from version_delta c
                          where c.bucket = v.bucket and c.version = v.no) d
      cross join lateral (select sum(c.shapes) as shapes from label_delta c
                          where c.bucket = v.bucket and c.version = v.no) l
      where v.removal = :no) t
where no = :no

-- name: used
select cast(coalesce(sum(bytes), 0) as bigint) from removal

-- name: catalog_bytes
select pg_database_size(current_database())

-- name: live
select r.no from json_numbers(:keys) j cross join removal r where r.no = j.value

-- name: size_of_assets
select cast(coalesce(sum(100 + length(a.filename)
    + (select coalesce(sum(100 + length(n.counts) + coalesce(length(n.shapes), length(c.shapes), 0)
                           + coalesce(length(n.attributes), 0)), 0)
       from annotation n
       left join content c on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
       where n.bucket = :bucket and n.version = :version and n.asset = a.seq)), 0) as bigint)
from json_numbers(:assets) j cross join asset a
where a.bucket = :bucket and a.version = :version and a.seq = j.value

-- name: size_of_numbers
select coalesce(sum(100 + length(n.counts) + coalesce(length(n.shapes), length(c.shapes), 0)
                    + coalesce(length(n.attributes), 0)), 0)
from json_numbers(:keys) j cross join annotation n
left join content c on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.no = j.value

-- name: assets
select a.seq, a.lake_bucket, a.data, a.filename
from json_numbers(:keys) j cross join asset a
where a.bucket = :bucket and a.version = :version and a.seq = j.value
order by j.key

-- name: tags
select l.asset, l.tag, t.name
from json_numbers(:keys) j cross join asset_tag l cross join tag t
where l.bucket = :bucket and l.version = :version and l.asset = j.value
  and t.family = 2 and t.scope = l.version and t.key = l.tag
order by j.key, l.tag

-- name: annotations_of_assets
select n.asset, n.no, n.account, n.status, n.created, n.duration, n.counts, coalesce(n.shapes, c.shapes), n.attributes,
       n.shapes_n
from json_numbers(:keys) j cross join annotation n
left join content c on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.asset = j.value
order by n.asset, n.no

-- name: annotations_of_numbers
select n.asset, n.no, n.account, n.status, n.created, n.duration, n.counts, coalesce(n.shapes, c.shapes), n.attributes,
       n.shapes_n
from json_numbers(:keys) j cross join annotation n
left join content c on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.no = j.value

-- name: size_of_version
select coalesce(sum(100 + length(n.counts) + coalesce(length(n.shapes), length(c.shapes), 0)
                    + coalesce(length(n.attributes), 0)), 0)
from annotation n
left join lateral (
    select x.shapes from content x
    where x.dataset_bucket = :dataset_bucket and x.dataset = :dataset and x.no = n.content offset 0) c on true
where n.bucket = :bucket and n.version = :version

-- name: hold
select r.no, r.bytes from removal r where r.no = :no for update
