-- The audit log. Rows are added and, when they are too old or too many, deleted from the oldest on.

-- name: bounds
select (select u.no from audit u order by u.no limit 1),
       (select u.no from audit u order by u.no desc limit 1),
       (select u.time from audit u order by u.no limit 1)
