-- Content that no annotation of its dataset uses any more.

-- name: drop
delete from content
where dataset_bucket = :bucket and dataset = :dataset and no = any (array(select value from json_numbers(:keys)))

-- name: settle
update dataset set garbage = greatest(0, garbage - :garbage) where no = :dataset

-- name: named
select n.content
from version v cross join lateral (
    select a.content from annotation a
    where a.bucket = v.bucket and a.version = v.no and a.content >= :first and a.content < :end offset 0) n
where v.dataset = :dataset
