-- Content that no annotation of its dataset uses any more.

-- name: drop
delete from content
where dataset_bucket = :bucket and dataset = :dataset and no = any (array(select value from json_numbers(:keys)))

-- name: settle
update dataset set garbage = greatest(0, garbage - :garbage) where no = :dataset
