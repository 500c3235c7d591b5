-- Content that no annotation of its dataset uses any more.

-- name: drop
delete from content
where dataset_bucket = :bucket and dataset = :dataset and no in (select value from json_each(:keys))

-- name: settle
update dataset set garbage = max(0, garbage - :garbage) where no = :dataset

-- name: named
select n.content
from version v cross join annotation n
where v.dataset = :dataset and n.bucket = v.bucket and n.version = v.no
  and n.content >= :first and n.content < :end
