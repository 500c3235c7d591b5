-- Annotations, written in chunks and read newest first.

-- name: targets
select a.seq, n.no, n.account, n.status, n.counts, n.shapes, n.content, n.attributes
from json_numbers(:assets) j cross join asset a
left join annotation n on n.bucket = a.bucket and n.version = a.version and n.asset = a.seq
where a.bucket = :bucket and a.version = :version and a.seq = j.value
order by a.seq, n.no

-- name: contents
select c.no, c.shapes
from json_numbers(:keys) j cross join content c
where c.dataset_bucket = :bucket and c.dataset = :dataset and c.no = j.value

-- name: sizes
select a.seq, d.width, d.height
from json_numbers(:assets) j cross join asset a cross join data d
where a.bucket = :bucket and a.version = :version and a.seq = j.value
  and d.lake_bucket = a.lake_bucket and d.no = a.data

-- name: add
insert into annotation (bucket, version, asset, no, account, status, created, duration,
                        shapes_n, counts, shapes, content, attributes, marks, scores)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: rewrite
update annotation n
set status = w.status, shapes_n = w.shapes_n, counts = w.counts, shapes = w.shapes, content = w.content,
    attributes = w.attributes, marks = w.marks, scores = w.scores
from (select cast(? as text) as status, cast(? as integer) as shapes_n, cast(? as bytea) as counts,
             cast(? as bytea) as shapes, cast(? as bigint) as content, cast(? as text) as attributes,
             cast(? as smallint) as bucket, cast(? as integer) as version, cast(? as integer) as asset,
             cast(? as integer) as no, cast(? as integer[]) as marks,
             cast(? as double precision[]) as scores) w
where n.bucket = w.bucket and n.version = w.version and n.asset = w.asset and n.no = w.no

-- name: add_content
insert into content (dataset_bucket, dataset, no, shapes, marks, scores) values (?, ?, ?, ?, ?, ?)

-- name: drop_contents
delete from content
where dataset_bucket = :bucket and dataset = :dataset and no = any (array(select value from json_numbers(:keys)))
  and (select s.sharing from dataset s where s.no = :dataset) = 0

-- name: ids
select n.no from annotation n
where n.bucket = :bucket and n.version = :version /*filters*/
order by n.no desc

-- name: ids_of_assets
select n.no
from json_numbers(:assets) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value /*filters*/
order by n.no desc

-- name: load
select n.no, n.asset, n.status, n.duration, coalesce(n.shapes, c.shapes), n.attributes, n.account,
       (select u.created from account u where u.no = n.account)
from json_numbers(:keys) j cross join annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.no = j.value
order by n.no desc

-- name: load_of_assets
select n.no, n.asset, n.status, n.duration, coalesce(n.shapes, c.shapes), n.attributes, n.account,
       (select u.created from account u where u.no = n.account)
from json_numbers(:assets) j cross join annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.asset = j.value /*filters*/
order by j.key, n.no desc

-- Assets with the newest annotation of each, oldest asset first: the content of an annotation file. An asset whose data is
-- missing is a row too, so that it is noticed. A planner that joins whole tables sorts them before the first row: ranges of
-- assets, and joins that are sub-queries ("offset 0" keeps them so), give rows in order at once and in little memory.

-- name: export_all
select n.seq, k.bucket, k.created, d.no, d.filename, d.object_name, d.width, d.height,
       n.no, n.status, n.duration, coalesce(n.shapes, c.shapes), n.attributes
from generate_series(0, (select v.next_asset from version v where v.no = :version), 5000) r (first)
cross join lateral (
    select distinct on (a.seq) a.seq, a.lake_bucket, a.data,
           m.no, m.status, m.duration, m.shapes, m.content, m.attributes
    from asset a join annotation m on m.asset = a.seq
    where a.bucket = :bucket and a.version = :version and a.seq >= r.first and a.seq < r.first + 5000
      and m.bucket = :bucket and m.version = :version and m.asset >= r.first and m.asset < r.first + 5000
      and (cast(:status as text) is null or m.status = :status)
      and (cast(:account as bigint) is null or m.account = :account)
    order by a.seq, m.no desc) n
left join lateral (
    select x.* from data x where x.lake_bucket = n.lake_bucket and x.no = n.data offset 0) d on true
left join lateral (select x.bucket, x.created from lake x where x.no = d.lake offset 0) k on true
left join lateral (
    select x.shapes from content x
    where x.dataset_bucket = :dataset_bucket and x.dataset = :dataset and x.no = n.content offset 0) c on true

-- name: export_chosen
select n.seq, k.bucket, k.created, d.no, d.filename, d.object_name, d.width, d.height,
       n.no, n.status, n.duration, coalesce(n.shapes, c.shapes), n.attributes
from json_numbers(:assets) j cross join lateral (
    select a.seq, a.lake_bucket, a.data, m.no, m.status, m.duration, m.shapes, m.content, m.attributes
    from asset a join annotation m on m.bucket = a.bucket and m.version = a.version and m.asset = a.seq
    where a.bucket = :bucket and a.version = :version and a.seq = j.value
      and m.bucket = :bucket and m.version = :version
      and (cast(:status as text) is null or m.status = :status)
      and (cast(:account as bigint) is null or m.account = :account)
    order by m.no desc limit 1) n
left join lateral (
    select x.* from data x where x.lake_bucket = n.lake_bucket and x.no = n.data offset 0) d on true
left join lateral (select x.bucket, x.created from lake x where x.no = d.lake offset 0) k on true
left join lateral (
    select x.shapes from content x
    where x.dataset_bucket = :dataset_bucket and x.dataset = :dataset and x.no = n.content offset 0) c on true

-- Pairs of asset and label that already have a classification.

-- name: classified
select cast(j.value ->> 0 as bigint), cast(j.value ->> 1 as bigint)
from json_rows(:pairs) j cross join annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.asset = cast(j.value ->> 0 as bigint)
  and cast(j.value ->> 1 as bigint) * 16 + 1 + :kind
      = any (case when n.content is null then n.marks else c.marks end)
