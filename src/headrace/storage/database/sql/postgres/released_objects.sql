-- When the last row went that named an object in S3. Files of lakes are deleted at once.

-- name: add
insert into released_object (name, released)
select distinct j.value, cast(:now as bigint) from json_texts(:names) j
on conflict (name) do update set released = excluded.released

-- name: add_of_campaign
insert into released_object (name, released)
select g.instructions_object_name, :now from campaign g
where g.no = :campaign and g.instructions_object_name is not null
on conflict (name) do update set released = excluded.released

-- name: since
select r.name from released_object r
where r.name = any (array(select value from json_texts(:names))) and r.released >= :since

-- name: drop_before
delete from released_object where released < :before
