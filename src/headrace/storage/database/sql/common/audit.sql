-- The audit log. Rows are added and, when they are too old or too many, deleted from the oldest on.

-- name: bounds
select (select u.no from audit u order by u.no limit 1),
       (select u.no from audit u order by u.no desc limit 1),
       (select u.time from audit u order by u.no limit 1)

-- name: drop_old
delete from audit where no in (
    select u.no from (select a.no, a.time from audit a order by a.no limit :limit) u where u.time < :before)

-- name: drop_excess
delete from audit where no in (select u.no from audit u where u.no <= :last order by u.no limit :limit)
