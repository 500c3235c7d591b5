-- Lakes, the files in them and where they come from.

-- name: add_lake
insert into lake (no, bucket, organization, connector, name, created, is_default)
values (:no, :bucket, :organization, :connector, :name, :created, :is_default)
