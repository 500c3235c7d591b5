-- Tags become classifications: which assets of a range carry them, and what is said of these already.

-- name: asset_tags
select l.asset, 0, l.tag
from asset_tag l indexed by asset_tag_asset
where l.bucket = :bucket and l.version = :version and l.asset > :after and l.asset <= :until
order by l.asset

-- name: data_tags
select a.seq, l.lake, l.tag
from asset a cross join data_tag l indexed by data_tag_data
where a.bucket = :bucket and a.version = :version and a.seq > :after and a.seq <= :until
  and l.lake_bucket = a.lake_bucket and l.data = a.data
order by a.seq

-- name: classified
select json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]')
from json_each(:pairs) j cross join annotation n
left join content c
    on c.dataset_bucket = :dataset_bucket and c.dataset = :dataset and c.no = n.content
where n.bucket = :bucket and n.version = :version and n.asset = json_extract(j.value, '$[0]')
  and has_label(n.counts, json_extract(j.value, '$[1]'))
  and has_shape(coalesce(n.shapes, c.shapes), :kind, json_extract(j.value, '$[1]'))
