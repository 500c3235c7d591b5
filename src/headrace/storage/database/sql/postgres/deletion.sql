-- Removal of assets from versions, and of the rows of deleted versions, range by range.

-- name: annotations_of_assets
select n.asset, n.counts
from json_numbers(:assets) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value

-- name: drop_content_of_assets
delete from content
where dataset_bucket = :dataset_bucket and dataset = :dataset and no = any (array(
    select n.content
    from json_numbers(:assets) j cross join annotation n
    where n.bucket = :bucket and n.version = :version and n.asset = j.value and n.content is not null))
  and (select s.sharing from dataset s where s.no = :dataset) = 0

-- name: note_garbage_of_assets
update dataset set garbage = garbage + (
    select count(*)
    from json_numbers(:assets) j cross join annotation n
    where n.bucket = :bucket and n.version = :version and n.asset = j.value and n.content is not null)
where no = :dataset and sharing = 1

-- name: drop_annotations_of_assets
delete from annotation
where bucket = :bucket and version = :version and asset = any (array(select value from json_numbers(:assets)))

-- name: drop_tags_of_assets
delete from asset_tag
where bucket = :bucket and version = :version and asset = any (array(select value from json_numbers(:assets)))

-- name: drop_assets
delete from asset
where bucket = :bucket and version = :version and seq = any (array(select value from json_numbers(:assets)))

-- name: assets_of_data
select v.no, v.bucket, s.no, s.bucket, v.state, v.locked, s.name, v.name, a.seq
from json_numbers(:data) j cross join asset a cross join version v cross join dataset s
where a.lake_bucket = :lake_bucket and a.data = j.value and v.no = a.version and s.no = v.dataset
order by v.no, a.seq limit :limit

-- name: drop_content_range
delete from content where dataset_bucket = :bucket and dataset = :dataset and no = any (array(
    select c.no from content c
    where c.dataset_bucket = :bucket and c.dataset = :dataset order by c.no limit :limit))
