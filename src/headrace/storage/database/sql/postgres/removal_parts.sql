-- What removals recorded, where several servers share the database: the pieces of what is a file in a lake.

-- name: add
insert into removal_part (removal, start, content) values (:removal, :start, :content)

-- name: at
select p.content from removal_part p where p.removal = :removal and p.start = :start

-- name: before
select p.start, p.content from removal_part p
where p.removal = :removal and p.start < :end
order by p.start desc limit 1
