-- Single annotations: list without shapes, read and rewrite one, delete in ranges.

-- name: page
select n.no, n.asset, n.status, n.duration, n.attributes, n.account, (select u.created from account u where u.no = n.account)
from (select m.asset, m.no from annotation m
      where m.bucket = :bucket and m.version = :version and m.no < :before
      order by m.no desc limit :limit offset :offset) k
cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = k.asset and n.no = k.no
order by k.no desc

-- name: filtered
select n.no, n.asset, n.status, n.duration, n.attributes, n.account, (select u.created from account u where u.no = n.account)
from annotation n
where n.bucket = :bucket and n.version = :version and n.no < :before /*filters*/
order by n.no desc limit :limit offset :offset

-- name: one
select n.no, n.asset, n.status, n.duration, n.attributes, n.account, (select u.created from account u where u.no = n.account)
from annotation n
where n.bucket = :bucket and n.version = :version and n.no = :no

-- name: shapes
select n.no, n.asset, n.counts, n.content, coalesce(n.shapes, c.shapes)
from annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.no = :no

-- name: update
update annotation set status = coalesce(:status, status), account = coalesce(:account, account), duration = coalesce(:duration, duration),
                      attributes = case when cast(:attributes as text) is null then attributes
                                        else nullif(:attributes, '{}') end
where bucket = :bucket and version = :version and asset = :asset and no = :no

-- name: rewrite
update annotation set duration = coalesce(:duration, duration), shapes_n = :size, counts = :counts,
                      shapes = :shapes, content = :content, marks = :marks, scores = :scores
where bucket = :bucket and version = :version and asset = :asset and no = :no

-- name: range_of_assets
select n.asset, n.no, n.counts, n.content, n.account
from json_numbers(:keys) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value and n.no < :before /*filters*/
limit :limit

-- name: range_of_numbers
select n.asset, n.no, n.counts, n.content, n.account
from json_numbers(:keys) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.no = j.value and n.no < :before /*filters*/
limit :limit

-- name: with_label
select n.asset, n.no, n.counts, n.content, coalesce(n.shapes, c.shapes)
from annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and (n.asset, n.no) > (:asset, :no)
  and :label * 16 = any (n.marks)
order by n.asset, n.no limit :limit

-- name: with_shapes
select n.asset, n.no, n.counts, n.content, coalesce(n.shapes, c.shapes)
from json_numbers(:keys) j cross join annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.no = j.value

-- name: rewrite_shapes
update annotation n
set shapes_n = w.shapes_n, counts = w.counts, shapes = w.shapes, content = w.content, marks = w.marks, scores = w.scores
from (select cast(? as integer) as shapes_n, cast(? as bytea) as counts, cast(? as bytea) as shapes,
             cast(? as bigint) as content, cast(? as smallint) as bucket, cast(? as integer) as version,
             cast(? as integer) as asset, cast(? as integer) as no, cast(? as integer[]) as marks,
             cast(? as double precision[]) as scores) w
where n.bucket = w.bucket and n.version = w.version and n.asset = w.asset and n.no = w.no

-- name: of_assets
select n.asset, n.no, n.status, coalesce(n.shapes, c.shapes)
from json_numbers(:assets) j cross join annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.asset = j.value
order by j.key, n.no desc
