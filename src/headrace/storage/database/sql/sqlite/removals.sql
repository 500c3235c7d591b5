-- Removals that can be undone: their rows, and what they read before it goes.

-- name: count_deletion
update removal set updated = :now,
    assets = (select coalesce(sum(d.assets), 0)
              from version v cross join version_delta d indexed by version_delta_version
              where v.removal = :no and d.bucket = v.bucket and d.version = v.no),
    annotations = (select coalesce(sum(d.annotations), 0)
                   from version v cross join version_delta d indexed by version_delta_version
                   where v.removal = :no and d.bucket = v.bucket and d.version = v.no),
    shapes = (select coalesce(sum(d.shapes), 0)
              from version v cross join label_delta d indexed by label_delta_version
              where v.removal = :no and d.bucket = v.bucket and d.version = v.no)
where no = :no

-- name: used
select coalesce(sum(bytes), 0) from removal

-- name: catalog_bytes
select (select page_count from pragma_page_count) * (select page_size from pragma_page_size)

-- name: live
select r.no from json_each(:keys) j cross join removal r where r.no = j.value

-- name: size_of_assets
select coalesce(sum(100 + length(a.filename)
    + (select coalesce(sum(100 + length(n.counts) + coalesce(length(n.shapes), length(c.shapes), 0)
                           + coalesce(length(n.attributes), 0)), 0)
       from annotation n
       left join content c on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
       where n.bucket = :bucket and n.version = :version and n.asset = a.seq)), 0)
from json_each(:assets) j cross join asset a
where a.bucket = :bucket and a.version = :version and a.seq = j.value

-- name: size_of_numbers
select coalesce(sum(100 + length(n.counts) + coalesce(length(n.shapes), length(c.shapes), 0)
                    + coalesce(length(n.attributes), 0)), 0)
from json_each(:keys) j cross join annotation n indexed by annotation_no
left join content c on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.no = j.value

-- name: assets
select a.seq, a.lake_bucket, a.data, a.filename
from json_each(:keys) j cross join asset a
where a.bucket = :bucket and a.version = :version and a.seq = j.value

-- name: tags
select l.asset, l.tag, t.name
from json_each(:keys) j cross join asset_tag l indexed by asset_tag_asset cross join tag t
where l.bucket = :bucket and l.version = :version and l.asset = j.value
  and t.family = 2 and t.scope = l.version and t.key = l.tag

-- name: annotations_of_assets
select n.asset, n.no, n.account, n.status, n.created, n.duration, n.counts, coalesce(n.shapes, c.shapes), n.attributes,
       n.shapes_n
from json_each(:keys) j cross join annotation n
left join content c on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.asset = j.value
order by n.asset, n.no

-- name: annotations_of_numbers
select n.asset, n.no, n.account, n.status, n.created, n.duration, n.counts, coalesce(n.shapes, c.shapes), n.attributes,
       n.shapes_n
from json_each(:keys) j cross join annotation n indexed by annotation_no
left join content c on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.no = j.value

-- name: size_of_version
select coalesce(sum(100 + length(n.counts) + coalesce(length(n.shapes), length(c.shapes), 0)
                    + coalesce(length(n.attributes), 0)), 0)
from annotation n
left join content c on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version

-- name: hold
select r.no, r.bytes from removal r where r.no = :no
