-- Single annotations: list without shapes, read and rewrite one, delete in ranges.

-- name: page
select n.no, n.asset, n.status, n.duration, n.attributes, n.account, (select u.created from account u where u.no = n.account)
from (select m.asset, m.no from annotation m indexed by annotation_no
      where m.bucket = :bucket and m.version = :version and m.no < :before
      order by m.no desc limit :limit offset :offset) k
cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = k.asset and n.no = k.no
order by k.no desc

-- name: filtered
select n.no, n.asset, n.status, n.duration, n.attributes, n.account, (select u.created from account u where u.no = n.account)
from annotation n indexed by annotation_no
where n.bucket = :bucket and n.version = :version and n.no < :before /*filters*/
order by n.no desc limit :limit offset :offset

-- name: one
select n.no, n.asset, n.status, n.duration, n.attributes, n.account, (select u.created from account u where u.no = n.account)
from annotation n indexed by annotation_no
where n.bucket = :bucket and n.version = :version and n.no = :no

-- name: shapes
select n.no, n.asset, n.counts, n.content, coalesce(n.shapes, c.shapes)
from annotation n indexed by annotation_no
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.no = :no

-- name: update
update annotation set status = coalesce(:status, status), account = coalesce(:account, account), duration = coalesce(:duration, duration),
                      attributes = iif(:attributes is null, attributes, nullif(:attributes, '{}'))
where bucket = :bucket and version = :version and asset = :asset and no = :no

-- name: rewrite
update annotation set duration = coalesce(:duration, duration), shapes_n = :size, counts = :counts,
                      shapes = :shapes, content = :content
where bucket = :bucket and version = :version and asset = :asset and no = :no

-- name: range_of_assets
select n.asset, n.no, n.counts, n.content, n.account
from json_each(:keys) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value and n.no < :before /*filters*/
limit :limit

-- name: range_of_numbers
select n.asset, n.no, n.counts, n.content, n.account
from json_each(:keys) j cross join annotation n indexed by annotation_no
where n.bucket = :bucket and n.version = :version and n.no = j.value and n.no < :before /*filters*/
limit :limit

-- name: with_label
select n.asset, n.no, n.counts, n.content, coalesce(n.shapes, c.shapes)
from annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and (n.asset, n.no) > (:asset, :no)
  and has_label(n.counts, :label)
order by n.asset, n.no limit :limit

-- name: with_shapes
select n.asset, n.no, n.counts, n.content, coalesce(n.shapes, c.shapes)
from json_each(:keys) j cross join annotation n indexed by annotation_no
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.no = j.value

-- name: rewrite_shapes
update annotation set shapes_n = ?, counts = ?, shapes = ?, content = ?
where bucket = ? and version = ? and asset = ? and no = ?

-- name: of_assets
select n.asset, n.no, n.status, coalesce(n.shapes, c.shapes)
from json_each(:assets) j cross join annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.asset = j.value
order by j.key, n.no desc
