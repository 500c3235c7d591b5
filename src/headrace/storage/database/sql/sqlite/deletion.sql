-- Removal of assets from versions, and of the rows of deleted versions, range by range.

-- name: annotations_of_assets
select n.asset, n.counts
from json_each(:assets) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value

-- name: drop_content_of_assets
delete from content where (dataset_bucket, dataset, no) in (
    select :dataset_bucket, :dataset, n.content
    from json_each(:assets) j cross join annotation n
    where n.bucket = :bucket and n.version = :version and n.asset = j.value and n.content is not null)
  and (select s.sharing from dataset s where s.no = :dataset) = 0

-- name: note_garbage_of_assets
update dataset set garbage = garbage + (
    select count(*)
    from json_each(:assets) j cross join annotation n
    where n.bucket = :bucket and n.version = :version and n.asset = j.value and n.content is not null)
where no = :dataset and sharing = 1

-- name: drop_annotations_of_assets
delete from annotation
where bucket = :bucket and version = :version and asset in (select value from json_each(:assets))

-- name: drop_tags_of_assets
delete from asset_tag where (bucket, version, tag, asset) in (
    select l.bucket, l.version, l.tag, l.asset
    from json_each(:assets) j cross join asset_tag l
    where l.bucket = :bucket and l.version = :version and l.asset = j.value)

-- name: drop_assets
delete from asset
where bucket = :bucket and version = :version and seq in (select value from json_each(:assets))

-- name: assets_of_data
select v.no, v.bucket, s.no, s.bucket, v.state, v.locked, s.name, v.name, a.seq
from json_each(:data) j cross join asset a indexed by asset_of_data cross join version v cross join dataset s
where a.lake_bucket = :lake_bucket and a.data = j.value and v.no = a.version and s.no = v.dataset
order by v.no, a.seq limit :limit

-- name: drop_content_range
delete from content where dataset_bucket = :bucket and dataset = :dataset and no in (
    select no from content
    where dataset_bucket = :bucket and dataset = :dataset order by no limit :limit)
