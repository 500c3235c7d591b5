-- Annotations, written in chunks and read newest first.

-- name: take_contents
update dataset set next_content = next_content + :count where no = :dataset
returning next_content - :count

-- name: drop
delete from annotation where bucket = ? and version = ? and asset = ? and no = ?

-- name: note_garbage
update dataset set garbage = garbage + :count where no = :dataset and sharing = 1
