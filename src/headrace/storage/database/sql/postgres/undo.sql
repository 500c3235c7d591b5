-- What an undo compares and writes.

-- name: asset_names
select a.seq, a.filename
from json_numbers(:keys) j cross join asset a
where a.bucket = :bucket and a.version = :version and a.seq = j.value

-- name: annotations_of_assets
select n.asset, n.account, n.no
from json_numbers(:keys) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.asset = j.value
order by j.key, n.no

-- name: present_numbers
select n.no
from json_numbers(:keys) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.no = j.value
