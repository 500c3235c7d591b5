-- The audit log. Rows are added and, when they are too old or too many, deleted from the oldest on.

-- name: add
insert into audit (time, organization, account, username, operation, subject, address, "system_user", client)
values (:time, :organization, :account, :username, :operation, :subject, :address, :system_user, :client)

-- name: page
select u.no, u.time, o.name, u.username, u.operation, u.subject, u.address, u."system_user", u.client
from audit u left join organization o on o.no = u.organization
where u.no > :after and u.time >= :since and u.time < :until
  and (cast(:user as text) is null or u.username = :user or u."system_user" = :user)
  and (cast(:operation as text) is null or u.operation ~ glob_regex(:operation))
order by u.no limit :limit

-- name: drop_excess
delete from audit where no = any (array(
    select u.no from audit u where u.no <= :last order by u.no limit :limit for update skip locked))

-- name: drop_old
delete from audit where no = any (array(
    select u.no from (select a.no, a.time from audit a order by a.no limit :limit for update skip locked) u
    where u.time < :before))
