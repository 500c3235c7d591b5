-- Annotations, written in chunks and read newest first.

-- name: targets
select a.seq, n.no, n.account, n.status, n.counts, n.shapes, n.content, n.attributes
from json_each(:assets) j cross join asset a
left join annotation n on n.bucket = a.bucket and n.version = a.version and n.asset = a.seq
where a.bucket = :bucket and a.version = :version and a.seq = j.value
order by a.seq, n.no

-- name: contents
select c.no, c.shapes
from json_each(:keys) j cross join content c
where c.dataset_bucket = :bucket and c.dataset = :dataset and c.no = j.value

-- name: sizes
select a.seq, d.width, d.height
from json_each(:assets) j cross join asset a cross join data d
where a.bucket = :bucket and a.version = :version and a.seq = j.value
  and d.lake_bucket = a.lake_bucket and d.no = a.data

-- name: add
insert into annotation (bucket, version, asset, no, account, status, created, duration,
                        shapes_n, counts, shapes, content, attributes)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: rewrite
update annotation set status = ?, shapes_n = ?, counts = ?, shapes = ?, content = ?, attributes = ?
where bucket = ? and version = ? and asset = ? and no = ?

-- name: add_content
insert into content (dataset_bucket, dataset, no, shapes) values (?, ?, ?, ?)

-- name: drop_contents
delete from content
where dataset_bucket = :bucket and dataset = :dataset and no in (select value from json_each(:keys))
  and (select s.sharing from dataset s where s.no = :dataset) = 0

-- name: ids
select n.no from annotation n indexed by annotation_no
where n.bucket = :bucket and n.version = :version /*filters*/
order by n.no desc

-- name: ids_of_assets
select n.no
from json_each(:assets) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value /*filters*/
order by n.no desc

-- name: load
select n.no, n.asset, n.status, n.duration, coalesce(n.shapes, c.shapes), n.attributes, n.account,
       (select u.created from account u where u.no = n.account)
from json_each(:keys) j cross join annotation n indexed by annotation_no
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.no = j.value
order by n.no desc

-- name: load_of_assets
select n.no, n.asset, n.status, n.duration, coalesce(n.shapes, c.shapes), n.attributes, n.account,
       (select u.created from account u where u.no = n.account)
from json_each(:assets) j cross join annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.asset = j.value /*filters*/
order by j.key, n.no desc

-- Assets with the newest annotation of each, oldest asset first: the content of an annotation file. An asset whose data is
-- missing is a row too, so that it is noticed.

-- name: export_all
select a.seq, k.bucket, k.created, d.no, d.filename, d.object_name, d.width, d.height,
       n.no, n.status, n.duration, coalesce(n.shapes, c.shapes), n.attributes
from asset a cross join annotation n
left join data d on d.lake_bucket = a.lake_bucket and d.no = a.data
left join lake k on k.no = d.lake
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where a.bucket = :bucket and a.version = :version
  and n.bucket = a.bucket and n.version = a.version and n.asset = a.seq
  and n.no = (select max(m.no) from annotation m
              where m.bucket = :bucket and m.version = :version and m.asset = a.seq
                and (:status is null or m.status = :status) and (:account is null or m.account = :account))
order by a.seq

-- name: export_chosen
select a.seq, k.bucket, k.created, d.no, d.filename, d.object_name, d.width, d.height,
       n.no, n.status, n.duration, coalesce(n.shapes, c.shapes), n.attributes
from json_each(:assets) j cross join asset a cross join annotation n
left join data d on d.lake_bucket = a.lake_bucket and d.no = a.data
left join lake k on k.no = d.lake
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where a.bucket = :bucket and a.version = :version and a.seq = j.value
  and n.bucket = a.bucket and n.version = a.version and n.asset = a.seq
  and n.no = (select max(m.no) from annotation m
              where m.bucket = :bucket and m.version = :version and m.asset = a.seq
                and (:status is null or m.status = :status) and (:account is null or m.account = :account))

-- Pairs of asset and label that already have a classification.

-- name: classified
select json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]')
from json_each(:pairs) j cross join annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.asset = json_extract(j.value, '$[0]')
  and has_label(n.counts, json_extract(j.value, '$[1]'))
  and has_shape(coalesce(n.shapes, c.shapes), :kind, json_extract(j.value, '$[1]'))
