-- Assets with the newest annotation they have, oldest asset first: what an annotation file is written from.

-- name: all
select a.seq, k.bucket, k.created, d.no, d.filename, d.object_name, d.width, d.height,
       n.no, n.status, n.duration, coalesce(n.shapes, c.shapes), n.attributes
from asset a cross join annotation n cross join data d cross join lake k
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where a.bucket = :bucket and a.version = :version
  and n.bucket = a.bucket and n.version = a.version and n.asset = a.seq
  and n.no = (select max(m.no) from annotation m
              where m.bucket = :bucket and m.version = :version and m.asset = a.seq
                and (:status is null or m.status = :status) and (:account is null or m.account = :account))
  and d.lake_bucket = a.lake_bucket and d.no = a.data and k.no = d.lake
order by a.seq

-- name: chosen
select a.seq, k.bucket, k.created, d.no, d.filename, d.object_name, d.width, d.height,
       n.no, n.status, n.duration, coalesce(n.shapes, c.shapes), n.attributes
from json_each(:assets) j cross join asset a cross join annotation n cross join data d cross join lake k
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where a.bucket = :bucket and a.version = :version and a.seq = j.value
  and n.bucket = a.bucket and n.version = a.version and n.asset = a.seq
  and n.no = (select max(m.no) from annotation m
              where m.bucket = :bucket and m.version = :version and m.asset = a.seq
                and (:status is null or m.status = :status) and (:account is null or m.account = :account))
  and d.lake_bucket = a.lake_bucket and d.no = a.data and k.no = d.lake
