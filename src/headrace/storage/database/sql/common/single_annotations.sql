-- Single annotations: list without shapes, read and rewrite one, delete in ranges.

-- name: ordered
select n.no, n.asset, n.status, n.duration, n.attributes, n.account, (select u.created from account u where u.no = n.account)
from annotation n
where n.bucket = :bucket and n.version = :version /*filters*/
limit :limit offset :offset

-- name: count
select count(*) from annotation n
where n.bucket = :bucket and n.version = :version /*filters*/

-- name: asset
select a.seq from asset a where a.bucket = :bucket and a.version = :version and a.seq = :asset

-- name: of_asset
select n.no, n.asset, n.status, n.duration, n.attributes, n.account, (select u.created from account u where u.no = n.account)
from annotation n
where n.bucket = :bucket and n.version = :version and n.asset = :asset /*filters*/
order by n.no desc limit :limit

-- name: drop_range
delete from annotation
where bucket = :bucket and version = :version and (asset, no) > (:asset, :no) and (asset, no) <= (:last_asset, :last_no)
  and no < :before

-- name: range
select n.asset, n.no, n.counts, n.content, n.account
from annotation n
where n.bucket = :bucket and n.version = :version and (n.asset, n.no) > (:asset, :no) and n.no < :before
order by n.asset, n.no limit :limit
