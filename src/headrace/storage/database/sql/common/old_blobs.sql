-- Blobs of earlier formats, which a background job rewrites.

-- name: next
-- An undo compares annotations with what was recorded of their blobs, so blobs wait until no removal can be undone.
select o.content, o.bucket, o.object, o.asset, o.no
from old_blob o
where not exists (
    select 1 from removal r where r.dataset = o.dataset and r.undone is null and r.restorable = 1)
order by o.content, o.bucket, o.object limit 1

-- name: annotations
select n.asset, n.no, n.shapes from annotation n
where n.bucket = :bucket and n.version = :object and (n.asset, n.no) > (:asset, :no)
order by n.asset, n.no limit :limit

-- name: contents
select 0, c.no, c.shapes from content c
where c.dataset_bucket = :bucket and c.dataset = :object and c.no > :no
order by c.no limit :limit

-- name: rewrite_annotation
update annotation set shapes = ? where bucket = ? and version = ? and asset = ? and no = ?

-- name: rewrite_content
update content set shapes = ? where dataset_bucket = ? and dataset = ? and no = ?

-- name: advance
update old_blob set asset = :asset, no = :no
where content = :content and bucket = :bucket and object = :object

-- name: finish
delete from old_blob where content = :content and bucket = :bucket and object = :object
